use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::isolation::endpoint::ConnectInfo;
use crate::login::PEER_TIMEOUT;

/// A byte stream to a server.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// A Unix socket's file.
    File(Arc<PathBuf>),
    /// A host name or an address.
    Host { host: Arc<str>, port: u16, tls: Option<Tls> },
}

/// How a server on another machine proves who it is.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    /// What its certificate must be for.
    name: ServerName<'static>,
}

impl Address {
    /// A host that begins with a slash is the directory of a Unix socket, as in libpq.
    pub(super) fn new(info: &ConnectInfo) -> io::Result<Self> {
        if info.host.starts_with('/') {
            return Ok(Self::File(Arc::new(PathBuf::from(&info.host).join(format!(".s.PGSQL.{}", info.port)))));
        }
        let tls = info.tls.as_ref().map(|roots| {
            let name = ServerName::try_from(info.host.clone()).map_err(io::Error::other)?;
            io::Result::Ok(Tls { connector: roots.client_config().into(), name })
        });
        Ok(Self::Host { host: info.host.as_str().into(), port: info.port, tls: tls.transpose()? })
    }

    pub(super) async fn connect(&self) -> io::Result<Box<dyn Socket>> {
        match self {
            Self::File(file) => Ok(Box::new(UnixStream::connect(file.as_path()).await?)),
            Self::Host { host, port, tls } => {
                let stream = TcpStream::connect((&**host, *port)).await?;
                stream.set_nodelay(true)?;
                let socket = SockRef::from(&stream);
                socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PEER_TIMEOUT))?;
                #[cfg(target_os = "linux")]
                socket.set_tcp_user_timeout(Some(PEER_TIMEOUT))?;
                match tls {
                    Some(tls) => tls.encrypt(stream).await,
                    None => Ok(Box::new(stream)),
                }
            }
        }
    }
}

impl Tls {
    /// Asks for TLS before anything else is said (PostgreSQL: "SSL Session Encryption" in the chapter on the
    /// frontend/backend protocol). Of the answer one byte is read, so that nothing sent in the clear behind it is believed.
    async fn encrypt(&self, mut stream: TcpStream) -> io::Result<Box<dyn Socket>> {
        let mut request = bytes::BytesMut::new();
        postgres_protocol::message::frontend::ssl_request(&mut request);
        stream.write_all(&request).await?;
        if stream.read_u8().await? != b'S' {
            return Err(io::Error::other("the server does not speak TLS, which is required of one on another machine"));
        }
        Ok(Box::new(self.connector.connect(self.name.clone(), stream).await?))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}
