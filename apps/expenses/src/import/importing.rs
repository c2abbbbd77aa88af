//! An import from its first byte to its end, whoever sends it.

use std::sync::Arc;
use std::time::Duration;

use freehold::Problem;
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;
use uuid::Uuid;

use super::batch::{Batch, Counts};
use super::body::Upload;
use super::file::{FileError, Reader};
use super::progress::{Beginning, Progress};
use super::rejections::{self, Rejection};
use super::store::Store;
use crate::failure::Failure;
use crate::session::{Person, Visitor};

/// How long an import may take, upload and all.
const DEADLINE: Duration = Duration::from_secs(60 * 60);
/// How long an import waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;
/// Rejected records in the answer.
const ANSWERED: i64 = 1_000;

/// What is known of a file before it is read.
#[derive(Debug)]
pub(super) struct File {
    /// The id of its import. It is imported once, however often it is sent.
    pub(super) id: Uuid,
    /// As its sender calls it; may be empty.
    pub(super) name: String,
    /// Bytes, packed as it is, if the client says.
    pub(super) length: Option<u64>,
}

/// An import that is under way and on record.
pub(super) struct Importing {
    progress: Progress,
    store: Store,
    person: Person,
    counts: Counts,
    received: u64,
    _turn: OwnedSemaphorePermit,
}

/// What came of beginning an import.
pub(super) enum Begun {
    Importing(Box<Importing>),
    /// It was begun before: the file was sent twice.
    Before,
}

/// What became of the records of a file.
pub(super) struct Ended {
    pub(super) counts: Counts,
    /// The first rejected records.
    pub(super) rejections: Vec<Rejection>,
}

/// Whose import it is. Refuses whoever may not import.
pub(super) async fn check(visitor: &Visitor) -> Result<Person, Failure> {
    let (_, person) = visitor.read().await?;
    if person.role.decides() { Ok(person) } else { Err(Failure::forbidden("approvers and owners import files")) }
}

impl Importing {
    /// Begins an import for somebody who may ([`check`]), if none of the organisation is under way.
    pub(super) async fn begin(
        visitor: &Visitor,
        importer: &Person,
        turns: Arc<Semaphore>,
        file: &File,
    ) -> Result<Begun, Failure> {
        let turn = timeout(PATIENCE, turns.acquire_owned()).await.map_err(|_| busy())?;
        let turn = turn.map_err(|error| Failure::internal(&error))?;
        let progress = match Progress::begin(visitor.db(), importer, file).await? {
            Beginning::Ours(progress) => progress,
            Beginning::Before => return Ok(Begun::Before),
        };
        let opened = async {
            let (scope, person) = visitor.write_within(DEADLINE).await?;
            Ok((Store::open(scope, visitor.db(), file.id).await?, person))
        };
        match opened.await {
            Ok((store, person)) => {
                let counts = Counts::default();
                Ok(Begun::Importing(Box::new(Self { progress, store, person, counts, received: 0, _turn: turn })))
            }
            Err(failure) => {
                progress.fail(0, &failure).await;
                Err(failure)
            }
        }
    }

    /// Reads the file to its end, and stores each batch as soon as it is full.
    pub(super) async fn fill(&mut self, mut upload: Upload<'_>) -> Result<(), Failure> {
        let filled = self.fill_from(&mut upload).await;
        self.received = upload.received();
        filled
    }

    async fn fill_from(&mut self, upload: &mut Upload<'_>) -> Result<(), Failure> {
        let (mut reader, mut batch) = (Reader::new(), Batch::new());
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = tokio::select! {
                biased;
                () = self.progress.due() => {
                    self.progress.report(upload.received(), batch.counts).await?;
                    continue;
                }
                length = upload.read(&mut chunk) => length?,
            };
            if length == 0 {
                break;
            }
            reader.push(&chunk[..length], |event| batch.add(event)).map_err(refused)?;
            if batch.is_full() {
                self.store.add(&mut batch).await?;
            }
            // What is packed well goes on for long without waiting for anything.
            consume_budget().await;
        }
        reader.finish(|event| batch.add(event)).map_err(refused)?;
        self.store.add(&mut batch).await?;
        self.counts = batch.counts;
        self.progress.report(upload.received(), batch.counts).await
    }

    /// Keeps the import if all went well, or else notes why nothing was imported.
    pub(super) async fn end(self, filled: Result<(), Failure>) -> Result<Ended, Failure> {
        let Self { progress, mut store, person, counts, received, _turn } = self;
        let kept = async {
            filled?;
            let rejections = rejections::first(&mut store.scope, progress.id(), ANSWERED).await?;
            store.commit(&person, counts, progress.file_name()).await?;
            Ok(Ended { counts, rejections })
        };
        match kept.await {
            Ok(ended) => Ok(ended),
            Err(failure) => {
                progress.fail(received, &failure).await;
                Err(failure)
            }
        }
    }
}

fn busy() -> Failure {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy")
        .detail("other organisations are importing: try again")
        .retry_after(30)
        .into()
}

fn refused(error: FileError) -> Failure {
    Failure::invalid(format!("{error}; nothing was imported"))
}
