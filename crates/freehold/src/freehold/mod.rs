mod config;
mod provision;
mod report;

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

pub use config::{Config, ConfigError};
pub use provision::{NewTenant, ProvisionError};
use report::report;

use crate::directory::{Directory, DirectoryError, follow};
use crate::isolation::{Driver, Endpoints, Pool, TenantDb};
use crate::login::Login;
use crate::metrics;
use crate::tenant::Tenant;

/// What an application holds of Freehold: the directory of tenants, and the connections to their data.
///
/// Cloning is cheap; all clones are one.
#[derive(Clone)]
pub struct Freehold(Arc<Inner>);

struct Inner {
    catalog: Login,
    directory: Arc<Directory>,
    pools: Pools,
    /// Rights to a connection to the catalog, beside the one that follows it.
    requests: Semaphore,
    /// When a worker was last seen.
    worker_seen: Mutex<Option<Instant>>,
}

/// Connections to the catalog that new tenants are asked for on, at most: strangers may sign up.
const REQUESTS: usize = 8;

/// A pool per driver. An application uses one of them; the other stays empty.
#[derive(Debug)]
pub struct Pools {
    #[cfg(feature = "sqlx")]
    pub(crate) sqlx: Pool<crate::isolation::Sqlx>,
    #[cfg(feature = "tokio-postgres")]
    pub(crate) tokio_postgres: Pool<crate::isolation::TokioPostgres>,
}

impl Pools {
    fn report(&self) {
        #[cfg(feature = "sqlx")]
        self.sqlx.report();
        #[cfg(feature = "tokio-postgres")]
        self.tokio_postgres.report();
    }
}

/// Why an application cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The catalog cannot be used.
    #[error("cannot start without the catalog")]
    Directory(#[from] DirectoryError),
}

impl Freehold {
    /// Reads the catalog and keeps following it. Opens no connection to tenants' data yet.
    ///
    /// ```no_run
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// use freehold::{Config, Freehold};
    ///
    /// let freehold = Freehold::connect(Config::from_env()?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the catalog cannot be reached, or is of another version.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let Config { catalog, master_key, pool } = config;
        metrics::describe(metrics::ALL);
        let (directory, endpoints, master) =
            (Arc::new(Directory::new()), Arc::new(Endpoints::new(catalog.roots().clone())), Arc::new(master_key));
        follow(catalog.clone(), &directory, &endpoints).await?;
        let pools = Pools {
            #[cfg(feature = "sqlx")]
            sqlx: Pool::new(pool.clone(), endpoints.clone(), master.clone()),
            #[cfg(feature = "tokio-postgres")]
            tokio_postgres: Pool::new(pool, endpoints, master),
        };
        let (requests, worker_seen) = (Semaphore::new(REQUESTS), Mutex::default());
        let inner = Arc::new(Inner { catalog, directory, pools, requests, worker_seen });
        tokio::spawn(report(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// The tenants.
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// The database of a tenant, for work outside a request: a job, a schedule, a test. In a handler, extract
    /// [`TenantDb`] instead.
    pub fn tenant_db<D: Driver>(&self, tenant: &Arc<Tenant>) -> TenantDb<D> {
        TenantDb::new(tenant.clone(), D::pool(&self.0.pools).clone())
    }
}

impl fmt::Debug for Freehold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freehold").field("directory_version", &self.directory().version()).finish_non_exhaustive()
    }
}
