use std::error::Error;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{Packing, Upload, forget};
use super::importing::{self, Begun, Ended, File, Importing};
use super::rejections::Rejection;
use crate::app::App;
use crate::failure::Failure;
use crate::openapi::ProblemBody;
use crate::session::{Person, Visitor};

/// Imports that are under way at a time, over all organisations: each keeps a connection to the database.
pub(crate) const AT_ONCE: usize = 4;

/// What became of the records of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    id: Uuid,
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
        (status = 409, description = "Another import is under way, or somebody cancelled this one", body = ProblemBody),
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
    to_the_end(async move {
        let mut body = body.into_data_stream();
        let answer = async {
            let visitor = visitor?;
            let importer = importing::check(&visitor).await?;
            let upload = Upload::new(&mut body, Packing::of(&headers)?);
            import(&visitor, &importer, &app, length(&headers), upload).await
        };
        let answer = answer.await;
        if answer.is_err() {
            forget(body).await;
        }
        answer.map(Json)
    })
    .await
}

async fn import(
    visitor: &Visitor,
    importer: &Person,
    app: &App,
    length: Option<u64>,
    upload: Upload<'_>,
) -> Result<Imported, Failure> {
    let id = Uuid::now_v7();
    let file = File { id, name: String::new(), length };
    let Begun::Importing(mut importing) = Importing::begin(visitor, importer, app.imports.clone(), &file).await? else {
        return Err(Failure::invalid("an id was drawn twice: try again"));
    };
    let filled = importing.fill(upload).await;
    let Ended { counts, rejections } = importing.end(filled).await?;
    let rejections_url = format!("/api/imports/{id}/rejections");
    Ok(Imported {
        id,
        imported: counts.imported,
        skipped: counts.skipped,
        rejected: counts.rejected,
        rejections,
        rejections_url,
    })
}

/// Bytes of the body, if the client says.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Runs an import in a task of its own: if the client goes away the request's is dropped where it stands, and nothing would
/// note what became of the import.
pub(super) async fn to_the_end<T: Send + 'static>(
    import: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::spawn(import).await {
        Ok(answer) => answer,
        Err(error) => Err(Failure::internal(&error as &(dyn Error + 'static))),
    }
}
