use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::invite::member_exists;
use super::member::{self, Member};
use super::{Email, NewPassword, Passwords, Role};
use crate::activity;
use crate::failure::Failure;
use crate::input::Body;
use crate::openapi::ProblemBody;
use crate::session::Visitor;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewMember {
    email: Email,
    password: NewPassword,
    role: Role,
}

/// Adds a person to the organisation, with a password that the owner tells them. Owners do; see also `POST /api/invitations`.
#[utoipa::path(
    post, path = "/api/members", tag = "people", request_body = NewMember,
    responses(
        (status = 201, body = Member),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person is no owner", body = ProblemBody),
        (status = 409, description = "The address is a member's already", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn add(
    visitor: Visitor,
    State(passwords): State<Passwords>,
    Body(new): Body<NewMember>,
) -> Result<(StatusCode, Json<Member>), Failure> {
    let (scope, person) = visitor.read().await?;
    drop(scope);
    member::check_owner(&person, "owners add members")?;
    let hash = passwords.hash(new.password.secret()).await?;

    let (mut scope, person) = visitor.write().await?;
    // They may have been one no more when the password was hashed.
    member::check_owner(&person, "owners add members")?;
    let id = Uuid::now_v7();
    let added = sqlx::query(
        "insert into people (id, email, password_hash, role) values ($1, $2, $3, $4) on conflict (tenant_id, email) do nothing",
    )
    .bind(id)
    .bind(&new.email)
    .bind(hash)
    .bind(new.role)
    .execute(&mut scope)
    .await?;
    if added.rows_affected() == 0 {
        return Err(member_exists(&new.email));
    }
    let detail = format!("{} as {}", new.email.as_str(), new.role);
    activity::record(&mut scope, &person, "added a person", Some(id), &detail).await?;
    scope.commit().await?;
    let member = Member { id, email: new.email, name: String::new(), role: new.role, confirmed: false };
    Ok((StatusCode::CREATED, Json(member)))
}
