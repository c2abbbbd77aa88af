//! Logins to PostgreSQL servers, and how servers on other machines prove who they are.

use std::env;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A server, who logs in to it, and whose word is taken for it that the server is the one meant.
///
/// A server on this machine, reached by a Unix socket or a loopback address, is spoken to in the clear. Any other one
/// has to speak TLS and to show a certificate for the very name it is reached by, from an authority that is trusted: what
/// libpq calls `sslmode=verify-full` (PostgreSQL: "SSL Support" in the chapter on libpq). No setting weakens that; an
/// `sslmode` in the URL changes nothing.
///
/// ```
/// use freehold::login::Login;
///
/// let login: Login = "postgres://freehold_reader@db.example.com/freehold_catalog".parse()?;
/// # Ok::<(), tokio_postgres::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Login {
    config: Config,
    roots: TrustedRoots,
}

/// What [`Login::connect`] leaves to be run beside the client.
pub type Connection = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// How long a server may take to let a connection in, unless the login says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long what was sent may stay unacknowledged before the other machine counts as gone (tcp(7): TCP_USER_TIMEOUT).
pub(crate) const PEER_TIMEOUT: Duration = Duration::from_secs(30);

impl Login {
    /// A login to a server that an authority known to the system vouches for.
    pub fn new(config: Config) -> Self {
        Self { config, roots: TrustedRoots::system() }
    }

    /// The same login, trusting `roots`.
    pub fn trusting(self, roots: TrustedRoots) -> Self {
        Self { roots, ..self }
    }

    /// The same login, to another database of the server.
    pub fn to_database(&self, database: &str) -> Self {
        let mut login = self.clone();
        login.config.dbname(database);
        login
    }

    /// The server and who logs in.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether the server is reached without crossing a network. Any other has to speak TLS, and to prove who it is.
    pub fn is_local(&self) -> bool {
        crosses_no_network(&self.config)
    }

    /// Who is trusted to vouch for servers.
    pub fn roots(&self) -> &TrustedRoots {
        &self.roots
    }

    /// Connects. Nothing happens on the connection unless somebody polls it: spawn it.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, refuses the login, or cannot prove who it is.
    pub async fn connect(&self) -> Result<(Client, Connection), tokio_postgres::Error> {
        let mut config = self.config.clone();
        let tls = if self.is_local() {
            config.ssl_mode(SslMode::Disable);
            client_config(RootCertStore::empty())
        } else {
            config.ssl_mode(SslMode::Require);
            (*self.roots.client_config()).clone()
        };
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(PEER_TIMEOUT);
        }
        config.connect(MakeRustlsConnect::new(tls)).await
    }
}

impl From<Config> for Login {
    fn from(config: Config) -> Self {
        Self::new(config)
    }
}

impl FromStr for Login {
    type Err = tokio_postgres::Error;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(url.parse()?))
    }
}

/// The certificate authorities whose word is taken for who a server is.
///
/// Cloning is cheap. The system's are read when the first server on another machine is connected to.
#[derive(Clone)]
pub struct TrustedRoots(Arc<Roots>);

struct Roots {
    /// `None` for those the system trusts.
    file: Option<(PathBuf, RootCertStore)>,
    client_config: OnceLock<Arc<ClientConfig>>,
}

/// Why certificates are not trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The file cannot be read, or is not PEM.
    #[error("cannot read certificates from {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no certificate in the file.
    #[error("there is no certificate in {path}: it must hold those of the authorities, in PEM", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl TrustedRoots {
    /// Those that the system trusts.
    pub fn system() -> Self {
        Self::new(None)
    }

    /// Those in a file of PEM certificates (RFC 7468), and no others. Hosted databases give such a file to download.
    ///
    /// # Errors
    ///
    /// See [`RootsError`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, RootsError> {
        let path = path.as_ref();
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| RootsError::File { path: path.into(), source };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(error.into()))? {
            let certificate = certificate.map_err(|error| failed(error.into()))?;
            roots.add(certificate).map_err(|error| failed(error.into()))?;
        }
        if roots.is_empty() {
            return Err(RootsError::Empty { path: path.into() });
        }
        Ok(Self::new(Some((path.into(), roots))))
    }

    /// Those in the file that `PGSSLROOTCERT` names, as for every libpq client; the system's if that is `system` or not set.
    ///
    /// # Errors
    ///
    /// See [`RootsError`].
    pub fn from_env() -> Result<Self, RootsError> {
        match env::var_os("PGSSLROOTCERT") {
            Some(path) if !path.is_empty() && path != "system" => Self::from_file(PathBuf::from(path)),
            _ => Ok(Self::system()),
        }
    }

    fn new(file: Option<(PathBuf, RootCertStore)>) -> Self {
        Self(Arc::new(Roots { file, client_config: OnceLock::new() }))
    }

    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        let made = || {
            let roots = self.0.file.as_ref().map_or_else(system_roots, |(_, roots)| roots.clone());
            Arc::new(client_config(roots))
        };
        self.0.client_config.get_or_init(made).clone()
    }
}

impl fmt::Debug for TrustedRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.file.as_ref().map_or(Path::new("system"), |(path, _)| path);
        f.debug_tuple("TrustedRoots").field(&name).finish()
    }
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(error = error as &dyn std::error::Error, "some of the system's certificates cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!("the system trusts no certificate authority: install ca-certificates, or set PGSSLROOTCERT");
    }
    roots
}

fn client_config(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions of the protocol")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Whether a host can be reached without crossing a network: a Unix socket's directory, or this machine itself.
pub(crate) fn is_local(host: &str) -> bool {
    host.starts_with('/') || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn crosses_no_network(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(host) => is_local(host),
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_crosses_no_network_counts_as_local() {
        for host in ["/run/postgresql", "localhost", "127.0.0.1", "::1"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["db.example.com", "10.0.0.1", "0.0.0.0", "localhost.example.com", ""] {
            assert!(!is_local(host), "{host}");
        }
        for url in
            ["postgres://localhost/d", "host=/tmp", "host=localhost,127.0.0.1", "host=localhost hostaddr=127.0.0.1"]
        {
            assert!(crosses_no_network(&url.parse().unwrap()), "{url}");
        }
        for url in ["postgres://db.example.com/d", "host=/tmp,db", "host=localhost hostaddr=10.0.0.1"] {
            assert!(!crosses_no_network(&url.parse().unwrap()), "{url}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("roots.pem");
        let error = TrustedRoots::from_file(&file).unwrap_err();
        assert!(error.to_string().contains("roots.pem"), "{error}");
        std::fs::write(&file, "nothing of the kind").unwrap();
        let error = TrustedRoots::from_file(&file).unwrap_err();
        assert!(matches!(&error, RootsError::Empty { path } if *path == file), "{error}");
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        let error = TrustedRoots::from_file(&file).unwrap_err();
        assert!(matches!(&error, RootsError::File { .. }), "{error}");
    }
}
