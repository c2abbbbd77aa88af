use freehold::isolation::{Access, Scope, Sqlx, Write};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::activity;
use crate::session::Person;

/// What became of an import, or is becoming of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ImportState)]
pub(crate) enum State {
    Running,
    Done,
    Cancelled,
    Failed,
}

impl State {
    /// As people read it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Cancelled => "Cancelled",
            Self::Failed => "Failed",
        }
    }

    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// An import.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Import {
    pub(super) id: Uuid,
    pub(super) state: State,
    /// Empty if the file came without a name.
    pub(super) file_name: String,
    /// Records so far. Those of an import that failed or was cancelled are gone, and not counted.
    pub(super) imported: i64,
    /// Records whose fields are all empty.
    pub(super) skipped: i64,
    pub(super) rejected: i64,
    /// Bytes of the upload so far, packed as it is.
    pub(super) received_bytes: i64,
    /// How many there are, if the client said.
    pub(super) expected_bytes: Option<i64>,
    /// Whether somebody cancelled it; it ends soon if it has not ended.
    pub(super) cancel_requested: bool,
    /// Why it failed.
    pub(super) failure: Option<String>,
    #[schema(format = DateTime)]
    pub(super) created_at: String,
    #[schema(format = DateTime)]
    pub(super) finished_at: Option<String>,
    /// Who sent the file, as they are called now.
    #[serde(skip)]
    pub(super) importer: Option<String>,
}

impl Import {
    /// The file's name, or words for one that has none.
    pub(super) fn called(&self) -> &str {
        if self.file_name.is_empty() { "a file without a name" } else { &self.file_name }
    }

    /// When it began, as people read it; universal time.
    pub(super) fn began(&self) -> String {
        self.created_at.replace('T', " ").chars().take(16).collect()
    }

    /// When it ended, likewise.
    pub(super) fn finished(&self) -> Option<String> {
        self.finished_at.as_ref().map(|at| at.replace('T', " ").chars().take(16).collect())
    }

    /// Whether it goes on.
    pub(super) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Whether it imported something, or still may.
    pub(super) fn has_records(&self) -> bool {
        matches!(self.state, State::Running | State::Done)
    }

    /// How much of the file is here, in a hundred parts, if that is known.
    pub(super) fn percent(&self) -> Option<i64> {
        let expected = self.expected_bytes.filter(|expected| *expected > 0)?;
        Some((self.received_bytes.saturating_mul(100) / expected).min(100))
    }
}

/// A query for imports. One that says it runs, and has not said how far it is for a minute, has broken off: the program was
/// stopped. (An import that lives says so every second, also when nothing comes in.)
macro_rules! select_imports {
    ($($rest:tt)*) => {
        concat!(
            "select i.id, case when is_over then 'failed' else i.state end as state, i.file_name, \
             case when is_over then 0 else i.imported end as imported, case when is_over then 0 else i.skipped end as skipped, \
             case when is_over then 0 else i.rejected end as rejected, i.received_bytes, i.expected_bytes, i.cancel_requested, \
             case when is_over then 'it broke off, because the application was stopped: nothing was imported' else i.failure end as failure, \
             to_char(i.created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as created_at, \
             to_char(i.finished_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as finished_at, \
             case when p.name <> '' then p.name else p.email end as importer \
             from imports i left join people p on p.id = i.created_by \
             cross join lateral (select i.state = 'running' and i.progress_at < now() - interval '1 minute' as is_over) o ",
            $($rest)*
        )
    };
}

/// The import of this id, if the organisation has it.
pub(super) async fn find<A: Access>(scope: &mut Scope<Sqlx, A>, id: Uuid) -> Result<Option<Import>, sqlx::Error> {
    sqlx::query_as(select_imports!("where i.id = $1")).bind(id).fetch_optional(scope).await
}

/// Imports, the latest first, at most `limit`: those before the import `before`, or all.
pub(super) async fn list<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Import>, sqlx::Error> {
    // An id that is no import of the organisation is a place behind the last.
    let select = select_imports!(
        "where $1::uuid is null or (i.created_at, i.id) < (select created_at, id from imports where id = $1) \
         order by i.created_at desc, i.id desc limit $2"
    );
    sqlx::query_as(select).bind(before).bind(limit).fetch_all(scope).await
}

/// Asks an import to end with nothing imported. Returns whether there was time for that.
pub(super) async fn cancel(scope: &mut Scope<Sqlx, Write>, person: &Person, id: Uuid) -> Result<bool, sqlx::Error> {
    let update = "update imports set cancel_requested = true where id = $1 and state = 'running' and not cancel_requested \
                  and progress_at >= now() - interval '1 minute' returning file_name";
    let name: Option<String> = sqlx::query_scalar(update).bind(id).fetch_optional(&mut *scope).await?;
    if let Some(name) = &name {
        activity::record(scope, person, "cancelled an import", Some(id), name).await?;
    }
    Ok(name.is_some())
}
