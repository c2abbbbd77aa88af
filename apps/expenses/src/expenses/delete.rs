use http::StatusCode;

use super::claim;
use crate::failure::Failure;
use crate::input::Id;
use crate::openapi::ProblemBody;
use crate::session::Visitor;

/// Deletes an expense. Members delete what they submitted themselves, until somebody decided on it.
#[utoipa::path(
    delete, path = "/api/expenses/{id}", tag = "expenses", params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person's role does not allow it", body = ProblemBody),
        (status = 404, description = "The organisation has no such expense", body = ProblemBody),
    ),
)]
pub(crate) async fn delete(visitor: Visitor, Id(id): Id) -> Result<StatusCode, Failure> {
    let (mut scope, person) = visitor.write().await?;
    claim(&mut scope, id, &person).await?;
    sqlx::query("delete from expenses where id = $1").bind(id).execute(&mut scope).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
