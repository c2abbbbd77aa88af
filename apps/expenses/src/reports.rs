//! Sums over everything but rejected expenses.

use axum::Json;
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;

use crate::failure::Failure;
use crate::money::Total;
use crate::openapi::ProblemBody;
use crate::session::Visitor;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Monthly {
    rows: Vec<Month>,
}

#[derive(Debug, Serialize, FromRow, ToSchema)]
struct Month {
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$", example = "2026-01")]
    month: String,
    count: i64,
    #[sqlx(try_from = "String")]
    total: Total,
}

/// Per month, the earliest first.
#[utoipa::path(
    get, path = "/api/reports/monthly", tag = "reports",
    responses((status = 200, body = Monthly), (status = 401, description = "Nobody is logged in", body = ProblemBody)),
)]
pub(crate) async fn monthly(visitor: Visitor) -> Result<Json<Monthly>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    // By day first: there are far fewer days to write out as months than expenses.
    let rows = sqlx::query_as(
        "select to_char(date, 'YYYY-MM') as month, sum(count)::bigint as count, sum(total)::text as total \
         from (select date, count(*) as count, sum(amount_minor) as total from expenses where status <> 'rejected' group by date) days \
         group by month order by month",
    );
    Ok(Json(Monthly { rows: rows.fetch_all(&mut scope).await? }))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ByUnit {
    rows: Vec<Unit>,
}

#[derive(Debug, Serialize, FromRow, ToSchema)]
struct Unit {
    /// Empty for expenses of no unit.
    unit: String,
    count: i64,
    #[sqlx(try_from = "String")]
    total: Total,
}

/// Per unit, by name.
#[utoipa::path(
    get, path = "/api/reports/by-unit", tag = "reports",
    responses((status = 200, body = ByUnit), (status = 401, description = "Nobody is logged in", body = ProblemBody)),
)]
pub(crate) async fn by_unit(visitor: Visitor) -> Result<Json<ByUnit>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    let rows = sqlx::query_as(
        "select coalesce(u.name, '') as unit, e.count, e.total::text as total \
         from (select unit_id, count(*) as count, sum(amount_minor) as total from expenses where status <> 'rejected' group by unit_id) e \
         left join units u on u.id = e.unit_id order by unit",
    );
    Ok(Json(ByUnit { rows: rows.fetch_all(&mut scope).await? }))
}
