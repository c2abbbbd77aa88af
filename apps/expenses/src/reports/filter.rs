//! Which expenses a report is about, and which sums and which single expenses are read for it.

use freehold::isolation::{Access, Scope, Sqlx};
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::day::Day;
use crate::names::digest;
use crate::text::trim;

/// Which expenses. All, if nothing is said.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// The first day.
    pub(super) from: Option<Day>,
    /// The last day.
    pub(super) to: Option<Day>,
    /// The name of the unit; empty for none.
    pub(super) unit: Option<String>,
    /// The name of the category; empty for none.
    pub(super) category: Option<String>,
}

/// A filter whose names were looked up. Of a name that is not there, no expense is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) span: Span,
    pub(super) unit: Option<Option<Uuid>>,
    pub(super) category: Option<Option<Uuid>>,
}

impl Filter {
    /// Looks the names up.
    pub(super) async fn find<A: Access>(&self, scope: &mut Scope<Sqlx, A>) -> Result<Found, sqlx::Error> {
        let key = |name: &Option<String>| name.as_deref().map(trim).map(digest);
        let select = "select (select id from units where digest = $1), (select id from categories where digest = $2)";
        let found = sqlx::query_as::<_, (Option<Uuid>, Option<Uuid>)>(select);
        let found = found.bind(key(&self.unit)).bind(key(&self.category));
        let (unit, category) = found.fetch_one(scope).await?;
        let wanted = |name: &Option<String>, id: Option<Uuid>| {
            let name = name.as_deref().map(trim)?;
            Some(if name.is_empty() { None } else { Some(id.unwrap_or(Uuid::nil())) })
        };
        Ok(Found {
            span: Span::of(self.from.unwrap_or(Day::FIRST), self.to.unwrap_or(Day::LAST)),
            unit: wanted(&self.unit, unit),
            category: wanted(&self.category, category),
        })
    }
}

/// A range of days, as the months that are whole in it and the days at its ends that are not in those.
///
/// Ends belong to ranges. A range whose last day is before its first is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first day of the first and of the last whole month.
    pub(super) months: (Day, Day),
    pub(super) edges: [(Day, Day); 2],
}

const NOTHING: (Day, Day) = (Day::LAST, Day::FIRST);

impl Span {
    pub(super) fn of(from: Day, to: Day) -> Self {
        let is_month_s_last = |day: Date| day == day.last_of_month();
        let first = if from == from.month() { from } else { from.months_away(1) };
        let last = if is_month_s_last(to.0) { to.month() } else { to.months_away(-1) };
        // Also at the ends of all days, where there is no month to go on to.
        if first > last || first < from || last.0.last_of_month() > to.0 {
            return Self { months: NOTHING, edges: [(from, to), NOTHING] };
        }
        let before = if first > from { (from, Day(first.0.yesterday().unwrap_or(first.0))) } else { NOTHING };
        let after = if is_month_s_last(to.0) { NOTHING } else { (to.month(), to) };
        Self { months: (first, last), edges: [before, after] }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_is_whole_months_and_what_is_left_at_its_ends() {
        for (from, to, months, edges) in [
            ("2026-01-01", "2026-12-31", Some(("2026-01-01", "2026-12-01")), [None, None]),
            ("2026-01-01", "2026-01-31", Some(("2026-01-01", "2026-01-01")), [None, None]),
            (
                "2026-01-10",
                "2026-04-03",
                Some(("2026-02-01", "2026-03-01")),
                [Some(("2026-01-10", "2026-01-31")), Some(("2026-04-01", "2026-04-03"))],
            ),
            ("2026-01-10", "2026-02-20", None, [Some(("2026-01-10", "2026-02-20")), None]),
            ("0001-01-01", "9999-12-31", Some(("0001-01-01", "9999-12-01")), [None, None]),
            ("9999-12-02", "9999-12-31", None, [Some(("9999-12-02", "9999-12-31")), None]),
            ("0001-01-01", "0001-01-30", None, [Some(("0001-01-01", "0001-01-30")), None]),
        ] {
            let range = |range: Option<(&str, &str)>| range.map_or(NOTHING, |(from, to)| (day(from), day(to)));
            let expected = Span { months: range(months), edges: edges.map(range) };
            assert_eq!(Span::of(day(from), day(to)), expected, "{from} to {to}");
        }
    }

    proptest! {
        #[test]
        fn every_day_of_a_range_is_in_one_part_of_it(from in 0_i32..800, length in -5_i32..800, probe in -40_i32..1_700) {
            let at = |number| Day::of_number(9_000 + number).unwrap();
            let (from, to, probe) = (at(from), at(from + length), at(probe));
            let Span { months, edges } = Span::of(from, to);
            let within = |(first, last): (Day, Day), day: Day| usize::from(first <= day && day <= last);
            let times = within(months, probe.month()) + within(edges[0], probe) + within(edges[1], probe);
            prop_assert_eq!(times, within((from, to), probe));
        }
    }
}
