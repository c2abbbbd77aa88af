//! The bytes of an upload.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_compression::tokio::bufread::GzipDecoder;
use axum::body::Bytes;
use freehold::Problem;
use futures_util::{Stream, TryStreamExt};
use http::header::{CONTENT_ENCODING, HeaderMap};
use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::io::StreamReader;

use crate::failure::Failure;

/// How long an upload may stand still: it keeps a connection to the database.
pub(super) const STANDSTILL: Duration = Duration::from_secs(30);

/// How many bytes a second an upload has to bring on average, once it is older than a standstill may be.
const SLOWEST: u64 = 4 * 1024;

/// How long the rest of an answered request is still read, so that the client comes to read the answer.
pub(super) const REMAINDER: Duration = Duration::from_secs(10);

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

/// The first bytes of gzip data (RFC 1952). No file that can be imported begins so.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An upload as it comes in.
pub(super) struct Upload<'b> {
    bytes: Reading<'b>,
    packing: Packing,
    begun: Instant,
    /// Since when it is waited for what comes next.
    waiting: Option<Instant>,
    /// Bytes that were read, unpacked.
    length: u64,
    received: Arc<AtomicU64>,
}

impl<'b> Upload<'b> {
    /// Unpacks a body while it comes in.
    pub(super) fn new<S, E>(body: S, packing: Packing) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'b,
        E: std::error::Error + Send + Sync + 'static,
    {
        let received = Arc::new(AtomicU64::new(0));
        let bytes = counted(body, &received);
        Self::read_by(bytes, packing, received)
    }

    /// Unpacks a file while it comes in, if its first bytes say that it is packed.
    ///
    /// # Errors
    ///
    /// When the upload breaks off before it has begun.
    pub(super) async fn of_file<S, E>(body: S) -> Result<Self, Failure>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'b,
        E: std::error::Error + Send + Sync + 'static,
    {
        let received = Arc::new(AtomicU64::new(0));
        let mut bytes = counted(body, &received);
        let mut head = Vec::with_capacity(GZIP.len());
        let begun = async {
            while head.len() < GZIP.len() && (&mut bytes).take(1).read_to_end(&mut head).await? > 0 {}
            Ok::<_, io::Error>(())
        };
        match timeout(STANDSTILL, begun).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(broke_off(&error, Packing::Plain)),
            Err(_) => return Err(stood_still()),
        }
        let packing = if head == GZIP { Packing::Gzip } else { Packing::Plain };
        Ok(Self::read_by(Box::new(io::Cursor::new(head).chain(bytes)), packing, received))
    }

    fn read_by(bytes: Reading<'b>, packing: Packing, received: Arc<AtomicU64>) -> Self {
        let bytes: Reading<'b> = match packing {
            Packing::Plain => bytes,
            Packing::Gzip => {
                let mut unpacked = GzipDecoder::new(BufReader::new(bytes));
                // A file may be several that were put together.
                unpacked.multiple_members(true);
                Box::new(unpacked)
            }
        };
        Self { bytes, packing, begun: Instant::now(), waiting: None, length: 0, received }
    }

    /// Bytes that came in, packed as they are.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Reads what comes next into `chunk`, and returns how much it was: nothing at the end. Nothing is lost if the caller stops
    /// waiting and asks again.
    pub(super) async fn read(&mut self, chunk: &mut [u8]) -> Result<usize, Failure> {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        match timeout_at(since + STANDSTILL, self.bytes.read(chunk)).await {
            Ok(Ok(length)) => {
                self.waiting = None;
                self.length += length as u64;
                let age = self.begun.elapsed();
                if age > STANDSTILL && self.length < SLOWEST * age.as_secs() {
                    return Err(broken("the upload brings less than 4 KiB a second: nothing was imported"));
                }
                Ok(length)
            }
            Ok(Err(error)) => Err(broke_off(&error, self.packing)),
            Err(_) => Err(stood_still()),
        }
    }
}

/// Bytes that are read as they come in.
type Reading<'b> = Box<dyn AsyncRead + Send + Unpin + 'b>;

/// The bytes of a body, counted as they come in.
fn counted<'b, S, E>(body: S, received: &Arc<AtomicU64>) -> Reading<'b>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'b,
    E: std::error::Error + Send + Sync + 'static,
{
    let received = received.clone();
    let body = body.inspect_ok(move |chunk| {
        received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    });
    Box::new(StreamReader::new(body.map_err(io::Error::other)))
}

fn broke_off(error: &io::Error, packing: Packing) -> Failure {
    tracing::info!(error = error as &dyn std::error::Error, "an upload broke off");
    broken(match packing {
        Packing::Plain => "the upload broke off: nothing was imported",
        Packing::Gzip => "the upload broke off, or is not whole gzip data: nothing was imported",
    })
}

/// What is said of an upload that brought nothing for as long as one may.
pub(super) fn stood_still() -> Failure {
    broken("the upload stood still for 30 seconds: nothing was imported")
}

fn broken(detail: &'static str) -> Failure {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "broken_upload").detail(detail).into()
}

/// Reads the rest of a body and forgets it, for a while. A client that is still sending would not see the answer otherwise.
pub(super) async fn forget<S: TryStreamExt + Unpin>(mut body: S) {
    let rest = async { while let Ok(Some(_)) = body.try_next().await {} };
    let _ = timeout(REMAINDER, rest).await;
}
