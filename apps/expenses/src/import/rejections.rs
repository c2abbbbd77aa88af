use axum::Json;
use freehold::isolation::{Access, Scope, Sqlx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::failure::Failure;
use crate::input::{Id, Parameters};
use crate::openapi::ProblemBody;
use crate::session::Visitor;

/// Rejected records of a page.
const PAGE: i64 = 10_000;

/// A record that was not imported.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Rejection {
    /// The line on which it begins; the file's first is 1.
    pub(super) line: i64,
    /// What is wrong with it.
    pub(super) reason: String,
}

/// A page of rejected records.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RejectionPage)]
pub(crate) struct Page {
    pub(super) items: Vec<Rejection>,
    /// The cursor of the next page; `null` on the last.
    pub(super) next: Option<i64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Place {
    /// `next` of the page before.
    cursor: Option<i64>,
}

/// The rejected records of an import, by line: the first 100,000 of a file are kept, 10,000 make a page.
#[utoipa::path(
    get, path = "/api/imports/{id}/rejections", tag = "import", params(("id" = Uuid, Path), Place),
    responses(
        (status = 200, body = Page),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 404, description = "The organisation has no such import", body = ProblemBody),
        (status = 422, description = "A parameter is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn rejections(
    visitor: Visitor,
    Id(import): Id,
    Parameters(place): Parameters<Place>,
) -> Result<Json<Page>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    page(&mut scope, import, place.cursor.unwrap_or(0)).await.map(Json)
}

/// The page of rejected records behind a line.
pub(super) async fn page<A: Access>(scope: &mut Scope<Sqlx, A>, import: Uuid, line: i64) -> Result<Page, Failure> {
    let exists = sqlx::query("select from imports where id = $1").bind(import);
    if exists.fetch_optional(&mut *scope).await?.is_none() {
        return Err(Failure::not_found());
    }
    let mut items = behind(scope, import, line, PAGE + 1).await?;
    let more = items.len() > PAGE as usize;
    items.truncate(PAGE as usize);
    let next = items.last().filter(|_| more).map(|last| last.line);
    Ok(Page { items, next })
}

/// The first rejected records of an import.
pub(super) async fn first<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    import: Uuid,
    limit: i64,
) -> Result<Vec<Rejection>, sqlx::Error> {
    behind(scope, import, 0, limit).await
}

async fn behind<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    import: Uuid,
    line: i64,
    limit: i64,
) -> Result<Vec<Rejection>, sqlx::Error> {
    sqlx::query_as(
        "select line, reason from import_rejections where import_id = $1 and line > $2 order by line limit $3",
    )
    .bind(import)
    .bind(line)
    .bind(limit)
    .fetch_all(scope)
    .await
}
