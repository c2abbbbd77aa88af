use freehold::isolation::{Access, Scope, Sqlx};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use utoipa::ToSchema;

use super::filter::Found;
use crate::day::Day;
use crate::money::Total;

/// A month, and what was spent in it.
#[derive(Clone, Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Month {
    /// Its first day.
    #[serde(skip)]
    pub(super) first: Day,
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$", example = "2026-01")]
    month: String,
    pub(super) count: i64,
    #[sqlx(try_from = "String")]
    pub(super) total: Total,
}

impl Month {
    /// A month in which nothing was spent.
    pub(super) fn empty(first: Day) -> Self {
        Self { first, month: first.to_string().chars().take(7).collect(), count: 0, total: Total(0) }
    }

    /// Its last day.
    pub(super) fn last(&self) -> Day {
        Day(self.first.0.last_of_month())
    }

    /// The address of the list of its expenses.
    pub(crate) fn expenses(&self) -> String {
        format!("/expenses?from={}&to={}", self.first, self.last())
    }
}

/// A unit or supplier, and what was spent by or on it.
#[derive(Debug, FromRow)]
pub(super) struct Named {
    /// Empty for expenses of none.
    pub(super) name: String,
    pub(super) count: i64,
    #[sqlx(try_from = "String")]
    pub(super) total: Total,
}

/// Those with the largest sums, the largest first, and what the rest come to.
#[derive(Debug)]
pub(super) struct Ranking {
    pub(super) top: Vec<Named>,
    /// How many names the rest has.
    pub(super) other_names: i64,
    pub(super) other_count: i64,
    pub(super) other_total: Total,
}

/// What is summed up: rows of a table of sums, and the expenses of days that are in no whole month. Words of this file alone;
/// `$1` to `$10` are bound by [`bind`].
macro_rules! summands {
    ($table:literal, $key:literal) => {
        concat!(
            "(select month, ", $key, ", count, total_minor from ", $table, " where month >= $1 and month <= $2 \
              and (not $7 or unit_id is not distinct from $8) and (not $9 or category_id is not distinct from $10) \
              union all \
              select date_trunc('month', date)::date, ", $key, ", 1, amount_minor from expenses \
              where status <> 'rejected' and ((date >= $3 and date <= $4) or (date >= $5 and date <= $6)) \
              and (not $7 or unit_id is not distinct from $8) and (not $9 or category_id is not distinct from $10)) summands"
        )
    };
}

/// Per month, the earliest first; at most the latest `limit`.
pub(super) async fn by_month<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    filter: Found,
    limit: i64,
) -> Result<Vec<Month>, sqlx::Error> {
    let select = concat!(
        "select month as first, to_char(month, 'YYYY-MM') as month, sum(count)::bigint as count, sum(total_minor)::text as total \
         from ",
        summands!("unit_totals", "unit_id"),
        " group by summands.month having sum(count) > 0 order by summands.month desc limit $11"
    );
    let mut months: Vec<Month> = bind(sqlx::query_as(select), filter).bind(limit).fetch_all(scope).await?;
    months.reverse();
    Ok(months)
}

/// Per unit, by name.
pub(super) async fn by_unit<A: Access>(scope: &mut Scope<Sqlx, A>, filter: Found) -> Result<Vec<Named>, sqlx::Error> {
    let select = concat!(
        "select coalesce(n.name, '') as name, s.count, s.total::text as total \
         from (select unit_id, sum(count)::bigint as count, sum(total_minor) as total from ",
        summands!("unit_totals", "unit_id"),
        " group by unit_id having sum(count) > 0) s left join units n on n.id = s.unit_id order by name"
    );
    bind(sqlx::query_as(select), filter).fetch_all(scope).await
}

macro_rules! ranking {
    ($table:literal, $key:literal, $names:literal) => {
        concat!(
            "with sums as materialized (select ", $key, " as key, sum(count)::bigint as count, sum(total_minor) as total from ",
            summands!($table, $key),
            " group by 1 having sum(count) > 0) \
             select coalesce(n.name, '') as name, top.count, top.total::text as total, (select count(*) from sums) as names, \
             (select sum(count)::bigint from sums) as all_count, (select sum(total)::text from sums) as all_total \
             from (select key, count, total from sums order by total desc, key limit $11) top left join ",
            $names, " n on n.id = top.key order by top.total desc, top.key"
        )
    };
}

/// Units by sum.
pub(super) async fn unit_ranking<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    filter: Found,
    limit: u16,
) -> Result<Ranking, sqlx::Error> {
    rank(scope, ranking!("unit_totals", "unit_id", "units"), filter, limit).await
}

/// Suppliers by sum.
pub(super) async fn supplier_ranking<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    filter: Found,
    limit: u16,
) -> Result<Ranking, sqlx::Error> {
    rank(scope, ranking!("supplier_totals", "supplier_id", "suppliers"), filter, limit).await
}

#[derive(FromRow)]
struct Ranked {
    #[sqlx(flatten)]
    named: Named,
    names: i64,
    all_count: i64,
    #[sqlx(try_from = "String")]
    all_total: Total,
}

async fn rank<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    select: &'static str,
    filter: Found,
    limit: u16,
) -> Result<Ranking, sqlx::Error> {
    let ranked: Vec<Ranked> = bind(sqlx::query_as(select), filter).bind(i64::from(limit)).fetch_all(scope).await?;
    let (names, count, total) = ranked.first().map_or((0, 0, 0), |row| (row.names, row.all_count, row.all_total.0));
    let top: Vec<Named> = ranked.into_iter().map(|row| row.named).collect();
    Ok(Ranking {
        other_names: names - top.len() as i64,
        other_count: count - top.iter().map(|named| named.count).sum::<i64>(),
        other_total: Total(total - top.iter().map(|named| named.total.0).sum::<i128>()),
        top,
    })
}

type Query<'q, T> = QueryAs<'q, sqlx::Postgres, T, PgArguments>;

/// Binds what [`summands`] has. The plan depends on the filter, so it is made anew each time.
fn bind<T: for<'r> FromRow<'r, PgRow>>(query: Query<'_, T>, filter: Found) -> Query<'_, T> {
    let Found { span, unit, category } = filter;
    let query = query.persistent(false).bind(span.months.0).bind(span.months.1);
    let query = span.edges.into_iter().fold(query, |query, (first, last)| query.bind(first).bind(last));
    query.bind(unit.is_some()).bind(unit.flatten()).bind(category.is_some()).bind(category.flatten())
}

/// The last month that has expenses and is not in the future; this month if there is none.
pub(super) async fn latest_month<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Day, sqlx::Error> {
    let this = Day::today().month();
    let select = "select month from unit_totals where month <= $1 and count > 0 order by month desc limit 1";
    let month = sqlx::query_scalar(select).bind(this).fetch_optional(scope).await?;
    Ok(month.unwrap_or(this))
}

/// Twelve months up to the last that has expenses, also those in which nothing was spent.
pub(crate) async fn recent<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<Month>, sqlx::Error> {
    let last = latest_month(scope).await?;
    let first = last.months_away(-11);
    let select = "select month as first, to_char(month, 'YYYY-MM') as month, sum(count)::bigint as count, \
                  sum(total_minor)::text as total from unit_totals where month >= $1 and month <= $2 group by unit_totals.month";
    let spent: Vec<Month> = sqlx::query_as(select).bind(first).bind(last).fetch_all(scope).await?;
    Ok(filled(&spent, first, last))
}

/// All months of a range, with what was spent in them.
pub(super) fn filled(spent: &[Month], first: Day, last: Day) -> Vec<Month> {
    let months = (0..=first.months_until(last)).map(|months| first.months_away(months));
    let spent = |first| spent.iter().find(|month| month.first == first).cloned();
    months.map(|first| spent(first).unwrap_or_else(|| Month::empty(first))).collect()
}
