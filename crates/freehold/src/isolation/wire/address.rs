use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// A byte stream to a server.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// A Unix socket's file.
    File(Arc<PathBuf>),
    /// A host name or an address.
    Host(Arc<str>, u16),
}

impl Address {
    /// A host that begins with a slash is the directory of a Unix socket, as in libpq.
    pub(super) fn new(host: &str, port: u16) -> Self {
        if host.starts_with('/') {
            Self::File(Arc::new(PathBuf::from(host).join(format!(".s.PGSQL.{port}"))))
        } else {
            Self::Host(host.into(), port)
        }
    }

    pub(super) async fn connect(&self) -> io::Result<Box<dyn Socket>> {
        match self {
            Self::File(file) => Ok(Box::new(UnixStream::connect(file.as_path()).await?)),
            Self::Host(host, port) => {
                let stream = TcpStream::connect((&**host, *port)).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}
