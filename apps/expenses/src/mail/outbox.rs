use std::time::Duration;

use freehold::isolation::{Read, Scope, Sqlx, Write};
use sqlx::FromRow;
use uuid::Uuid;

use crate::people::Email;

/// How long a claim lasts: much longer than handing a mail over may take.
pub(super) const LEASE: Duration = Duration::from_secs(5 * 60);

/// A mail that is to be handed over now, by whoever claimed it.
#[derive(Debug, FromRow)]
pub(super) struct Claimed {
    pub(super) id: Uuid,
    pub(super) recipient: String,
    pub(super) subject: String,
    pub(super) body: String,
    /// This one among them.
    pub(super) attempts: i32,
}

pub(super) async fn put(
    scope: &mut Scope<Sqlx, Write>,
    recipient: &Email,
    subject: &str,
    body: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into mails (id, recipient, subject, body) values ($1, $2, $3, $4)")
        .bind(Uuid::now_v7())
        .bind(recipient)
        .bind(subject)
        .bind(body)
        .execute(scope)
        .await?;
    Ok(())
}

/// Whether there is anything to claim.
pub(super) async fn is_due(scope: &mut Scope<Sqlx, Read>) -> Result<bool, sqlx::Error> {
    let select = "select exists (select from mails where sent_at is null and due_at <= now())";
    sqlx::query_scalar(select).fetch_one(scope).await
}

/// Claims the mail that has waited longest. Others who claim at the same time take another.
pub(super) async fn claim(scope: &mut Scope<Sqlx, Write>) -> Result<Option<Claimed>, sqlx::Error> {
    sqlx::query_as(
        "update mails set attempts = attempts + 1, due_at = now() + make_interval(secs => $1) \
         where id = (select id from mails where sent_at is null and due_at <= now() order by due_at limit 1 for update skip locked) \
         returning id, recipient, subject, body, attempts",
    )
    .bind(LEASE.as_secs_f64())
    .fetch_optional(scope)
    .await
}

/// What came of a claimed mail.
#[derive(Debug)]
pub(super) enum Outcome {
    Sent,
    /// To be tried again after this time.
    Failed(String, Duration),
    /// Not to be tried again.
    GivenUp(String),
}

/// Notes what came of a mail. Of one that is done with, the text is not kept.
pub(super) async fn note(scope: &mut Scope<Sqlx, Write>, id: Uuid, outcome: &Outcome) -> Result<(), sqlx::Error> {
    match outcome {
        Outcome::Sent => sqlx::query("update mails set sent_at = now(), body = '', failure = null where id = $1").bind(id),
        Outcome::Failed(failure, pause) => {
            let update = "update mails set failure = $2, due_at = now() + make_interval(secs => $3) where id = $1 and sent_at is null";
            sqlx::query(update).bind(id).bind(failure).bind(pause.as_secs_f64())
        }
        Outcome::GivenUp(failure) => {
            let update = "update mails set failure = $2, body = '', due_at = 'infinity' where id = $1 and sent_at is null";
            sqlx::query(update).bind(id).bind(failure)
        }
    }
    .execute(scope)
    .await?;
    Ok(())
}
