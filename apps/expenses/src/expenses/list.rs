use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cursor::Cursor;
use super::row::{Expense, Status};
use super::search::{Order, Search};
use crate::day::Day;
use crate::failure::Failure;
use crate::input::Parameters;
use crate::openapi::ProblemBody;
use crate::session::Visitor;

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
    /// `next` of the page before, in the same order.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Part of the description, or of the name of supplier, category or unit.
    q: Option<String>,
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
    /// `newest` if left out.
    order: Option<Order>,
}

/// A page of expenses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    items: Vec<Expense>,
    /// The cursor of the next page; `null` on the last.
    #[schema(value_type = Option<String>)]
    next: Option<Cursor>,
}

/// Expenses, the latest first unless another order is asked for.
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
    let Filter { limit: _, cursor, q, status, supplier, category, unit, from, to, order } = filter;
    if q.as_ref().is_some_and(|text| text.contains('\0')) {
        return Err(Failure::invalid("q: leave out the NUL character"));
    }
    let order = order.unwrap_or_default();
    let search = Search { text: q, status, supplier, category, unit, from, to, order };
    let (mut scope, _) = visitor.read().await?;
    let (items, next) = search.run(&mut scope, cursor, limit).await?;
    Ok(Json(Page { items, next }))
}
