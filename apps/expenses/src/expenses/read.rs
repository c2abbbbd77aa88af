use axum::Json;

use super::row::{self, Expense};
use crate::failure::Failure;
use crate::input::Id;
use crate::openapi::ProblemBody;
use crate::session::Visitor;

/// One expense.
#[utoipa::path(
    get, path = "/api/expenses/{id}", tag = "expenses", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Expense),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 404, description = "The organisation has no such expense", body = ProblemBody),
    ),
)]
pub(crate) async fn read(visitor: Visitor, Id(id): Id) -> Result<Json<Expense>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    row::find(&mut scope, id).await?.map(Json).ok_or_else(Failure::not_found)
}
