//! Calendar days.

use std::fmt;
use std::str::FromStr;

use jiff::Span;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize, Serializer};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};
use utoipa::ToSchema;

/// A day of the years 1 to 9999, written `YYYY-MM-DD`; a `date` in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = Date, example = "2026-01-31")]
pub(crate) struct Day(pub(crate) Date);

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date: use YYYY-MM-DD, and a day that exists")]
pub(crate) struct InvalidDay;

impl Day {
    /// The last day there is.
    pub(crate) const LAST: Self = Self(date(9999, 12, 31));
    /// The first.
    pub(crate) const FIRST: Self = Self(date(1, 1, 1));

    /// As people read it: `31 Jan 2026`.
    pub(crate) fn shown(self) -> String {
        self.0.strftime("%-d %b %Y").to_string()
    }

    /// Today, by universal time.
    pub(crate) fn today() -> Self {
        Self(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// The first day of its month.
    pub(crate) fn month(self) -> Self {
        Self(self.0.first_of_month())
    }

    /// The first day of the month so many months away, or of the last or first month there is.
    pub(crate) fn months_away(self, months: i32) -> Self {
        let beyond = if months > 0 { Self::LAST } else { Self::FIRST };
        let away = self.month().0.checked_add(Span::new().months(months)).ok().filter(|date| date.year() > 0);
        away.map_or(beyond, Self).month()
    }

    /// Months from this one to that of another day.
    pub(crate) fn months_until(self, other: Self) -> i32 {
        let number = |day: Self| i32::from(day.0.year()) * 12 + i32::from(day.0.month());
        number(other) - number(self)
    }

    /// PostgreSQL counts days from here.
    const EPOCH: Date = date(2000, 1, 1);

    /// Days since the first of January 2000.
    pub(crate) fn number(self) -> i32 {
        // The years 1 to 9999 have less than four million days.
        (Self::EPOCH.duration_until(self.0).as_hours() / 24) as i32
    }

    /// The day of a [`number`](Self::number), if it is in range.
    pub(crate) fn of_number(number: i32) -> Option<Self> {
        let date = Self::EPOCH.checked_add(Span::new().try_days(number).ok()?).ok()?;
        (date.year() > 0).then_some(Self(date))
    }
}

impl FromStr for Day {
    type Err = InvalidDay;

    /// Takes `YYYY-MM-DD` alone, the one way of ISO 8601 that needs no guessing.
    ///
    /// There is no year 0: nothing was paid in it, and PostgreSQL would show it as 1 BC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
            return Err(InvalidDay);
        };
        let date = || {
            let year = number(&[y1, y2, y3, y4]).filter(|year| *year > 0)?;
            let month = i8::try_from(number(&[m1, m2])?).ok()?;
            let day = i8::try_from(number(&[d1, d2])?).ok()?;
            Date::new(year, month, day).ok()
        };
        date().map(Self).ok_or(InvalidDay)
    }
}

/// Reads at most four digits.
fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i16::from(digit - b'0')))
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Type<Postgres> for Day {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1082))
    }
}

impl PgHasArrayType for Day {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1182))
    }
}

impl Encode<'_, Postgres> for Day {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.number(), buffer)
    }
}

impl Decode<'_, Postgres> for Day {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let number: i32 = Decode::<Postgres>::decode(value)?;
        Self::of_number(number).ok_or_else(|| format!("{number} days from 2000 are beyond the years 1 to 9999").into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn months_are_counted_and_end_with_the_first_and_the_last() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        for (from, months, to) in [
            ("2026-01-31", 0, "2026-01-01"),
            ("2026-01-31", 1, "2026-02-01"),
            ("2026-01-31", -13, "2024-12-01"),
            ("9999-12-31", 1, "9999-12-01"),
            ("0001-01-01", -1, "0001-01-01"),
        ] {
            assert_eq!(day(from).months_away(months), day(to), "{from} {months}");
        }
        assert_eq!(day("2025-12-31").months_until(day("2026-02-01")), 2);
        assert_eq!(day("2026-02-01").months_until(day("2025-12-31")), -2);
    }

    #[test]
    fn real_dates_are_read_and_written() {
        for text in ["2018-07-24", "2020-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn days_are_counted_as_postgresql_counts_them() {
        assert_eq!("2000-01-01".parse::<Day>().unwrap().number(), 0);
        assert_eq!("1999-12-31".parse::<Day>().unwrap().number(), -1);
        assert_eq!("0001-01-01".parse::<Day>().unwrap().number(), -730_119);
        assert_eq!(Day::LAST.number(), 2_921_939);
        assert_eq!(Day::of_number(-730_120), None);
        assert_eq!(Day::of_number(i32::MAX), None);
    }

    proptest! {
        #[test]
        fn a_day_is_found_again_by_its_number(number in -730_119..=2_921_939) {
            prop_assert_eq!(Day::of_number(number).unwrap().number(), number);
        }
    }
}
