use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::member::{self, Member};
use crate::failure::Failure;
use crate::openapi::ProblemBody;
use crate::session::Visitor;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Members {
    items: Vec<Member>,
}

/// Lists the people of the organisation.
#[utoipa::path(
    get, path = "/api/members", tag = "people",
    responses((status = 200, body = Members), (status = 401, description = "Nobody is logged in", body = ProblemBody)),
)]
pub(crate) async fn list(visitor: Visitor) -> Result<Json<Members>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    Ok(Json(Members { items: member::all(&mut scope).await? }))
}
