use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use freehold::Problem;
use freehold::isolation::{Access, Read, Scope, Sqlx, TenantDb, Write};
use freehold::resolve::PresentedKey;
use http::StatusCode;
use http::request::Parts;
use sqlx::FromRow;
use uuid::Uuid;

use super::cookie::Cookies;
use crate::failure::Failure;
use crate::keys::{self, KeyScope};
use crate::people::Role;

/// Whoever sent the request, with a token that is still to be looked up.
///
/// It is the only way from a request to the organisation's rows: every scope it opens starts with asking whose session it
/// is. Question and answer share one transaction with what the handler does then, so a session that was ended is ended for
/// the next statement, and a request needs one connection and no more.
pub(crate) struct Visitor {
    db: TenantDb<Sqlx>,
    proof: Proof,
}

/// What the request came with.
enum Proof {
    /// The digest of the token in the cookie.
    Session([u8; 32]),
    /// A key, which goes before a cookie: no browser sends one by itself.
    Key(PresentedKey),
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
    /// How far the key reaches that the request came with; none if it came with a session.
    pub(crate) reach: Option<KeyScope>,
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
        self.admit(self.db.read(), KeyScope::Read).await
    }

    /// A scope for writing, and who writes.
    pub(crate) async fn write(&self) -> Result<(Scope<Sqlx, Write>, Person), Failure> {
        self.admit(self.db.write(), KeyScope::Write).await
    }

    /// A scope for writing that may take as long as this, and who writes.
    pub(crate) async fn write_within(&self, deadline: Duration) -> Result<(Scope<Sqlx, Write>, Person), Failure> {
        self.admit(self.db.write_with_deadline(deadline), KeyScope::Write).await
    }

    /// Ends the session, or revokes the key.
    pub(crate) async fn leave(&self) -> Result<(), Failure> {
        let (mut scope, _) = self.identify(self.db.write()).await?;
        match &self.proof {
            Proof::Session(digest) => {
                let delete = sqlx::query("delete from sessions where token_digest = $1").bind(digest);
                delete.execute(&mut scope).await?;
            }
            Proof::Key(key) => keys::revoke_presented(&mut scope, key).await?,
        }
        Ok(scope.commit().await?)
    }

    /// The person, as far as the key reaches that they use.
    async fn admit<A: Access>(
        &self,
        scope: Scope<Sqlx, A>,
        needed: KeyScope,
    ) -> Result<(Scope<Sqlx, A>, Person), Failure> {
        let (scope, mut person) = self.identify(scope).await?;
        match person.reach {
            Some(reach) if reach < needed => {
                return Err(Failure::forbidden("the key only reads: make one with scope write or manage"));
            }
            // What owners alone do takes a key for that.
            Some(KeyScope::Read | KeyScope::Write) if person.role == Role::Owner => person.role = Role::Approver,
            _ => {}
        }
        Ok((scope, person))
    }

    async fn identify<A: Access>(&self, mut scope: Scope<Sqlx, A>) -> Result<(Scope<Sqlx, A>, Person), Failure> {
        let person = match &self.proof {
            Proof::Session(digest) => sqlx::query_as::<_, Person>(
                "select p.id, p.role, p.email, p.name, p.verified_at is not null as verified, null as reach \
                 from sessions s join people p on p.id = s.person_id where s.token_digest = $1 and s.expires_at > now()",
            )
            .bind(digest)
            .fetch_optional(&mut scope)
            .await?,
            Proof::Key(key) => sqlx::query_as(
                "select p.id, p.role, p.email, p.name, p.verified_at is not null as verified, k.scope as reach \
                 from api_keys k join people p on p.id = k.person_id \
                 where k.digest = $1 and (k.expires_at is null or k.expires_at > now())",
            )
            .bind(key.digest().as_bytes())
            .fetch_optional(&mut scope)
            .await?,
        };
        Ok((scope, person.ok_or_else(|| self.unknown())?))
    }

    fn unknown(&self) -> Failure {
        match self.proof {
            Proof::Session(_) => nobody().into(),
            Proof::Key(_) => Problem::new(StatusCode::UNAUTHORIZED, "unknown_key")
                .detail("the organisation has no such key: it was revoked, or its time is over")
                .into(),
        }
    }
}

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    Cookies: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let db = TenantDb::from_request_parts(parts, state).await.map_err(|error| Failure::internal(&error))?;
        let proof = match parts.extensions.get::<PresentedKey>() {
            Some(key) => {
                keys::note_use(TenantDb::clone(&db), key.clone());
                Proof::Key(key.clone())
            }
            None => Proof::Session(Cookies::from_ref(state).token(&parts.headers).ok_or_else(nobody)?.digest()),
        };
        Ok(Self { db, proof })
    }
}

fn nobody() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "not_logged_in")
        .detail("log in first: POST /api/login, or send a key: Authorization: Bearer")
}
