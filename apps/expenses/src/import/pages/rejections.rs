use std::io;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use uuid::Uuid;

use crate::failure::Failure;
use crate::import::rejections::{Page, Rejection, page};
use crate::input::Id;
use crate::session::Visitor;

/// All rejected records that are kept, as a CSV file (RFC 4180), which is written while it is sent.
pub(super) async fn csv(visitor: Visitor, Id(id): Id) -> Result<Response, Failure> {
    let Page { items, next } = read(&visitor, id, 0).await?;
    let first = format!("Line,Reason\r\n{}", records(&items));
    let state = (visitor, id, Some(Bytes::from(first)), next);
    let body = stream::unfold(state, async |(visitor, id, first, next)| {
        if let Some(first) = first {
            return Some((Ok(first), (visitor, id, None, next)));
        }
        match read(&visitor, id, next?).await {
            Ok(Page { items, next }) => Some((Ok(Bytes::from(records(&items))), (visitor, id, None, next))),
            // The file ends without its end, which every client notices.
            Err(failure) => {
                tracing::warn!(?failure, "a list of rejections broke off");
                Some((Err(io::Error::other("the list broke off")), (visitor, id, None, None)))
            }
        }
    });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"rejections.csv\""),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Between pages no connection is kept: the client reads as slowly as it likes.
async fn read(visitor: &Visitor, id: Uuid, behind: i64) -> Result<Page, Failure> {
    let (mut scope, _) = visitor.read().await?;
    page(&mut scope, id, behind).await
}

/// Reasons are sentences of ours that begin with a word, so none is a formula to a spreadsheet.
fn records(items: &[Rejection]) -> String {
    let record = |item: &Rejection| format!("{},\"{}\"\r\n", item.line, item.reason.replace('"', "\"\""));
    items.iter().map(record).collect()
}
