use axum::extract::State;
use freehold::isolation::{Scope, Sqlx, Write};
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, StatusCode};
use uuid::Uuid;

use super::{Cookies, Visitor};
use crate::failure::Failure;
use crate::keys;
use crate::openapi::ProblemBody;

/// Ends the session, wherever its cookie is.
#[utoipa::path(
    post, path = "/api/logout", tag = "session",
    responses((status = 204, description = "Logged out"), (status = 401, description = "Nobody is logged in", body = ProblemBody)),
)]
pub(crate) async fn logout(
    visitor: Visitor,
    State(cookies): State<Cookies>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Failure> {
    visitor.leave().await?;
    let cookie = cookies.clear().map_err(|error| Failure::internal(&error))?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}

/// Ends all sessions of this person, and the keys that were had for a password in the place of one.
pub(crate) async fn end_all(scope: &mut Scope<Sqlx, Write>, person: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("delete from sessions where person_id = $1").bind(person).execute(&mut *scope).await?;
    keys::end_logins(scope, person).await
}
