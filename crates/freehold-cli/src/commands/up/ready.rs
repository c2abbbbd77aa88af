//! Waiting until an address answers.

use std::time::Duration;

use anyhow::{Context, bail};
use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long after a refusal the next attempt is made.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// An HTTP address that answers 200 once something is ready.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    host: String,
    port: u16,
    request: String,
}

impl Probe {
    pub(super) fn new(url: &Uri) -> anyhow::Result<Self> {
        if url.scheme_str() != Some("http") {
            bail!("{url} cannot be asked: use a URL that begins with http://");
        }
        let authority = url.authority().with_context(|| format!("{url} names no host"))?;
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(80),
            request: format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n"),
        })
    }

    /// Waits for as long as it takes.
    pub(super) async fn answers(&self) {
        while !matches!(timeout(PATIENCE, self.ask()).await, Ok(Ok(true))) {
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask(&self) -> std::io::Result<bool> {
        let mut connection = TcpStream::connect((self.host.as_str(), self.port)).await?;
        connection.write_all(self.request.as_bytes()).await?;
        let mut status = [0; 12];
        connection.read_exact(&mut status).await?;
        Ok(status.ends_with(b" 200"))
    }
}
