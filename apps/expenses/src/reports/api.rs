use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::filter::Filter;
use super::read::{self, Month, Named, Ranking};
use crate::failure::Failure;
use crate::input::Parameters;
use crate::money::Total;
use crate::openapi::ProblemBody;
use crate::session::Visitor;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Monthly {
    rows: Vec<Month>,
}

/// Per month, the earliest first.
#[utoipa::path(
    get, path = "/api/reports/monthly", tag = "reports", params(Filter),
    responses(
        (status = 200, body = Monthly),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 422, description = "A parameter is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn monthly(
    visitor: Visitor,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Monthly>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    let filter = filter.find(&mut scope).await?;
    Ok(Json(Monthly { rows: read::by_month(&mut scope, filter, i64::MAX).await? }))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ByUnit {
    rows: Vec<Unit>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Unit {
    /// Empty for expenses of no unit.
    unit: String,
    count: i64,
    total: Total,
}

/// Per unit, by name.
#[utoipa::path(
    get, path = "/api/reports/by-unit", tag = "reports", params(Filter),
    responses(
        (status = 200, body = ByUnit),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 422, description = "A parameter is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn by_unit(visitor: Visitor, Parameters(filter): Parameters<Filter>) -> Result<Json<ByUnit>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    let filter = filter.find(&mut scope).await?;
    let rows = read::by_unit(&mut scope, filter).await?;
    let rows = rows.into_iter().map(|Named { name, count, total }| Unit { unit: name, count, total });
    Ok(Json(ByUnit { rows: rows.collect() }))
}

/// Suppliers in an answer, unless the request says how many.
const USUAL: u16 = 50;
/// Suppliers in an answer at most.
const MOST: u16 = 1_000;

/// How many suppliers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Limit {
    /// Suppliers with a row of their own: 1 to 1,000; 50 if left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BySupplier {
    rows: Vec<Supplier>,
    others: Others,
}

#[derive(Debug, Serialize, ToSchema)]
struct Supplier {
    /// Empty for expenses of no supplier.
    supplier: String,
    count: i64,
    total: Total,
}

/// All suppliers without a row of their own.
#[derive(Debug, Serialize, ToSchema)]
struct Others {
    suppliers: i64,
    count: i64,
    total: Total,
}

/// Per supplier: those with the largest sums, the largest first, and what the rest come to.
#[utoipa::path(
    get, path = "/api/reports/by-supplier", tag = "reports", params(Filter, Limit),
    responses(
        (status = 200, body = BySupplier),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 422, description = "A parameter is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn by_supplier(
    visitor: Visitor,
    Parameters(filter): Parameters<Filter>,
    Parameters(Limit { limit }): Parameters<Limit>,
) -> Result<Json<BySupplier>, Failure> {
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Failure::invalid(format!("limit: use 1 to {MOST}")));
    }
    let (mut scope, _) = visitor.read().await?;
    let filter = filter.find(&mut scope).await?;
    let Ranking { top, other_names, other_count, other_total } =
        read::supplier_ranking(&mut scope, filter, limit).await?;
    let rows = top.into_iter().map(|Named { name, count, total }| Supplier { supplier: name, count, total }).collect();
    Ok(Json(BySupplier { rows, others: Others { suppliers: other_names, count: other_count, total: other_total } }))
}
