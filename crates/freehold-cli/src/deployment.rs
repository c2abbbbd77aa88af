//! The deployment a command works on: one that is configured, or the private PostgreSQL.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use freehold::isolation::MasterKey;
use freehold::login::{Login, TrustedRoots};
use freehold_control::{ControlConfig, ControlPlane};
use freehold_postgres::{Builder, Installation, InstallationError, Server, ServerError};

use crate::settings::Settings;

/// The catalog's database in the private PostgreSQL.
pub(crate) const CATALOG: &str = "freehold_catalog";

/// A deployment, and for as long as this lives the private server, unless somebody else started that.
#[derive(Debug)]
pub(crate) struct Deployment {
    control: ControlPlane,
    master_key: Arc<MasterKey>,
    server: Option<Server>,
    reader_url: Option<String>,
}

impl Deployment {
    /// The deployment of these settings. Starts the private PostgreSQL if none is configured and it does not run.
    pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        Self::open_within(settings, Duration::ZERO).await
    }

    /// The same, for a command that stays: where a private server runs that is another command's, waits for that to end, so
    /// that it does not take the server with it.
    pub(crate) async fn open_to_stay(settings: &Settings) -> anyhow::Result<Self> {
        const SHORT_COMMAND: Duration = Duration::from_secs(3);
        Self::open_within(settings, SHORT_COMMAND).await
    }

    async fn open_within(settings: &Settings, patience: Duration) -> anyhow::Result<Self> {
        // Without the key a server would be started in vain.
        let master_key = Arc::new(settings.master_key()?);
        let server = match settings.catalog_url {
            Some(_) => None,
            None => Some(start_private(settings, patience).await?),
        };
        let url = |user| server.as_ref().map(|server| server.url_as(user, CATALOG));
        let (control_url, reader_url) = (url("freehold_control"), url("freehold_reader"));
        let control_url = control_url.or_else(|| settings.catalog_url.clone()).unwrap_or_default();
        let mut catalog = parse_url(&control_url, "the URL of the catalog")?;
        if catalog.config().get_dbname().is_none() {
            catalog = catalog.to_database(CATALOG);
        }
        let config = ControlConfig::new(catalog, master_key.clone(), &settings.migrations);
        Ok(Self {
            control: ControlPlane::new(config),
            master_key,
            server,
            reader_url: reader_url.or_else(|| std::env::var("FREEHOLD_CATALOG_URL").ok()),
        })
    }

    /// The control plane of the deployment.
    pub(crate) fn control(&self) -> &ControlPlane {
        &self.control
    }

    /// What contexts are sealed with.
    pub(crate) fn master_key(&self) -> &Arc<MasterKey> {
        &self.master_key
    }

    /// The private server, unless another one is configured.
    pub(crate) fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// The catalog, as applications reach it.
    pub(crate) fn reader_url(&self) -> anyhow::Result<&str> {
        self.reader_url.as_deref().context("FREEHOLD_CATALOG_URL is not set: name the catalog, as freehold_reader")
    }

    /// Ends what this command started. A server that somebody else started goes on.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        match self.server {
            Some(server) => blocking(move || server.leave()).await,
            None => Ok(()),
        }
    }

    /// Leaves the private server running.
    pub(crate) async fn leave_running(self) -> anyhow::Result<()> {
        match self.server {
            Some(server) => blocking(move || server.detach()).await,
            None => Ok(()),
        }
    }
}

/// Starts the private PostgreSQL, or finds it running. Installs PostgreSQL where there is none. One that somebody else owns
/// is given so long to end.
pub(crate) async fn start_private(settings: &Settings, patience: Duration) -> anyhow::Result<Server> {
    const LOOK: Duration = Duration::from_millis(100);
    let directory = settings.postgres_dir();
    let builder = Server::builder(&directory).durable(settings.durable);
    let deadline = Instant::now() + patience;
    let server = loop {
        let builder = builder.clone();
        let server =
            blocking(move || start_or_install(builder)).await.context("cannot start the private PostgreSQL")?;
        if server.is_owner() || server.is_detached() || Instant::now() >= deadline {
            break server;
        }
        tokio::time::sleep(LOOK).await;
    };
    let preferred = settings.data.join("postgres");
    if server.is_owner() && directory != preferred {
        settings.output.note(&format!(
            "PostgreSQL does not run as root, and its account cannot reach {}: the data are in {}",
            preferred.display(),
            directory.display()
        ));
    }
    Ok(server)
}

/// Starts a PostgreSQL, and installs one first where there is none.
pub(crate) fn start_or_install(builder: Builder) -> Result<Server, ServerError> {
    match builder.clone().start_or_attach() {
        Err(ServerError::Installation(InstallationError::NotFound { .. })) => {
            tracing::warn!("there is no PostgreSQL on this machine: installing one");
            builder.installation(Installation::install(None)?).start_or_attach()
        }
        started => started,
    }
}

/// Runs what blocks, such as everything that `freehold_postgres` does, beside the runtime.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> anyhow::Result<T>
where
    T: Send + 'static,
    E: Into<anyhow::Error> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await?.map_err(Into::into)
}

/// A PostgreSQL URL. The error does not repeat it, since it may hold a password.
pub(crate) fn parse_url(url: &str, what: &str) -> anyhow::Result<Login> {
    let login = Login::from_str(url)
        .with_context(|| format!("{what} is no PostgreSQL URL: use postgres://LOGIN@HOST/DATABASE"))?;
    Ok(login.trusting(TrustedRoots::from_env().context("PGSSLROOTCERT is of no use")?))
}
