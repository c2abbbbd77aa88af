//! The log, read.

use std::collections::HashMap;

use freehold::isolation::{Access, Scope, Sqlx};
use sqlx::FromRow;
use uuid::Uuid;

use super::Entry;

/// Which entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) person: Option<Uuid>,
    /// What was done, in the words of the log.
    pub(super) action: Option<String>,
}

impl Filter {
    /// The entries before one, the latest first, at most `rows`; and whether there are more.
    ///
    /// Ids are given by time. There is an index for each of the filters, and one for none; of what one person did of a kind, the
    /// rarer is looked through.
    pub(super) async fn run<A: Access>(
        &self,
        scope: &mut Scope<Sqlx, A>,
        before: Option<Uuid>,
        rows: u16,
    ) -> Result<(Vec<Entry>, bool), sqlx::Error> {
        let select = sqlx::query_as(
            "select id, to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as at, actor, action, subject, detail \
             from activity where id < $1 and ($2::uuid is null or person_id = $2) and ($3::text is null or action = $3) \
             order by id desc limit $4",
        );
        // The plan depends on the filters, so it is made anew each time.
        let select = select.persistent(false).bind(before.unwrap_or(Uuid::max())).bind(self.person).bind(&self.action);
        let mut entries: Vec<Entry> = select.bind(i64::from(rows) + 1).fetch_all(scope).await?;
        let more = entries.len() > usize::from(rows);
        entries.truncate(rows.into());
        Ok((entries, more))
    }
}

/// What was ever done, in the words of the log.
///
/// The words are few and the entries many, so the index is asked for each next word instead of for all entries.
pub(super) async fn actions<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "with recursive words as ((select action from activity order by action limit 1) union all \
         select (select a.action from activity a where a.action > w.action order by a.action limit 1) \
         from words w where w.action is not null) select action from words where action is not null",
    )
    .fetch_all(scope)
    .await
}

/// Somebody whose doings can be looked for.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Somebody {
    pub(super) id: Uuid,
    pub(super) called: String,
}

/// The people there are, by name.
pub(super) async fn people<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<Somebody>, sqlx::Error> {
    let select = "select id, coalesce(nullif(name, ''), email) as called from people order by called, id limit 1000";
    sqlx::query_as(select).fetch_all(scope).await
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(super) enum Thing {
    Expense,
    Import,
    Person,
    Budget,
    Rule,
    Category,
}

/// Which of the things that entries are about are still there, and what they are.
pub(super) async fn things<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    entries: &[Entry],
) -> Result<HashMap<Uuid, Thing>, sqlx::Error> {
    let subjects: Vec<Uuid> = entries.iter().filter_map(|entry| entry.subject).collect();
    let select = sqlx::query_as(
        "select id, 'expense' from expenses where id = any($1) union all select id, 'import' from imports where id = any($1) \
         union all select id, 'person' from people where id = any($1) \
         union all select id, 'budget' from budgets where id = any($1) \
         union all select id, 'rule' from approval_rules where id = any($1) \
         union all select id, 'category' from categories where id = any($1)",
    );
    let things: Vec<(Uuid, Thing)> = select.bind(subjects).fetch_all(scope).await?;
    Ok(things.into_iter().collect())
}
