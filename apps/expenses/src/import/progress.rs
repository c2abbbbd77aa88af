//! What is on record of an import while it runs, in transactions beside the one that stores its expenses.

use std::time::Duration;

use freehold::Problem;
use freehold::isolation::{Sqlx, TenantDb};
use http::StatusCode;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::batch::Counts;
use super::importing::File;
use crate::failure::Failure;
use crate::session::Person;

/// How often an import says how far it is, and looks whether it was cancelled.
const INTERVAL: Duration = Duration::from_secs(1);

/// The record of an import that runs.
pub(super) struct Progress {
    db: TenantDb<Sqlx>,
    id: Uuid,
    file_name: String,
    due: Instant,
}

/// What came of putting an import on record.
pub(super) enum Beginning {
    Ours(Progress),
    /// An import of this id is on record already.
    Before,
}

impl Progress {
    /// Puts an import on record, if none of the organisation runs.
    ///
    /// One that a killed process left running holds no lock on its row, as [`Store::open`](super::store::Store::open) does, and
    /// has not said anything for a while: this one takes its place.
    pub(super) async fn begin(db: TenantDb<Sqlx>, importer: &Person, file: &File) -> Result<Beginning, Failure> {
        let mut scope = db.write();
        sqlx::query(
            "update imports set state = 'failed', imported = 0, skipped = 0, rejected = 0, finished_at = now(), \
             failure = 'it broke off, because the application was stopped: nothing was imported' \
             where id in (select id from imports where state = 'running' and progress_at < now() - interval '10 seconds' \
                          for update skip locked)",
        )
        .execute(&mut scope)
        .await?;
        let begin = sqlx::query(
            "insert into imports (id, state, file_name, expected_bytes, created_by) values ($1, 'running', $2, $3, $4) \
             on conflict do nothing",
        );
        let length = file.length.and_then(|length| i64::try_from(length).ok());
        let begin = begin.bind(file.id).bind(&file.name).bind(length).bind(importer.id);
        if begin.execute(&mut scope).await?.rows_affected() == 1 {
            scope.commit().await?;
            let (id, file_name) = (file.id, file.name.clone());
            return Ok(Beginning::Ours(Self { db, id, file_name, due: Instant::now() + INTERVAL }));
        }
        let before = sqlx::query("select from imports where id = $1").bind(file.id).fetch_optional(&mut scope).await?;
        if before.is_some() { Ok(Beginning::Before) } else { Err(under_way()) }
    }

    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    pub(super) fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Waits until it is time to report.
    pub(super) async fn due(&self) {
        sleep_until(self.due).await;
    }

    /// Notes how far the import is.
    ///
    /// # Errors
    ///
    /// When somebody cancelled it. That a note cannot be written does not end an import.
    pub(super) async fn report(&mut self, received: u64, counts: Counts) -> Result<(), Failure> {
        let noted = self.note(received, counts).await;
        self.due = Instant::now() + INTERVAL;
        match noted {
            Ok(true) => Err(cancelled()),
            Ok(false) => Ok(()),
            Err(failure) => {
                tracing::warn!(?failure, "the progress of an import was not noted");
                Ok(())
            }
        }
    }

    async fn note(&self, received: u64, counts: Counts) -> Result<bool, Failure> {
        let mut scope = self.db.write();
        let note = sqlx::query_scalar(
            "update imports set received_bytes = $2, imported = $3, skipped = $4, rejected = $5, progress_at = now() \
             where id = $1 and state = 'running' returning cancel_requested",
        );
        let Counts { imported, skipped, rejected } = counts;
        let note = note.bind(self.id).bind(received as i64);
        let note = note.bind(imported as i64).bind(skipped as i64).bind(rejected as i64);
        let cancelled: Option<bool> = note.fetch_optional(&mut scope).await?;
        scope.commit().await?;
        Ok(cancelled.unwrap_or_default())
    }

    /// Notes that the import ended with nothing imported, and why: by this failure, unless somebody cancelled it.
    pub(super) async fn fail(self, received: u64, failure: &Failure) {
        const OURS: &str = "something went wrong on our side: nothing was imported";
        let words = match failure {
            Failure::Refused(problem) => problem.detail_text().unwrap_or(OURS),
            Failure::Scope(_) => OURS,
        };
        let noted = async {
            let mut scope = self.db.write();
            let note = sqlx::query(
                "update imports set state = case when cancel_requested then 'cancelled' else 'failed' end, \
                 failure = case when cancel_requested then null else $2 end, imported = 0, skipped = 0, rejected = 0, \
                 received_bytes = $3, finished_at = now() where id = $1 and state = 'running'",
            );
            note.bind(self.id).bind(words).bind(received as i64).execute(&mut scope).await?;
            Ok::<_, Failure>(scope.commit().await?)
        };
        if let Err(failure) = noted.await {
            // It is shown as broken off in a minute, and the next import takes its place.
            tracing::warn!(?failure, "the end of an import was not noted");
        }
    }
}

/// The refusal of a second import beside one that runs.
fn under_way() -> Failure {
    Problem::new(StatusCode::CONFLICT, "import_under_way")
        .detail("another import of the organisation is under way: wait for its end")
        .retry_after(10)
        .into()
}

/// What an import answers that was cancelled.
pub(super) fn cancelled() -> Failure {
    Problem::new(StatusCode::CONFLICT, "import_cancelled")
        .detail("the import was cancelled: nothing was imported")
        .into()
}
