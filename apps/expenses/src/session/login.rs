use axum::extract::State;
use freehold::Problem;
use freehold::isolation::{Sqlx, TenantDb};
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cookie::{Cookies, LIFETIME_SECONDS};
use super::token::Token;
use crate::failure::Failure;
use crate::input::Body;
use crate::openapi::ProblemBody;
use crate::people::{Email, Passwords};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Credentials {
    email: Email,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Starts a session. Whether the address or the password was wrong is not told.
#[utoipa::path(
    post, path = "/api/login", tag = "session", request_body = Credentials,
    responses(
        (status = 204, description = "Logged in; the session is in the cookie", headers(("set-cookie" = String))),
        (status = 401, description = "Wrong address or password", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn login(
    db: TenantDb<Sqlx>,
    State(passwords): State<Passwords>,
    State(cookies): State<Cookies>,
    Body(credentials): Body<Credentials>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Failure> {
    let person: Option<(Uuid, String)> = sqlx::query_as("select id, password_hash from people where email = $1")
        .bind(&credentials.email)
        .fetch_optional(&mut db.read())
        .await?;
    let (id, hash) = person.unzip();
    // No connection is held while the password is hashed.
    let matches = passwords.verify(&credentials.password, hash).await?;
    let Some(id) = id.filter(|_| matches) else {
        let detail = "the e-mail address or the password is wrong";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_credentials").detail(detail).into());
    };

    let token = Token::generate();
    let mut scope = db.write();
    sqlx::query("delete from sessions where person_id = $1 and expires_at <= now()")
        .bind(id)
        .execute(&mut scope)
        .await?;
    sqlx::query(
        "insert into sessions (token_digest, person_id, expires_at) values ($1, $2, now() + make_interval(secs => $3))",
    )
    .bind(token.digest())
    .bind(id)
    .bind(f64::from(LIFETIME_SECONDS))
    .execute(&mut scope)
    .await?;
    scope.commit().await?;

    let cookie = cookies.set(&token).map_err(|error| Failure::internal(&error))?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}
