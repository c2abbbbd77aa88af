//! The bytes of an upload.

use std::io;
use std::time::Duration;

use async_compression::tokio::bufread::GzipDecoder;
use axum::body::{Body, BodyDataStream};
use freehold::Problem;
use futures_util::TryStreamExt;
use http::header::{CONTENT_ENCODING, HeaderMap};
use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::time::{Instant, timeout};
use tokio_util::io::StreamReader;

use crate::failure::Failure;

/// How long an upload may stand still: it keeps a connection to the database.
const STANDSTILL: Duration = Duration::from_secs(30);

/// How many bytes a second an upload has to bring on average, once it is older than a standstill may be.
const SLOWEST: u64 = 4 * 1024;

/// How long the rest of an answered request is still read, so that the client comes to read the answer.
const REMAINDER: Duration = Duration::from_secs(10);

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
}

impl Packing {
    /// What the headers say.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
        match (encodings.next().map(HeaderValue::as_bytes), encodings.next()) {
            (None, _) => Ok(Self::Plain),
            (Some(encoding), None) if encoding.eq_ignore_ascii_case(b"identity") => Ok(Self::Plain),
            (Some(encoding), None)
                if encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip") =>
            {
                Ok(Self::Gzip)
            }
            _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding")
                .detail("send the file plain, or packed with `Content-Encoding: gzip`")),
        }
    }
}

/// An upload as it comes in.
pub(super) struct Upload<'b> {
    bytes: Box<dyn AsyncRead + Send + Unpin + 'b>,
    packing: Packing,
    begun: Instant,
    /// Bytes that were read, unpacked.
    length: u64,
}

impl<'b> Upload<'b> {
    /// Unpacks a body while it comes in.
    pub(super) fn new(body: &'b mut BodyDataStream, packing: Packing) -> Self {
        let bytes = StreamReader::new(body.map_err(io::Error::other));
        let bytes: Box<dyn AsyncRead + Send + Unpin> = match packing {
            Packing::Plain => Box::new(bytes),
            Packing::Gzip => {
                let mut unpacked = GzipDecoder::new(BufReader::new(bytes));
                // A file may be several that were put together.
                unpacked.multiple_members(true);
                Box::new(unpacked)
            }
        };
        Self { bytes, packing, begun: Instant::now(), length: 0 }
    }

    /// Reads what comes next into `chunk`, and returns how much it was: nothing at the end.
    pub(super) async fn read(&mut self, chunk: &mut [u8]) -> Result<usize, Failure> {
        match timeout(STANDSTILL, self.bytes.read(chunk)).await {
            Ok(Ok(length)) => {
                self.length += length as u64;
                let age = self.begun.elapsed();
                if age > STANDSTILL && self.length < SLOWEST * age.as_secs() {
                    return Err(broken("the upload brings less than 4 KiB a second: nothing was imported"));
                }
                Ok(length)
            }
            Ok(Err(error)) => {
                tracing::info!(error = &error as &dyn std::error::Error, "an upload broke off");
                Err(broken(match self.packing {
                    Packing::Plain => "the upload broke off: nothing was imported",
                    Packing::Gzip => "the upload broke off, or is not whole gzip data: nothing was imported",
                }))
            }
            Err(_) => Err(broken("the upload stood still for 30 seconds: nothing was imported")),
        }
    }
}

fn broken(detail: &'static str) -> Failure {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "broken_upload").detail(detail).into()
}

/// Reads the rest of a body and forgets it, for a while. A client that is still sending would not see the answer otherwise.
pub(super) async fn forget(mut body: BodyDataStream) {
    let rest = async { while let Ok(Some(_)) = body.try_next().await {} };
    let _ = timeout(REMAINDER, rest).await;
}

/// The body as a stream.
pub(super) fn stream(body: Body) -> BodyDataStream {
    body.into_data_stream()
}
