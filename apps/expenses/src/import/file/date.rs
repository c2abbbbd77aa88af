//! Dates.

use super::{excerpt::Excerpt, rejection::Reason};
use crate::day::Day;

/// Reads a date written `YYYY-MM-DD`, the one way of ISO 8601 that these files use.
pub(super) fn parse(text: &str) -> Result<Day, Reason> {
    text.parse().map_err(|_| Reason::Date { value: Excerpt::of(text) })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn real_dates_are_read() {
        assert_eq!(parse("2018-07-24"), Ok(Day(date(2018, 7, 24))));
        assert_eq!(parse("2020-02-29"), Ok(Day(date(2020, 2, 29))));
        assert_eq!(parse("0001-01-01"), Ok(Day(date(1, 1, 1))));
        assert_eq!(parse("9999-12-31"), Ok(Day(date(9999, 12, 31))));
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
