use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use freehold::Problem;
use freehold::isolation::{Access, Read, Scope, Sqlx, TenantDb, Write};
use http::StatusCode;
use http::request::Parts;
use sqlx::FromRow;
use uuid::Uuid;

use super::cookie::Cookies;
use crate::failure::Failure;
use crate::people::Role;

/// Whoever sent the request, with a token that is still to be looked up.
///
/// It is the only way from a request to the organisation's rows: every scope it opens starts with asking whose session it
/// is. Question and answer share one transaction with what the handler does then, so a session that was ended is ended for
/// the next statement, and a request needs one connection and no more.
pub(crate) struct Visitor {
    db: TenantDb<Sqlx>,
    token_digest: [u8; 32],
}

/// The person who is logged in.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) role: Role,
    pub(crate) email: String,
    /// Empty for those who gave none.
    pub(crate) name: String,
    /// Whether the address is known to be theirs.
    pub(crate) verified: bool,
}

impl Person {
    /// The name, or else the address.
    pub(crate) fn called(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }

    /// The first letter of that, for where there is no room for more.
    pub(crate) fn initial(&self) -> String {
        self.called().chars().take(1).flat_map(char::to_uppercase).collect()
    }
}

impl Visitor {
    /// The organisation's database, for what a person does in several scopes. The first has to ask who it is.
    pub(crate) fn db(&self) -> TenantDb<Sqlx> {
        self.db.clone()
    }

    /// A scope for reading, and who reads.
    pub(crate) async fn read(&self) -> Result<(Scope<Sqlx, Read>, Person), Failure> {
        self.identify(self.db.read()).await
    }

    /// A scope for writing, and who writes.
    pub(crate) async fn write(&self) -> Result<(Scope<Sqlx, Write>, Person), Failure> {
        self.identify(self.db.write()).await
    }

    /// A scope for writing that may take as long as this, and who writes.
    pub(crate) async fn write_within(&self, deadline: Duration) -> Result<(Scope<Sqlx, Write>, Person), Failure> {
        self.identify(self.db.write_with_deadline(deadline)).await
    }

    /// Ends the session.
    pub(crate) async fn leave(&self) -> Result<(), Failure> {
        let (mut scope, _) = self.write().await?;
        sqlx::query("delete from sessions where token_digest = $1").bind(self.token_digest).execute(&mut scope).await?;
        Ok(scope.commit().await?)
    }

    async fn identify<A: Access>(&self, mut scope: Scope<Sqlx, A>) -> Result<(Scope<Sqlx, A>, Person), Failure> {
        let person = sqlx::query_as(
            "select p.id, p.role, p.email, p.name, p.verified_at is not null as verified \
             from sessions s join people p on p.id = s.person_id where s.token_digest = $1 and s.expires_at > now()",
        )
        .bind(self.token_digest)
        .fetch_optional(&mut scope)
        .await?;
        Ok((scope, person.ok_or_else(nobody)?))
    }
}

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    Cookies: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let token = Cookies::from_ref(state).token(&parts.headers).ok_or_else(nobody)?;
        let db = TenantDb::from_request_parts(parts, state).await.map_err(|error| Failure::internal(&error))?;
        Ok(Self { db, token_digest: token.digest() })
    }
}

fn nobody() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "not_logged_in").detail("log in first: POST /api/login")
}
