//! A connection that stays open, as a browser's does, and counts what comes in by it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::io::InspectReader;

use crate::program::client::Client;

pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    received: Arc<AtomicU64>,
}

/// What came in for a request.
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
    /// With the lines of headers, and packed as it was sent.
    pub(crate) bytes: u64,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let received = Arc::new(AtomicU64::new(0));
        let count = received.clone();
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = InspectReader::new(stream, move |part| {
            count.fetch_add(part.len() as u64, Ordering::Relaxed);
        });
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, received }
    }

    /// Gets a page as a browser does, packed.
    pub(crate) async fn page(&mut self, person: &Client, path: &str) -> Received {
        self.send(person.browsing(Method::GET, path).body(Full::default()).unwrap()).await
    }

    /// Gets it as it is.
    pub(crate) async fn plain_page(&mut self, person: &Client, path: &str) -> Received {
        let mut request = person.browsing(Method::GET, path).body(Full::default()).unwrap();
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        self.send(request).await
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Received {
        let before = self.received.load(Ordering::Relaxed);
        self.sender.ready().await.unwrap();
        let (parts, body) = self.sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let bytes = self.received.load(Ordering::Relaxed) - before;
        Received { status: parts.status.as_u16(), headers: parts.headers, body, bytes }
    }

    /// The status of an answer and the bytes up to the first part of its body. What follows is not waited for, so this is the
    /// end of the connection.
    pub(crate) async fn first_part(mut self, person: &Client, path: &str) -> (u16, u64) {
        let request = person.browsing(Method::GET, path).body(Full::default()).unwrap();
        let mut answer = self.sender.send_request(request).await.unwrap();
        answer.frame().await.unwrap().unwrap();
        (answer.status().as_u16(), self.received.load(Ordering::Relaxed))
    }
}
