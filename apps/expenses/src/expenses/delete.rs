use freehold::isolation::{Scope, Sqlx, Write};
use http::StatusCode;
use uuid::Uuid;

use super::{claim, row};
use crate::activity;
use crate::failure::Failure;
use crate::input::Id;
use crate::openapi::ProblemBody;
use crate::session::{Person, Visitor};
use crate::totals;

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
    remove(&mut scope, &person, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes an expense for `person`.
pub(super) async fn remove(scope: &mut Scope<Sqlx, Write>, person: &Person, id: Uuid) -> Result<(), Failure> {
    claim(scope, id, person).await?;
    let expense = row::find(scope, id).await?.ok_or_else(Failure::not_found)?;
    totals::subtract(scope, id).await?;
    sqlx::query("delete from expenses where id = $1").bind(id).execute(&mut *scope).await?;
    Ok(activity::record(scope, person, "deleted an expense", Some(id), &expense.described()).await?)
}
