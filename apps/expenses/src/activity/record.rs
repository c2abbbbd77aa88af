use freehold::isolation::{Access, Scope, Sqlx, Write};
use sqlx::FromRow;
use uuid::Uuid;

use crate::session::Person;

/// Who did it, as they are called now: the entry outlives the person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) id: Uuid,
    pub(crate) called: &'a str,
}

impl<'a> From<&'a Person> for Actor<'a> {
    fn from(person: &'a Person) -> Self {
        Self { id: person.id, called: person.called() }
    }
}

/// An entry of the log.
#[derive(Debug, FromRow)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    /// `YYYY-MM-DD HH:MM`, universal time.
    pub(crate) at: String,
    pub(crate) actor: String,
    /// What was done, as the end of a sentence that begins with the actor.
    pub(crate) action: String,
    pub(crate) subject: Option<Uuid>,
    pub(crate) detail: String,
}

/// Notes what is being done in this scope. If the scope is not committed, neither is the note.
///
/// `action` is the end of a sentence that begins with the actor: `submitted an expense`.
pub(crate) async fn record(
    scope: &mut Scope<Sqlx, Write>,
    actor: impl Into<Actor<'_>>,
    action: &str,
    subject: Option<Uuid>,
    detail: &str,
) -> Result<(), sqlx::Error> {
    let actor = actor.into();
    sqlx::query("insert into activity (id, person_id, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6)")
        .bind(Uuid::now_v7())
        .bind(actor.id)
        .bind(actor.called)
        .bind(action)
        .bind(subject)
        .bind(detail)
        .execute(scope)
        .await?;
    Ok(())
}

/// What was done to one thing, the latest first.
pub(crate) async fn of_subject<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    subject: Uuid,
) -> Result<Vec<Entry>, sqlx::Error> {
    let select = "select id, to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as at, actor, action, subject, detail \
                  from activity where subject = $1 order by id desc limit 100";
    sqlx::query_as(select).bind(subject).fetch_all(scope).await
}
