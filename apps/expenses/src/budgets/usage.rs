//! What is used of budgets.

use freehold::isolation::{Access, Scope, Sqlx};
use jiff::ToSpan;
use jiff::civil::Date;

use super::budget::{Budget, Period, State};
use crate::approvals::Matter;
use crate::day::Day;
use crate::money::Amount;

/// All budgets.
pub(super) async fn all<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<Budget>, sqlx::Error> {
    find(scope, None).await
}

/// Those that are nearly used up, or more than that.
pub(crate) async fn strained<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<Budget>, sqlx::Error> {
    let mut budgets = all(scope).await?;
    budgets.retain(|budget| budget.state() > State::Within);
    Ok(budgets)
}

/// What an expense that was added in this scope made of a budget: near or over, if it was not before. The worst, of several.
pub(crate) async fn reached<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    matter: Matter,
    day: Day,
) -> Result<Option<State>, sqlx::Error> {
    let today = Day::today().0;
    let amount = Amount(matter.amount_minor);
    let touched = find(scope, Some(matter)).await?.into_iter().filter(|budget| match budget.period {
        Period::Month => day.0.first_of_month() == today.first_of_month(),
        Period::Year => day.0.year() == today.year(),
    });
    let states = touched.filter(|budget| budget.state() > budget.state_without(amount)).map(|budget| budget.state());
    Ok(states.max())
}

/// Budgets that an expense like this counts for, or all of them. What is used of them is in the sums of the year's months.
async fn find<A: Access>(scope: &mut Scope<Sqlx, A>, matter: Option<Matter>) -> Result<Vec<Budget>, sqlx::Error> {
    let [year, month, next_month, next_year] = bounds(Day::today().0).map(Day);
    sqlx::query_as(
        "with wanted as (select id, period, amount_minor, unit_id, category_id from budgets \
           where not $5 or ((unit_id is null or unit_id = $6) and (category_id is null or category_id = $7))), \
         sums as materialized (select unit_id, category_id, sum(total_minor) as year, \
                  sum(total_minor) filter (where month >= $2 and month < $3) as month \
           from unit_totals where month >= $1 and month < $4 group by unit_id, category_id) \
         select b.id, b.period, b.amount_minor as amount, coalesce(u.name, '') as unit, coalesce(c.name, '') as category, \
         coalesce((select sum(case b.period when 'year' then s.year else s.month end) from sums s \
                   where (b.unit_id is null or b.unit_id = s.unit_id) \
                   and (b.category_id is null or b.category_id = s.category_id)), 0)::text as used \
         from wanted b left join units u on u.id = b.unit_id left join categories c on c.id = b.category_id \
         order by b.period, unit, category, b.id",
    )
    .bind(year)
    .bind(month)
    .bind(next_month)
    .bind(next_year)
    .bind(matter.is_some())
    .bind(matter.and_then(|matter| matter.unit_id))
    .bind(matter.and_then(|matter| matter.category_id))
    .fetch_all(scope)
    .await
}

/// The first days of this year, this month, the next month and the next year.
fn bounds(today: Date) -> [Date; 4] {
    let (year, month) = (today.first_of_year(), today.first_of_month());
    // Beyond the last year there is no day that anything could be spent on.
    let next = |date: Date, span| date.checked_add(span).unwrap_or(Date::MAX);
    [year, month, next(month, 1.month()), next(year, 1.year())]
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_month_and_a_year_end_where_the_next_begins() {
        let firsts = [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1), date(2025, 1, 1)];
        assert_eq!(bounds(date(2024, 2, 29)), firsts);
        let firsts = [date(2026, 1, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 1, 1)];
        assert_eq!(bounds(date(2026, 12, 31)), firsts);
        assert_eq!(bounds(date(9999, 12, 31))[3], Date::MAX);
    }
}
