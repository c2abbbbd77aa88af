use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use freehold::Problem;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::coop::consume_budget;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::batch::{Batch, Counts};
use super::body::{Packing, Upload, forget, stream};
use super::file::{FileError, Reader};
use super::rejections::{self, Rejection};
use super::store::Store;
use crate::app::App;
use crate::failure::Failure;
use crate::openapi::ProblemBody;
use crate::session::Visitor;

/// How long an import may take, upload and all.
const DEADLINE: Duration = Duration::from_secs(60 * 60);
/// Imports that are under way at a time, over all organisations: each keeps a connection to the database.
pub(crate) const AT_ONCE: usize = 4;
/// How long an import waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;
/// Rejected records in the answer.
const ANSWERED: i64 = 1_000;

/// What became of the records of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    imported: u64,
    /// Records whose fields are all empty.
    skipped: u64,
    rejected: u64,
    /// The first 1,000 rejected records.
    rejections: Vec<Rejection>,
    /// Where all of them are, up to 100,000.
    rejections_url: String,
}

/// Imports a CSV file of spending data: all of its valid records, or nothing.
///
/// The first record is the header: Payment Date, Amount, Organisational Unit, Beneficiary Name, Company Number, Charity
/// Number, in any order. The body is streamed; it may be of any size, and packed with `Content-Encoding: gzip`. Records that
/// are not valid are counted and listed, and do not stop the rest. Approvers and owners import, one file at a time.
#[utoipa::path(
    post, path = "/api/import", tag = "import",
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, body = Imported),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person's role does not allow it", body = ProblemBody),
        (status = 409, description = "Another import is under way", body = ProblemBody),
        (status = 415, description = "An encoding other than gzip", body = ProblemBody),
        (status = 422, description = "The header is wrong, a quote is never closed, or the upload broke off", body = ProblemBody),
        (status = 503, description = "Others are importing: try again", body = ProblemBody),
    ),
)]
pub(crate) async fn upload(
    visitor: Result<Visitor, Failure>,
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Imported>, Failure> {
    let mut body = stream(body);
    let answer = import(visitor, &app.imports, &headers, &mut body).await;
    if answer.is_err() {
        forget(body).await;
    }
    answer.map(Json)
}

async fn import(
    visitor: Result<Visitor, Failure>,
    imports: &Semaphore,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<Imported, Failure> {
    let visitor = visitor?;
    let (scope, person) = visitor.read().await?;
    drop(scope);
    if !person.role.decides() {
        return Err(Failure::forbidden("approvers and owners import files"));
    }
    let upload = Upload::new(body, Packing::of(headers)?);
    let turn = timeout(PATIENCE, imports.acquire()).await.map_err(|_| busy())?;
    let _turn = turn.map_err(|error| Failure::internal(&error))?;
    let (scope, person) = visitor.write_within(DEADLINE).await?;
    let mut store = Store::begin(scope, visitor.db(), &person).await?;
    let counts = fill(&mut store, upload).await?;

    let rejections = rejections::first(&mut store.scope, store.id, ANSWERED).await?;
    let rejections_url = format!("/api/imports/{}/rejections", store.id);
    store.commit(counts).await?;
    let Counts { imported, skipped, rejected } = counts;
    Ok(Imported { imported, skipped, rejected, rejections, rejections_url })
}

/// Reads the file to its end, and stores each batch as soon as it is full.
async fn fill(store: &mut Store, mut upload: Upload<'_>) -> Result<Counts, Failure> {
    let (mut reader, mut batch) = (Reader::new(), Batch::new());
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = upload.read(&mut chunk).await?;
        if length == 0 {
            break;
        }
        reader.push(&chunk[..length], |event| batch.add(event)).map_err(refused)?;
        if batch.is_full() {
            store.add(&mut batch).await?;
        }
        // What is packed well goes on for long without waiting for anything.
        consume_budget().await;
    }
    reader.finish(|event| batch.add(event)).map_err(refused)?;
    store.add(&mut batch).await?;
    Ok(batch.counts)
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
