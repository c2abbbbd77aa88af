use axum::extract::State;
use freehold::Problem;
use freehold::gate::CurrentTenant;
use freehold::isolation::{Scope, Sqlx, TenantDb, Write};
use freehold::tenant::Tenant;
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::attempts::Attempts;
use super::cookie::{Cookies, LIFETIME_SECONDS};
use super::token::Token;
use crate::failure::Failure;
use crate::input::Body;
use crate::openapi::ProblemBody;
use crate::people::{Email, Passwords};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Credentials {
    pub(crate) email: Email,
    #[schema(value_type = String, format = Password)]
    pub(crate) password: SecretString,
}

/// Starts a session. Whether the address or the password was wrong is not told.
#[utoipa::path(
    post, path = "/api/login", tag = "session", request_body = Credentials,
    responses(
        (status = 204, description = "Logged in; the session is in the cookie", headers(("set-cookie" = String))),
        (status = 401, description = "Wrong address or password", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
        (status = 429, description = "Too many attempts for this address", body = ProblemBody),
    ),
)]
pub(crate) async fn login(
    db: TenantDb<Sqlx>,
    CurrentTenant(tenant): CurrentTenant,
    State(door): State<Door>,
    Body(credentials): Body<Credentials>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Failure> {
    let Some(id) = door.recognise(&tenant, &db, &credentials).await? else {
        let detail = "the e-mail address or the password is wrong";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_credentials").detail(detail).into());
    };
    let mut scope = db.write();
    let cookie = door.open(&mut scope, id).await?;
    scope.commit().await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}

/// What it takes to let somebody in.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) passwords: Passwords,
    pub(crate) cookies: Cookies,
    attempts: Attempts,
}

impl Door {
    pub(crate) fn new(cookies: Cookies) -> Self {
        Self { passwords: Passwords::new(), cookies, attempts: Attempts::new() }
    }

    /// Whose address and password these are.
    pub(crate) async fn recognise(
        &self,
        tenant: &Tenant,
        db: &TenantDb<Sqlx>,
        credentials: &Credentials,
    ) -> Result<Option<Uuid>, Failure> {
        self.attempts.admit(tenant.id(), &credentials.email)?;
        let person: Option<(Uuid, String)> = sqlx::query_as("select id, password_hash from people where email = $1")
            .bind(&credentials.email)
            .fetch_optional(&mut db.read())
            .await?;
        let (id, hash) = person.unzip();
        // No connection is held while the password is hashed.
        let matches = self.passwords.verify(&credentials.password, hash).await?;
        if matches {
            self.attempts.succeeded(tenant.id(), &credentials.email);
        }
        Ok(id.filter(|_| matches))
    }

    /// Forgets wrong attempts for this address: whoever reads its mail has another way in.
    pub(crate) fn forgive(&self, tenant: &Tenant, email: &Email) {
        self.attempts.succeeded(tenant.id(), email);
    }

    /// Starts a session for this person, and returns the cookie that holds it.
    pub(crate) async fn open(&self, scope: &mut Scope<Sqlx, Write>, person: Uuid) -> Result<HeaderValue, Failure> {
        let token = Token::generate();
        sqlx::query("delete from sessions where person_id = $1 and expires_at <= now()")
            .bind(person)
            .execute(&mut *scope)
            .await?;
        sqlx::query(
            "insert into sessions (token_digest, person_id, expires_at) values ($1, $2, now() + make_interval(secs => $3))",
        )
        .bind(token.digest())
        .bind(person)
        .bind(f64::from(LIFETIME_SECONDS))
        .execute(scope)
        .await?;
        self.cookies.set(&token).map_err(|error| Failure::internal(&error))
    }
}
