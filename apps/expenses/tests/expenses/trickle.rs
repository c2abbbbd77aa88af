//! A file that comes in as a test sends it, and how far its import is.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Answer, Client};

/// An import through the API whose file comes in as the test sends it.
pub(crate) struct Trickle {
    pub(crate) parts: mpsc::Sender<std::io::Result<Frame<Bytes>>>,
    pub(crate) answer: JoinHandle<hyper::Result<Answer>>,
}

impl Trickle {
    pub(crate) fn begin(client: &Client) -> Self {
        let (parts, receiver) = mpsc::channel(1);
        let body = StreamBody::new(futures_util::stream::unfold(receiver, async |mut receiver| {
            Some((receiver.recv().await?, receiver))
        }));
        let request = client.request(Method::POST, "/api/import").header("content-length", 1_000_000);
        let request = request.body(body).unwrap();
        let client = client.clone();
        Self { parts, answer: tokio::spawn(async move { client.try_send(request).await }) }
    }

    pub(crate) async fn send(&self, text: String) {
        self.parts.send(Ok(Frame::data(text.into()))).await.unwrap();
    }
}

/// The import that was begun last.
pub(crate) async fn latest(client: &Client) -> Value {
    client.get("/api/imports").await.expect(200).json()["items"][0].clone()
}

/// Waits until the latest import is as wanted.
pub(crate) async fn until(client: &Client, wanted: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let import = latest(client).await;
            if wanted(&import) {
                break import;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), waiting).await.expect("the import comes so far")
}
