//! Amounts of money as public bodies write them.

use super::{excerpt::Excerpt, rejection::Reason};

/// Reads an amount into pence (the hundredth part of whatever the currency is).
///
/// An amount is an optional `-`, digits, optionally commas in threes, and at most two decimals; or
/// the same without a sign in parentheses, the accountants' way to write a negative one. Digits
/// stand on both sides of a point. Nothing else passes: no currency sign, no `+`, no exponent.
pub(super) fn parse(text: &str) -> Result<i64, Reason> {
    let (negative, number) = if let Some(number) = text.strip_prefix('-') {
        (true, number)
    } else if let Some(number) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        (true, number)
    } else {
        (false, text)
    };

    let (whole, decimals) = match number.split_once('.') {
        Some((whole, decimals)) if is_digits(decimals) => (whole, decimals),
        Some(_) => return Err(malformed(text)),
        None => (number, ""),
    };
    let scale = match decimals.len() {
        0 => 100,
        1 => 10,
        2 => 1,
        _ => return Err(malformed(text)),
    };
    if !is_digits(whole) && !is_in_threes(whole) {
        return Err(malformed(text));
    }

    let digits = whole.bytes().chain(decimals.bytes()).filter(u8::is_ascii_digit);
    let pence = digits
        .map(|digit| i64::from(digit - b'0'))
        .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(digit))
        .and_then(|sum| sum.checked_mul(scale))
        .ok_or_else(|| Reason::AmountTooLarge { value: Excerpt::of(text) })?;
    Ok(if negative { -pence } else { pence })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One to three digits, then groups of a comma and three digits.
fn is_in_threes(text: &str) -> bool {
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    is_digits(first) && first.len() <= 3 && groups.all(|group| is_digits(group) && group.len() == 3)
}

fn malformed(text: &str) -> Reason {
    Reason::Amount { value: Excerpt::of(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_penny() {
        for (text, pence) in [
            ("0", 0),
            ("-0", 0),
            ("(0.00)", 0),
            ("5", 500),
            ("5.1", 510),
            ("5.01", 501),
            ("0.05", 5),
            ("007.50", 750),
            ("-5.00", -500),
            ("(5.00)", -500),
            ("(5)", -500),
            ("1234.50", 123_450),
            ("1,234.50", 123_450),
            ("-1,234.5", -123_450),
            ("(1,234,567.89)", -123_456_789),
            ("12,345", 1_234_500),
            ("123,456", 12_345_600),
            ("0,001", 100),
            ("92233720368547758.07", i64::MAX),
            ("-92,233,720,368,547,758.07", -i64::MAX),
        ] {
            assert_eq!(parse(text), Ok(pence), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_rejected() {
        for text in [
            "",
            "-",
            "()",
            "(",
            ")",
            ".",
            ",",
            "-.",
            "abc",
            "12a",
            "--5",
            "+5",
            "5-",
            "- 5",
            "5 0",
            "£5",
            "$5",
            "5%",
            "1e5",
            "0x5",
            "NaN",
            "inf",
            ".50",
            "5.",
            "(.50)",
            "5.123",
            "5.1.2",
            "5.00,0",
            "1,23",
            "12,34,567",
            ",123",
            "123,",
            "1,,234",
            "1234,567",
            "1,2345",
            "1,234,56",
            "(-5.00)",
            "-(5.00)",
            "(+5)",
            "(5.00",
            "5.00)",
            "((5.00))",
            "( 5.00 )",
            "(5.00)-",
            "5,00",
            "1.234,50",
            "1'234",
            "1 234",
            "1\u{A0}234",
            "٣",
            "５",
            "−5",
            "\u{2212}5",
            "5.\u{664}",
        ] {
            let value = Excerpt::of(text);
            assert_eq!(parse(text), Err(Reason::Amount { value }), "{text}");
        }
    }

    #[test]
    fn an_amount_beyond_the_range_is_rejected_as_such() {
        for text in ["92233720368547758.08", "-92233720368547758.08", "1".repeat(400).as_str()] {
            let value = Excerpt::of(text);
            assert_eq!(parse(text), Err(Reason::AmountTooLarge { value }), "{text}");
        }
    }
}
