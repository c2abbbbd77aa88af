use freehold::isolation::{Access, Scope, Sqlx, Write};
use uuid::Uuid;

use crate::session::Token;

/// What a ticket is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(crate) enum Purpose {
    /// To choose a new password.
    Password,
    /// To show that the address is theirs.
    Address,
    /// To be logged in after the sign-up, at another host than the one it was at.
    Welcome,
}

impl Purpose {
    fn lifetime_seconds(self) -> f64 {
        match self {
            Self::Password => 60.0 * 60.0,
            Self::Address => 7.0 * 24.0 * 60.0 * 60.0,
            Self::Welcome => 2.0 * 60.0,
        }
    }
}

/// Writes a ticket, good once and for a while, and returns the secret that stands in its link.
pub(crate) async fn issue(
    scope: &mut Scope<Sqlx, Write>,
    person: Uuid,
    purpose: Purpose,
) -> Result<String, sqlx::Error> {
    sqlx::query("delete from tickets where person_id = $1 and purpose = $2 and expires_at <= now()")
        .bind(person)
        .bind(purpose)
        .execute(&mut *scope)
        .await?;
    let token = Token::generate();
    sqlx::query(
        "insert into tickets (digest, person_id, purpose, expires_at) values ($1, $2, $3, now() + make_interval(secs => $4))",
    )
    .bind(token.digest())
    .bind(person)
    .bind(purpose)
    .bind(purpose.lifetime_seconds())
    .execute(scope)
    .await?;
    Ok(token.text())
}

/// Whose ticket this is. A text that is none is nobody's, as is one of another organisation.
pub(super) async fn holder<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    text: &str,
    purpose: Purpose,
) -> Result<Option<Uuid>, sqlx::Error> {
    let Some(token) = Token::parse(text) else { return Ok(None) };
    sqlx::query_scalar("select person_id from tickets where digest = $1 and purpose = $2 and expires_at > now()")
        .bind(token.digest())
        .bind(purpose)
        .fetch_optional(scope)
        .await
}

/// Takes the ticket, and with it the person's others of the same purpose. Of two who try at the same time one gets it.
pub(super) async fn redeem(
    scope: &mut Scope<Sqlx, Write>,
    text: &str,
    purpose: Purpose,
) -> Result<Option<Uuid>, sqlx::Error> {
    let Some(token) = Token::parse(text) else { return Ok(None) };
    let delete = "delete from tickets where digest = $1 and purpose = $2 and expires_at > now() returning person_id";
    let person = sqlx::query_scalar(delete).bind(token.digest()).bind(purpose).fetch_optional(&mut *scope).await?;
    if let Some(person) = person {
        withdraw(scope, person, purpose).await?;
    }
    Ok(person)
}

/// Makes all tickets that a person has for this worthless.
pub(super) async fn withdraw(
    scope: &mut Scope<Sqlx, Write>,
    person: Uuid,
    purpose: Purpose,
) -> Result<(), sqlx::Error> {
    sqlx::query("delete from tickets where person_id = $1 and purpose = $2")
        .bind(person)
        .bind(purpose)
        .execute(scope)
        .await?;
    Ok(())
}
