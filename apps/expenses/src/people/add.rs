use axum::Json;
use axum::extract::State;
use freehold::Problem;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Email, NewPassword, Passwords, Role};
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

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    id: Uuid,
    email: Email,
    role: Role,
}

/// Adds a person to the organisation. Owners do.
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
    if person.role != Role::Owner {
        return Err(Failure::forbidden("owners add members"));
    }
    let hash = passwords.hash(new.password.secret()).await?;

    let (mut scope, _) = visitor.write().await?;
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
    scope.commit().await?;
    if added.rows_affected() == 0 {
        let detail = format!("{} is a member already", new.email.as_str());
        return Err(Problem::new(StatusCode::CONFLICT, "member_exists").detail(detail).into());
    }
    Ok((StatusCode::CREATED, Json(Member { id, email: new.email, role: new.role })))
}
