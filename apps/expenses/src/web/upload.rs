use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use tokio::time::timeout;

use crate::failure::Failure;

/// How long a small file may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the rest of a refused body is still read.
const REMAINDER: Duration = Duration::from_secs(10);

/// A form with a small file in it, read whole, of no more than a limit.
pub(crate) struct SmallUpload(Multipart);

/// Why there is none.
pub(crate) enum Unread {
    TooLarge,
    Failed(Failure),
}

impl SmallUpload {
    /// Reads a body of at most `limit` bytes.
    pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, Unread> {
        let mut stream = body.into_data_stream();
        let Ok(read) = timeout(PATIENCE, limited(&mut stream, limit)).await else {
            return Err(Unread::Failed(Failure::invalid("the upload took more than a minute: try again")));
        };
        let Some(bytes) = read? else {
            forget(stream).await;
            return Err(Unread::TooLarge);
        };
        let mut request = Request::new(Body::from(bytes));
        *request.method_mut() = Method::POST;
        if let Some(kind) = headers.get(CONTENT_TYPE) {
            request.headers_mut().insert(CONTENT_TYPE, kind.clone());
        }
        Multipart::from_request(request, &()).await.map(Self).map_err(|_| broken())
    }

    /// What the field of this name holds; nothing if there is no such field.
    pub(crate) async fn field(mut self, name: &str) -> Result<Bytes, Unread> {
        while let Some(field) = self.0.next_field().await.map_err(|_| broken())? {
            if field.name() == Some(name) {
                return field.bytes().await.map_err(|_| broken());
            }
        }
        Ok(Bytes::new())
    }
}

async fn limited(stream: &mut BodyDataStream, limit: usize) -> Result<Option<Vec<u8>>, Unread> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.try_next().await.map_err(|_| broken())? {
        if bytes.len() + chunk.len() > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

fn broken() -> Unread {
    Unread::Failed(Failure::invalid("the upload broke off, or is no form: open the page again"))
}

/// Reads the rest of a body and forgets it, for a while: a browser that is still sending would not see the answer.
pub(crate) async fn forget(mut stream: BodyDataStream) {
    let rest = async { while let Ok(Some(_)) = stream.try_next().await {} };
    let _ = timeout(REMAINDER, rest).await;
}
