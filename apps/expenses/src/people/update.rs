use axum::Json;
use freehold::isolation::{Scope, Sqlx, Write};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Role;
use super::member::{self, Member};
use crate::activity;
use crate::failure::Failure;
use crate::input::{Body, Id, present};
use crate::openapi::ProblemBody;
use crate::session::{Person, Visitor};

/// What to change. A field that is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MemberChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    role: Option<Role>,
}

/// Changes what a person may do. Owners do.
#[utoipa::path(
    patch, path = "/api/members/{id}", tag = "people", params(("id" = Uuid, Path)), request_body = MemberChange,
    responses(
        (status = 200, body = Member),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person is no owner", body = ProblemBody),
        (status = 404, description = "The organisation has no such person", body = ProblemBody),
        (status = 409, description = "It would have no owner any more", body = ProblemBody),
        (status = 422, description = "A value is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn update(
    visitor: Visitor,
    Id(id): Id,
    Body(change): Body<MemberChange>,
) -> Result<Json<Member>, Failure> {
    let (mut scope, person) = visitor.write().await?;
    let member = apply(&mut scope, &person, id, change.role).await?;
    scope.commit().await?;
    Ok(Json(member))
}

/// Gives a person this role, for `person`.
pub(super) async fn apply(
    scope: &mut Scope<Sqlx, Write>,
    person: &Person,
    id: Uuid,
    role: Option<Role>,
) -> Result<Member, Failure> {
    member::check_owner(person, "owners change roles")?;
    member::lock_owners(scope, person).await?;
    let member = member::find(scope, id).await?.ok_or_else(Failure::not_found)?;
    let Some(role) = role.filter(|role| *role != member.role) else { return Ok(member) };
    member::check_not_last_owner(scope, &member).await?;
    sqlx::query("update people set role = $2 where id = $1").bind(id).bind(role).execute(&mut *scope).await?;
    let detail = format!("{}: {} → {role}", member.called(), member.role);
    activity::record(scope, person, "changed a role", Some(id), &detail).await?;
    Ok(Member { role, ..member })
}
