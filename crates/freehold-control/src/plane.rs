use std::path::PathBuf;
use std::sync::Arc;

use freehold::isolation::MasterKey;
use freehold::login::Login;
use freehold::tenant::{Model, Slug, TenantId};
use tokio_postgres::{Client, Config};
use uuid::Uuid;

use crate::connection::{connect, password};
use crate::install::CATALOG_VERSION;
use crate::migrate::Migrator;
use crate::migrations::{Migrations, Rollout};
use crate::operation::Registrations;
use crate::provision::Place;
use crate::{ControlError, lifecycle, seal};

/// How the control plane reaches its deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ControlConfig {
    /// The catalog, as `freehold_control`. Who is trusted to vouch for its server is trusted for all clusters.
    pub catalog: Login,
    /// What contexts are sealed with.
    pub master_key: Arc<MasterKey>,
    /// The directory of the application's migrations.
    pub migrations: PathBuf,
}

impl ControlConfig {
    /// A configuration.
    pub fn new(catalog: Login, master_key: Arc<MasterKey>, migrations: impl Into<PathBuf>) -> Self {
        Self { catalog, master_key, migrations: migrations.into() }
    }
}

/// The control plane of a deployment.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    config: ControlConfig,
    registrations: Registrations,
}

/// A cluster, as the control plane reaches it.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) server: Login,
    pub(crate) data: String,
}

impl ControlPlane {
    /// A control plane. Connections are opened, and files read, as they are needed.
    pub fn new(config: ControlConfig) -> Self {
        Self { config, registrations: Registrations::default() }
    }

    pub(crate) fn master_key(&self) -> &MasterKey {
        &self.config.master_key
    }

    /// All migrations, as their files are now.
    pub(crate) fn migrator(&self) -> Result<Migrator, ControlError> {
        Ok(Migrator { migrations: Migrations::read(&self.config.migrations)? })
    }

    /// The same with what is begun, for what only looks.
    pub(crate) fn migrator_begun(&self) -> Result<Migrator, ControlError> {
        Ok(Migrator { migrations: Migrations::read_begun(&self.config.migrations)? })
    }

    /// The migrations of a new tenant: those that were rolled out, and none that somebody is writing. They are read each time, as
    /// a worker runs for months. Where nothing was rolled out yet, all.
    pub(crate) async fn rolled_out(&self) -> Result<Migrator, ControlError> {
        let row = self
            .catalog()
            .await?
            .query_one("select shared_migrations, tenant_migrations from catalog.installation", &[])
            .await
            .map_err(ControlError::doing("reading how far migrations are rolled out"))?;
        let (Some(shared), Some(tenant)) = (row.get(0), row.get(1)) else { return self.migrator() };
        let rollout = Rollout { shared, tenant };
        Ok(Migrator { migrations: Migrations::read_rolled_out(&self.config.migrations, rollout)? })
    }

    /// How many of this process's workers the catalog knows of.
    pub(crate) fn registrations(&self) -> &Registrations {
        &self.registrations
    }

    pub(crate) fn catalog_login(&self) -> &Login {
        &self.config.catalog
    }

    /// The catalog, if it is one that this version may write to.
    pub(crate) async fn catalog(&self) -> Result<Client, ControlError> {
        let catalog = connect(&self.config.catalog).await?;
        let row = catalog
            .query_one("select schema_version, compatible_from from catalog.hello", &[])
            .await
            .map_err(ControlError::doing("reading the version of the catalog"))?;
        let (found, compatible_from): (i32, i32) = (row.get(0), row.get(1));
        if compatible_from > CATALOG_VERSION {
            return Err(ControlError::Incompatible { found, supported: CATALOG_VERSION });
        }
        Ok(catalog)
    }

    pub(crate) async fn clusters(&self, catalog: &Client) -> Result<Vec<(String, Cluster)>, ControlError> {
        let rows = catalog
            .query("select id, host, port, database, control_password from catalog.clusters order by added_at", &[])
            .await
            .map_err(ControlError::doing("listing clusters"))?;
        rows.iter()
            .map(|row| {
                let mut server = Config::new();
                let port = u16::try_from(row.get::<_, i32>(2))
                    .map_err(|_| ControlError::Catalog("a port is out of range".into()))?;
                server
                    .host(row.get::<_, &str>(1))
                    .port(port)
                    .user("freehold_control")
                    .application_name("freehold control");
                if let Some(reference) = row.get::<_, Option<&str>>(4) {
                    server.password(password(reference)?);
                }
                Ok((
                    row.get(0),
                    Cluster {
                        server: Login::new(server).trusting(self.config.catalog.roots().clone()),
                        data: row.get(3),
                    },
                ))
            })
            .collect()
    }

    pub(crate) async fn find_place(&self, catalog: &Client, tenant: TenantId) -> Result<Option<Place>, ControlError> {
        let row = catalog
            .query_opt(
                "select p.id, p.model, p.database, p.cluster, t.epoch from catalog.tenants t \
                 join catalog.placements p on p.id = t.placement where t.id = $1",
                &[&Uuid::from(tenant)],
            )
            .await
            .map_err(ControlError::doing("finding a placement"))?;
        let Some(row) = row else { return Ok(None) };
        let (_, cluster) = self
            .clusters(catalog)
            .await?
            .into_iter()
            .find(|(id, _)| id == row.get::<_, &str>(3))
            .ok_or(ControlError::NoCluster)?;
        Ok(Some(Place {
            id: row.get::<_, &str>(0).parse()?,
            model: row.get::<_, &str>(1).parse()?,
            database: row.get(2),
            data: cluster.data,
            epoch: row.get(4),
            server: cluster.server,
        }))
    }

    pub(crate) async fn place_of(&self, catalog: &Client, tenant: TenantId) -> Result<Place, ControlError> {
        self.find_place(catalog, tenant)
            .await?
            .ok_or_else(|| ControlError::Catalog(format!("tenant {tenant} has no placement")))
    }

    /// Creates a tenant and waits until it is active. The same `idempotency_key` gives the same tenant.
    ///
    /// # Errors
    ///
    /// [`ControlError::SlugTaken`], or why the operation failed; it stays recorded, and a worker tries it again.
    pub async fn create_tenant(
        &self,
        slug: &Slug,
        name: &str,
        model: Model,
        idempotency_key: &str,
        requested_by: &str,
    ) -> Result<TenantId, ControlError> {
        let catalog = self.catalog().await?;
        let (operation, tenant) =
            lifecycle::request_provision(&catalog, slug, name, model, idempotency_key, requested_by).await?;
        self.finish(operation).await?;
        Ok(tenant)
    }

    /// Gives every database a new seal key. The one before stays valid until the next rotation, so nothing in flight
    /// fails. A copy of a database gets a key of its own this way; a database that was sealed with another master key is
    /// left alone, unless by `force`.
    ///
    /// What cannot be done in one database does not keep it from the others. To rotate again takes the key before last away,
    /// which connections that are older than the first rotation still seal with: the pool replaces those.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be read.
    pub async fn rotate_seal(&self, force: bool) -> Result<Vec<(String, Result<i32, ControlError>)>, ControlError> {
        let catalog = self.catalog().await?;
        let mut rotated = Vec::new();
        for (server, database) in self.databases(&catalog).await? {
            let generation = self.rotate_seal_of(&server, &database, force).await;
            rotated.push((database, generation));
        }
        Ok(rotated)
    }

    async fn rotate_seal_of(&self, server: &Login, database: &str, force: bool) -> Result<i32, ControlError> {
        let mut data = connect(&server.to_database(database)).await?;
        let generation = seal::rotate(&mut data, &self.config.master_key, force).await?;
        // A tenant database and its login are named after the placement; the password derives from the master key.
        if let Ok(login) = database.parse() {
            seal::renew_login(&data, &self.config.master_key, &login).await?;
        }
        Ok(generation)
    }
}
