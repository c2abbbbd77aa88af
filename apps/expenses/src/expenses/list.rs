use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cursor::Cursor;
use super::row::{Expense, Status, select_expenses};
use crate::day::Day;
use crate::failure::Failure;
use crate::input::Parameters;
use crate::names::digest;
use crate::openapi::ProblemBody;
use crate::session::Visitor;
use crate::text::trim;

/// Expenses of a page, unless the request says how many.
const USUAL: u16 = 50;
/// Expenses of a page at most.
const MOST: u16 = 1_000;

/// Which expenses, and which of the pages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Expenses of a page: 1 to 1,000; 50 if left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    status: Option<Status>,
    /// The name of the supplier; empty for none.
    supplier: Option<String>,
    /// The name of the category; empty for none.
    category: Option<String>,
    /// The name of the unit; empty for none.
    unit: Option<String>,
    /// The first day.
    from: Option<Day>,
    /// The last day.
    to: Option<Day>,
}

/// A page of expenses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    items: Vec<Expense>,
    /// The cursor of the next page; `null` on the last.
    #[schema(value_type = Option<String>)]
    next: Option<Cursor>,
}

/// Expenses, the latest first.
#[utoipa::path(
    get, path = "/api/expenses", tag = "expenses", params(Filter),
    responses(
        (status = 200, body = Page),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 422, description = "A parameter is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn list(visitor: Visitor, Parameters(filter): Parameters<Filter>) -> Result<Json<Page>, Failure> {
    let limit = filter.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Failure::invalid(format!("limit: use 1 to {MOST}")));
    }
    let (mut scope, _) = visitor.read().await?;
    // One more than asked for tells whether there is a next page.
    let query = if filter.is_empty() { filter.everything(limit + 1) } else { filter.some(limit + 1) };
    let mut items = query.fetch_all(&mut scope).await?;
    let more = items.len() > usize::from(limit);
    items.truncate(limit.into());
    let next = items.last().filter(|_| more).map(|last| Cursor { date: last.date, id: last.id });
    Ok(Json(Page { items, next }))
}

type Query = sqlx::query::QueryAs<'static, sqlx::Postgres, Expense, sqlx::postgres::PgArguments>;

impl Filter {
    fn is_empty(&self) -> bool {
        let Self { limit: _, cursor: _, status, supplier, category, unit, from, to } = self;
        status.is_none() && supplier.is_none() && category.is_none() && unit.is_none() && from.is_none() && to.is_none()
    }

    /// All expenses: the usual query, kept prepared.
    fn everything(&self, rows: u16) -> Query {
        let Cursor { date, id } = self.cursor.unwrap_or(Cursor::START);
        sqlx::query_as(select_expenses!("where (e.date, e.id) < ($1, $2) order by e.date desc, e.id desc limit $3"))
            .bind(date)
            .bind(id)
            .bind(i64::from(rows))
    }

    /// Expenses that pass. The plan depends on which filters are set, so it is made anew each time.
    fn some(&self, rows: u16) -> Query {
        let Cursor { date, id } = self.cursor.unwrap_or(Cursor::START);
        sqlx::query_as(select_expenses!(
            "where (e.date, e.id) < ($1, $2) and ($4::text is null or e.status = $4) \
             and ($5::bytea is null or s.digest = $5 or ($5 = '' and e.supplier_id is null)) \
             and ($6::bytea is null or c.digest = $6 or ($6 = '' and e.category_id is null)) \
             and ($7::bytea is null or u.digest = $7 or ($7 = '' and e.unit_id is null)) \
             and ($8::date is null or e.date >= $8) and ($9::date is null or e.date <= $9) \
             order by e.date desc, e.id desc limit $3"
        ))
        .persistent(false)
        .bind(date)
        .bind(id)
        .bind(i64::from(rows))
        .bind(self.status)
        .bind(name_key(self.supplier.as_deref()))
        .bind(name_key(self.category.as_deref()))
        .bind(name_key(self.unit.as_deref()))
        .bind(self.from)
        .bind(self.to)
    }
}

/// The digest of a name to look for; empty to look for none.
fn name_key(name: Option<&str>) -> Option<Vec<u8>> {
    let name = trim(name?);
    Some(if name.is_empty() { Vec::new() } else { digest(name).to_vec() })
}
