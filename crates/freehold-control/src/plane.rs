use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use freehold::isolation::MasterKey;
use freehold::tenant::{Model, Slug, TenantId};
use tokio_postgres::{Client, Config};
use uuid::Uuid;

use crate::connection::{connect, password, with_database};
use crate::migrate::{MigrateReport, Migrator, Plan};
use crate::migrations::Migrations;
use crate::operation::{NoObserver, StepObserver, Steps, release, renew, take};
use crate::provision::Place;
use crate::{ControlError, delete, lifecycle, provision, seal};

/// How the control plane reaches its deployment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ControlConfig {
    /// The catalog, as `freehold_control`.
    pub catalog: Config,
    /// What contexts are sealed with.
    pub master_key: Arc<MasterKey>,
    /// The directory of the application's migrations.
    pub migrations: PathBuf,
}

impl ControlConfig {
    /// A configuration.
    pub fn new(catalog: Config, master_key: Arc<MasterKey>, migrations: impl Into<PathBuf>) -> Self {
        Self { catalog, master_key, migrations: migrations.into() }
    }
}

/// The control plane of a deployment.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    config: ControlConfig,
    migrator: Migrator,
}

/// A cluster, as the control plane reaches it.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) server: Config,
    pub(crate) data: String,
}

impl ControlPlane {
    /// Reads the migrations. Connections are opened as they are needed.
    ///
    /// # Errors
    ///
    /// When the migrations cannot be read or contradict each other.
    pub fn new(config: ControlConfig) -> Result<Self, ControlError> {
        let migrations = Arc::new(Migrations::read(&config.migrations)?);
        Ok(Self { config, migrator: Migrator { migrations } })
    }

    pub(crate) fn master_key(&self) -> &MasterKey {
        &self.config.master_key
    }

    pub(crate) fn migrator(&self) -> &Migrator {
        &self.migrator
    }

    pub(crate) async fn catalog(&self) -> Result<Client, ControlError> {
        connect(&self.config.catalog).await
    }

    pub(crate) async fn clusters(&self, catalog: &Client) -> Result<Vec<(String, Cluster)>, ControlError> {
        let rows = catalog
            .query("select id, host, port, database, control_password from catalog.clusters order by added_at", &[])
            .await
            .map_err(ControlError::doing("listing clusters"))?;
        rows.iter()
            .map(|row| {
                let mut server = Config::new();
                let port = u16::try_from(row.get::<_, i32>(2)).map_err(|_| ControlError::Catalog("a port is out of range".into()))?;
                server.host(row.get::<_, &str>(1)).port(port).user("freehold_control").application_name("freehold control");
                if let Some(reference) = row.get::<_, Option<&str>>(4) {
                    server.password(password(reference)?);
                }
                Ok((row.get(0), Cluster { server, data: row.get(3) }))
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
        self.find_place(catalog, tenant).await?.ok_or_else(|| ControlError::Catalog(format!("tenant {tenant} has no placement")))
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

    /// Runs an operation here, or waits for the worker that has it.
    pub(crate) async fn finish(&self, operation: Uuid) -> Result<(), ControlError> {
        let catalog = self.catalog().await?;
        let worker = format!("inline {}", Uuid::new_v4());
        loop {
            self.run_one(&worker, Some(operation), &NoObserver).await?;
            let row = catalog
                .query_one("select state, last_error from catalog.operations where id = $1", &[&operation])
                .await
                .map_err(ControlError::doing("waiting for an operation"))?;
            let reason = || row.get::<_, Option<String>>(1).unwrap_or_default();
            match row.get::<_, &str>(0) {
                "done" => return Ok(()),
                "running" => tokio::time::sleep(Duration::from_millis(50)).await,
                _ => return Err(ControlError::Operation { operation, reason: reason() }),
            }
        }
    }

    /// Takes one operation that is due and runs it. `false`: nothing was due.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be reached. An operation that fails is no error here: it is recorded, and tried again.
    pub async fn run_one(&self, worker: &str, only: Option<Uuid>, observer: &dyn StepObserver) -> Result<bool, ControlError> {
        let catalog = self.catalog().await?;
        let Some(operation) = take(&catalog, worker, only).await? else { return Ok(false) };
        let steps = Steps { catalog: &catalog, operation: &operation, observer };
        let result = tokio::select! {
            result = self.run(&steps) => result,
            lost = renew(&catalog, worker, operation.id) => Err(lost),
        };
        match &result {
            Err(ControlError::LeaseLost { .. }) => return Ok(true),
            Err(error) => tracing::warn!(operation.id = %operation.id, error = error as &dyn std::error::Error, "an operation failed"),
            Ok(()) => tracing::info!(operation.id = %operation.id, operation.kind, tenant.id = %operation.tenant, "operation done"),
        }
        release(&catalog, worker, &operation, &result).await?;
        Ok(true)
    }

    async fn run(&self, steps: &Steps<'_>) -> Result<(), ControlError> {
        match steps.operation.kind.as_str() {
            "provision" => provision::provision(self, steps).await,
            "delete" => delete::delete(self, steps).await,
            other => Err(ControlError::Catalog(format!("unknown kind of operation: {other}"))),
        }
    }

    /// Runs operations as they become due, until `stop` is done. What is running then is finished first.
    ///
    /// # Errors
    ///
    /// Never for a passing failure: the catalog being away is logged, and tried again.
    pub async fn work(&self, worker: &str, stop: impl Future<Output = ()> + Send) {
        /// Operations are looked for at least this often; a notification would only be faster.
        const LOOK: Duration = Duration::from_millis(100);
        let mut stop = std::pin::pin!(stop);
        loop {
            let pause = match self.run_one(worker, None, &NoObserver).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the worker cannot reach the catalog");
                    LOOK * 10
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Migrates every database and placement, the databases themselves first.
    ///
    /// # Errors
    ///
    /// When a database cannot be reached, or the files contradict what was applied. A migration that fails is in the report.
    pub async fn migrate(&self) -> Result<MigrateReport, ControlError> {
        let catalog = self.catalog().await?;
        let mut report = MigrateReport::default();
        for (_, cluster) in self.clusters(&catalog).await? {
            self.migrator.migrate_template(&cluster.server, &cluster.data, &mut report).await?;
        }
        for (server, database) in self.databases(&catalog).await? {
            self.migrator.migrate(&server, &database, None, &mut report).await?;
        }
        Ok(report)
    }

    /// What every database lacks: its name, and the plan.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate).
    pub async fn migration_status(&self) -> Result<Vec<(String, Plan)>, ControlError> {
        let catalog = self.catalog().await?;
        let mut plans = Vec::new();
        for (server, database) in self.databases(&catalog).await? {
            let data = connect(&with_database(&server, &database)).await?;
            plans.push((database, self.migrator.plan(&data, None).await?));
        }
        Ok(plans)
    }

    /// Gives every database a new seal key. The one before stays valid until the next rotation, so nothing in flight
    /// fails. Returns each database and its generation.
    ///
    /// # Errors
    ///
    /// When a database cannot be reached; running it again rotates all of them once more, which does no harm.
    pub async fn rotate_seal(&self) -> Result<Vec<(String, i32)>, ControlError> {
        let catalog = self.catalog().await?;
        let mut rotated = Vec::new();
        for (server, database) in self.databases(&catalog).await? {
            let mut data = connect(&with_database(&server, &database)).await?;
            rotated.push((database, seal::rotate(&mut data, &self.config.master_key).await?));
        }
        Ok(rotated)
    }

    /// Every database with placements, the data database of a cluster before its tenant databases.
    pub(crate) async fn databases(&self, catalog: &Client) -> Result<Vec<(Config, String)>, ControlError> {
        let failed = ControlError::doing("listing databases");
        let mut databases = Vec::new();
        for (id, cluster) in self.clusters(catalog).await? {
            databases.push((cluster.server.clone(), cluster.data));
            // A placement whose database is not created yet has no tenant that is active.
            let rows = catalog
                .query(
                    "select p.database from catalog.placements p join catalog.tenants t on t.placement = p.id \
                     where p.cluster = $1 and p.model = 'database' and p.dropped_at is null \
                       and t.status not in ('provisioning', 'deleted') order by p.created_at",
                    &[&id],
                )
                .await
                .map_err(&failed)?;
            databases.extend(rows.iter().map(|row| (cluster.server.clone(), row.get(0))));
        }
        Ok(databases)
    }
}
