use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use metrics::counter;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Row};

use super::Directory;
use crate::isolation::{Endpoint, Endpoints};
use crate::login::Login;
use crate::metrics::DIRECTORY_RECONNECTS;
use crate::tenant::{ClusterId, Model, Placement, Tenant, TenantId};

/// How old a picture of the catalog may get when no notification arrives.
const POLL: Duration = Duration::from_secs(1);

/// How long the catalog may take to answer before it is connected to anew.
const PATIENCE: Duration = Duration::from_secs(30);

/// The versions of the catalog this library works with.
const SUPPORTED: std::ops::RangeInclusive<i32> = 1..=1;

/// Why the catalog could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The catalog could not be reached or queried.
    #[error("cannot read the catalog: check FREEHOLD_CATALOG_URL and that the server runs")]
    Catalog(#[from] tokio_postgres::Error),
    /// The catalog is too old or too new for this library.
    #[error("the catalog has version {found}, and this library works with 1: upgrade the older of the two")]
    Incompatible {
        /// The version it has.
        found: i32,
    },
    /// The catalog says something this library does not understand.
    #[error("tenant {tenant} of the catalog cannot be read")]
    Tenant {
        /// The tenant.
        tenant: TenantId,
        /// What was not understood.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A connection to the catalog that hears of changes.
struct Feed {
    client: Client,
    notified: mpsc::Receiver<()>,
}

/// Reads the catalog once, then keeps `directory` and `endpoints` current for as long as somebody has the directory.
pub(crate) async fn follow(
    catalog: Login,
    directory: &Arc<Directory>,
    endpoints: &Arc<Endpoints>,
) -> Result<(), DirectoryError> {
    let feed = Feed::open(&catalog).await?;
    feed.refresh(directory, endpoints).await?;
    let (directory, endpoints) = (Arc::downgrade(directory), Arc::downgrade(endpoints));
    tokio::spawn(keep_current(catalog, feed, directory, endpoints));
    Ok(())
}

async fn keep_current(catalog: Login, mut feed: Feed, directory: Weak<Directory>, endpoints: Weak<Endpoints>) {
    let reconnects = counter!(DIRECTORY_RECONNECTS);
    loop {
        // Either way it is time to look. A closed channel is a lost connection, which the refresh finds out.
        let _ = timeout(POLL, feed.notified.recv()).await;
        let (Some(directory), Some(endpoints)) = (directory.upgrade(), endpoints.upgrade()) else { return };
        match timeout(PATIENCE, feed.refresh(&directory, &endpoints)).await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot read the catalog; going on with what is known"
            ),
            Err(_) => tracing::warn!("the catalog does not answer; going on with what is known"),
        }
        tokio::time::sleep(POLL).await;
        if let Ok(Ok(reopened)) = timeout(PATIENCE, Feed::open(&catalog)).await {
            feed = reopened;
            reconnects.increment(1);
        }
    }
}

impl Feed {
    async fn open(catalog: &Login) -> Result<Self, DirectoryError> {
        let (client, mut connection) = catalog.connect().await?;
        // One place is enough: it says that something changed, and the query says what.
        let (notify, notified) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if matches!(message, AsyncMessage::Notification(_)) {
                    let _ = notify.try_send(());
                }
            }
        });
        let row = client.query_one("select schema_version, compatible_from from catalog.hello", &[]).await?;
        let (found, compatible_from): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
        if found < *SUPPORTED.start() || compatible_from > *SUPPORTED.end() {
            return Err(DirectoryError::Incompatible { found });
        }
        client.batch_execute("listen freehold_directory").await?;
        Ok(Self { client, notified })
    }

    async fn refresh(&self, directory: &Directory, endpoints: &Endpoints) -> Result<(), DirectoryError> {
        let seen = directory.version();
        let rows = self
            .client
            .query(
                "select id, slug, name, status, epoch, plan, version, placement, model, cluster, database \
                 from catalog.directory where version > $1 order by version",
                &[&seen],
            )
            .await?;
        // Before the tenants that may live there, and also when no tenant changed.
        self.refresh_endpoints(endpoints).await?;
        let Some(last) = rows.last() else {
            directory.note_answer();
            return Ok(());
        };
        let version: i64 = last.try_get("version")?;
        let (mut tenants, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in &rows {
            match read_tenant(row) {
                Ok(tenant) => tenants.push(tenant),
                // One tenant that this version does not understand must not take the others with it.
                Err(DirectoryError::Tenant { tenant, source }) => {
                    tracing::error!(tenant.id = %tenant, error = &*source as &dyn std::error::Error, "a tenant of the catalog cannot be served");
                    unreadable.push(tenant);
                }
                Err(error) => return Err(error),
            }
        }
        directory.apply(tenants, &unreadable, version);
        directory.note_answer();
        Ok(())
    }

    async fn refresh_endpoints(&self, endpoints: &Endpoints) -> Result<(), DirectoryError> {
        let rows = self.client.query("select id, host, port, pooled, app_password from catalog.endpoints", &[]).await?;
        let mut clusters = HashMap::new();
        for row in rows {
            let endpoint = Endpoint {
                host: row.try_get("host")?,
                port: row.try_get::<_, i32>("port")? as u16,
                pooled: row.try_get("pooled")?,
                app_password: row.try_get("app_password")?,
            };
            clusters.insert(ClusterId(row.try_get::<_, &str>("id")?.into()), endpoint);
        }
        endpoints.replace(clusters);
        Ok(())
    }
}

fn read_tenant(row: &Row) -> Result<Tenant, DirectoryError> {
    let id = TenantId::from(row.try_get::<_, uuid::Uuid>("id")?);
    let misread = |source: Box<dyn std::error::Error + Send + Sync>| DirectoryError::Tenant { tenant: id, source };
    let placement = match row.try_get::<_, Option<&str>>("placement")? {
        Some(placement) => Some(Placement::new(
            placement.parse().map_err(|error| misread(Box::new(error)))?,
            row.try_get::<_, &str>("model")?.parse::<Model>().map_err(|error| misread(error.into()))?,
            ClusterId(row.try_get::<_, &str>("cluster")?.into()),
            row.try_get::<_, &str>("database")?,
            row.try_get("epoch")?,
        )),
        None => None,
    };
    Ok(Tenant {
        id,
        slug: row.try_get::<_, &str>("slug")?.parse().map_err(|error| misread(Box::new(error)))?,
        name: row.try_get("name")?,
        status: row.try_get::<_, &str>("status")?.parse().map_err(|error| misread(Box::new(error)))?,
        placement,
        plan: row.try_get("plan")?,
    })
}
