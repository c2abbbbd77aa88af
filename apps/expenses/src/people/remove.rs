use freehold::isolation::{Scope, Sqlx, Write};
use http::StatusCode;
use uuid::Uuid;

use super::member;
use crate::activity;
use crate::failure::Failure;
use crate::input::Id;
use crate::openapi::ProblemBody;
use crate::session::{Person, Visitor};

/// Removes a person from the organisation, and ends their sessions. What they submitted stays. Owners do.
#[utoipa::path(
    delete, path = "/api/members/{id}", tag = "people", params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person is no owner", body = ProblemBody),
        (status = 404, description = "The organisation has no such person", body = ProblemBody),
        (status = 409, description = "It would have no owner any more", body = ProblemBody),
    ),
)]
pub(crate) async fn remove(visitor: Visitor, Id(id): Id) -> Result<StatusCode, Failure> {
    let (mut scope, person) = visitor.write().await?;
    apply(&mut scope, &person, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a person, for `person`. Their sessions and tickets go with the row.
pub(super) async fn apply(scope: &mut Scope<Sqlx, Write>, person: &Person, id: Uuid) -> Result<(), Failure> {
    member::check_owner(person, "owners remove people")?;
    member::lock_owners(scope, person).await?;
    let member = member::find(scope, id).await?.ok_or_else(Failure::not_found)?;
    member::check_not_last_owner(scope, &member).await?;
    // Before they are gone: who leaves by themselves is who did it.
    activity::record(scope, person, "removed a person", Some(id), member.called()).await?;
    // The link they came by.
    sqlx::query("delete from invitations where email = $1").bind(&member.email).execute(&mut *scope).await?;
    sqlx::query("delete from people where id = $1").bind(id).execute(scope).await?;
    Ok(())
}
