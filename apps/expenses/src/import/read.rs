use axum::Json;
use freehold::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::row::{self, Import, State};
use crate::failure::Failure;
use crate::input::{Id, Parameters};
use crate::openapi::ProblemBody;
use crate::session::Visitor;

/// Imports of a page.
pub(super) const PAGE: usize = 50;

/// A page of imports.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportPage)]
pub(crate) struct Imports {
    pub(super) items: Vec<Import>,
    /// The cursor of the next page; `null` on the last.
    pub(super) next: Option<Uuid>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// `next` of the page before.
    cursor: Option<Uuid>,
}

/// Imports, the latest first.
#[utoipa::path(
    get, path = "/api/imports", tag = "import", params(After),
    responses(
        (status = 200, body = Imports),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 422, description = "A parameter is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn list(visitor: Visitor, Parameters(after): Parameters<After>) -> Result<Json<Imports>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    Ok(Json(Imports::of(row::list(&mut scope, after.cursor, PAGE as i64 + 1).await?)))
}

impl Imports {
    /// A page of what was found, which is one more if there is a next page.
    pub(super) fn of(mut items: Vec<Import>) -> Self {
        let more = items.len() > PAGE;
        items.truncate(PAGE);
        let next = items.last().filter(|_| more).map(|last| last.id);
        Self { items, next }
    }
}

/// One import: what became of it, or how far it is.
#[utoipa::path(
    get, path = "/api/imports/{id}", tag = "import", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Import),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 404, description = "The organisation has no such import", body = ProblemBody),
    ),
)]
pub(crate) async fn read(visitor: Visitor, Id(id): Id) -> Result<Json<Import>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    row::find(&mut scope, id).await?.map(Json).ok_or_else(Failure::not_found)
}

/// Cancels an import: it ends within seconds, and nothing of it is imported.
#[utoipa::path(
    post, path = "/api/imports/{id}/cancel", tag = "import", params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is cancelled, or about to be", body = Import),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person's role does not allow it", body = ProblemBody),
        (status = 404, description = "The organisation has no such import", body = ProblemBody),
        (status = 409, description = "It is over", body = ProblemBody),
    ),
)]
pub(crate) async fn cancel(visitor: Visitor, Id(id): Id) -> Result<Json<Import>, Failure> {
    stop(&visitor, id).await.map(Json)
}

/// Cancels an import for the visitor, and returns it as it is then.
pub(super) async fn stop(visitor: &Visitor, id: Uuid) -> Result<Import, Failure> {
    let (mut scope, person) = visitor.write().await?;
    row::find(&mut scope, id).await?.ok_or_else(Failure::not_found)?;
    if !person.role.decides() {
        return Err(Failure::forbidden("approvers and owners cancel imports"));
    }
    row::cancel(&mut scope, &person, id).await?;
    let import = row::find(&mut scope, id).await?.ok_or_else(Failure::not_found)?;
    if matches!(import.state, State::Done | State::Failed) {
        let problem = Problem::new(StatusCode::CONFLICT, "import_over");
        return Err(problem.detail("the import is over: there is nothing to cancel").into());
    }
    scope.commit().await?;
    Ok(import)
}
