//! Money: hundredths of a currency inside, strings with two decimals outside. Never a float.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::text::grouped;

/// An amount of money, in hundredths of its currency; a credit is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, sqlx::Type, ToSchema)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, pattern = r"^-?[0-9]+(\.[0-9]{1,2})?$", example = "12.50")]
pub(crate) struct Amount(pub(crate) i64);

/// A text that is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidAmount {
    #[error("not an amount: use digits and at most two decimals, such as \"12.50\" or \"-3.00\"")]
    Malformed,
    #[error("the amount is too large: at most 92233720368547758.07")]
    TooLarge,
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (negative, number) = match text.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, text),
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "00"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(decimals) || decimals.len() > 2 {
            return Err(InvalidAmount::Malformed);
        }
        let minor = format!("{whole}{decimals:0<2}").parse::<i64>().map_err(|_| InvalidAmount::TooLarge)?;
        Ok(Self(if negative { -minor } else { minor }))
    }
}

impl TryFrom<String> for Amount {
    type Error = InvalidAmount;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Total(self.0.into()).fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A sum of amounts, which may be more than any amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, pattern = r"^-?[0-9]+\.[0-9]{2}$", example = "1234.50")]
pub(crate) struct Total(pub(crate) i128);

impl TryFrom<String> for Total {
    type Error = std::num::ParseIntError;

    /// Reads hundredths, as PostgreSQL writes the sum of a `bigint` column cast to text.
    fn try_from(hundredths: String) -> Result<Self, Self::Error> {
        hundredths.parse().map(Self)
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", size / 100, size % 100)
    }
}

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A sum as people read it, with its currency: `£1,234.50`, `-CHF 3.00`.
pub(crate) fn shown(minor: impl Into<i128>, currency: &str) -> String {
    let minor = minor.into();
    let sign = if minor < 0 { "-" } else { "" };
    let size = minor.unsigned_abs();
    // A hundredth of an unsigned number fits a signed one.
    let whole = grouped((size / 100) as i128);
    let symbol = match currency {
        "GBP" => "£",
        "EUR" => "€",
        "USD" => "$",
        _ => return format!("{sign}{currency} {whole}.{:02}", size % 100),
    };
    format!("{sign}{symbol}{whole}.{:02}", size % 100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_to_the_penny() {
        for (text, minor) in [
            ("0", 0),
            ("-0.00", 0),
            ("12", 1200),
            ("12.5", 1250),
            ("12.05", 1205),
            ("-0.05", -5),
            ("92233720368547758.07", i64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Amount(minor)), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "-", ".", "1.", ".5", "1.234", "1,5", "+1", "--1", "1e3", "1.-5", "£1", " 1", "(1)", "٣"] {
            assert_eq!(text.parse::<Amount>(), Err(InvalidAmount::Malformed), "{text}");
        }
        assert_eq!("92233720368547758.08".parse::<Amount>(), Err(InvalidAmount::TooLarge));
        assert!(serde_json::from_str::<Amount>("12.5").is_err(), "a JSON number is a float on its way");
    }

    #[test]
    fn sums_are_shown_with_currency_and_groups_of_three() {
        for (minor, currency, text) in [
            (0, "GBP", "£0.00"),
            (99_950, "GBP", "£999.50"),
            (123_456_789, "EUR", "€1,234,567.89"),
            (-5, "USD", "-$0.05"),
            (-100_000, "CHF", "-CHF 1,000.00"),
        ] {
            assert_eq!(shown(minor, currency), text);
        }
    }

    proptest! {
        #[test]
        fn an_amount_is_written_as_it_is_read(minor in -i64::MAX..=i64::MAX) {
            let text = serde_json::to_value(Amount(minor)).unwrap();
            prop_assert_eq!(serde_json::from_value::<Amount>(text).unwrap(), Amount(minor));
        }
    }
}
