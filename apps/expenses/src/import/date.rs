//! Dates.

use jiff::civil::Date;

use super::{excerpt::Excerpt, rejection::Reason};

/// Reads a date written `YYYY-MM-DD`, the one way of ISO 8601 that these files use.
///
/// There is no year 0: no payment was made in it, and PostgreSQL would show it as 1 BC.
pub(super) fn parse(text: &str) -> Result<Date, Reason> {
    digits(text).ok_or_else(|| Reason::Date {
        value: Excerpt::of(text),
    })
}

fn digits(text: &str) -> Option<Date> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4])?;
    let month = number(&[m1, m2])?;
    let day = number(&[d1, d2])?;
    if year == 0 {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Reads at most four digits.
fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + i16::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn real_dates_are_read() {
        assert_eq!(parse("2018-07-24"), Ok(date(2018, 7, 24)));
        assert_eq!(parse("2020-02-29"), Ok(date(2020, 2, 29)));
        assert_eq!(parse("0001-01-01"), Ok(date(1, 1, 1)));
        assert_eq!(parse("9999-12-31"), Ok(date(9999, 12, 31)));
    }

    #[test]
    fn what_is_no_real_date_is_rejected() {
        for text in [
            "",
            "201",
            "2021-02-30",
            "2021-02-29",
            "1900-02-29",
            "2021-00-10",
            "2021-13-01",
            "2021-01-00",
            "2021-01-32",
            "0000-01-01",
            "2021-1-1",
            "21-01-01",
            "20210101",
            "2021/01/01",
            "01/02/2021",
            "2021-01-01T00:00",
            "2021-01-01 ",
            "-2021-01-01",
            "+2021-01-1",
            "2021-+1-01",
            "2021-01-1a",
            "２０21-01-01",
            "٢٠٢١-01-01",
            "2021–01–01",
        ] {
            let value = Excerpt::of(text);
            assert_eq!(parse(text), Err(Reason::Date { value }), "{text}");
        }
    }
}
