use freehold::login::Login;
use freehold::tenant::Slug;
use tokio_postgres::Client;

use super::{MigrateObserver, MigrateReport, Plan};
use crate::connection::connect;
use crate::migrations::Rollout;
use crate::operation::NoObserver;
use crate::{ControlError, ControlPlane};

impl ControlPlane {
    /// Migrates every database and placement, the databases themselves first. New tenants get the same from now on.
    ///
    /// What fails is in the report, and does not stop the rest.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be read, or the files of migrations contradict each other.
    pub async fn migrate(&self) -> Result<MigrateReport, ControlError> {
        self.migrate_observed(&NoObserver).await
    }

    /// [Migrates](Self::migrate) everything, and tells how far it has come.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate).
    pub async fn migrate_observed(&self, observer: &dyn MigrateObserver) -> Result<MigrateReport, ControlError> {
        let migrator = self.migrator()?;
        let catalog = self.catalog().await?;
        let mut report = MigrateReport::default();
        for (_, cluster) in self.clusters(&catalog).await? {
            migrator.migrate_template(&cluster.server, &cluster.data, observer, &mut report).await;
        }
        let Rollout { shared, tenant } = migrator.migrations.rollout();
        roll_out(&catalog, shared, Some(tenant)).await?;
        for (server, database) in self.databases(&catalog).await? {
            migrator.migrate(&server, &database, None, observer, &mut report).await;
        }
        name_tenants(&catalog, &mut report).await?;
        Ok(report)
    }

    /// Migrates the placement of one tenant, and its database first. In a shared placement that is every tenant's.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownTenant`], and as [`migrate`](Self::migrate).
    pub async fn migrate_tenant(&self, slug: &Slug) -> Result<MigrateReport, ControlError> {
        let migrator = self.migrator()?;
        let tenant = self.tenant(slug).await?.id;
        let catalog = self.catalog().await?;
        let place = self.place_of(&catalog, tenant).await?;
        let mut report = MigrateReport::default();
        // Its database is that of others, too, and of those who sign up meanwhile.
        roll_out(&catalog, migrator.migrations.rollout().shared, None).await?;
        migrator.migrate(&place.server, &place.database, Some(&place.id), &NoObserver, &mut report).await;
        name_tenants(&catalog, &mut report).await?;
        Ok(report)
    }

    /// What every database lacks: its name, and the plan.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate).
    pub async fn migration_status(&self) -> Result<Vec<(String, Plan)>, ControlError> {
        let migrator = self.migrator_begun()?;
        let catalog = self.catalog().await?;
        let mut plans = Vec::new();
        for (server, database) in self.databases(&catalog).await? {
            let data = connect(&server.to_database(&database)).await?;
            plans.push((database, migrator.plan(&data, None).await?));
        }
        Ok(plans)
    }

    /// Every database with placements, the data database of a cluster before its tenant databases.
    pub(crate) async fn databases(&self, catalog: &Client) -> Result<Vec<(Login, String)>, ControlError> {
        let failed = ControlError::doing("listing databases");
        let mut databases = Vec::new();
        for (id, cluster) in self.clusters(catalog).await? {
            databases.push((cluster.server.clone(), cluster.data));
            // Not those that are not created yet, and not those that are being dropped.
            let rows = catalog
                .query(
                    "select p.database from catalog.placements p join catalog.tenants t on t.placement = p.id \
                     where p.cluster = $1 and p.model = 'database' and p.dropped_at is null \
                       and t.status <> 'deleted' \
                       and (t.status <> 'provisioning' \
                            or exists (select from catalog.operations o join catalog.operation_steps s on s.operation = o.id \
                                       where o.tenant = t.id and o.kind = 'provision' and s.name = 'create')) \
                       and not exists (select from catalog.operations o join catalog.operation_steps s on s.operation = o.id \
                                       where o.tenant = t.id and o.kind = 'delete' and s.name = 'fence') \
                     order by p.created_at",
                    &[&id],
                )
                .await
                .map_err(&failed)?;
            databases.extend(rows.iter().map(|row| (cluster.server.clone(), row.get(0))));
        }
        Ok(databases)
    }
}

/// Notes what new tenants, and their databases, get.
async fn roll_out(catalog: &Client, shared: i32, tenant: Option<i32>) -> Result<(), ControlError> {
    let update =
        "update catalog.installation set shared_migrations = $1, tenant_migrations = coalesce($2, tenant_migrations)";
    catalog
        .execute(update, &[&shared, &tenant])
        .await
        .map_err(ControlError::doing("noting how far migrations are rolled out"))?;
    Ok(())
}

/// Says whose placements failed: an operator knows tenants by their slugs.
async fn name_tenants(catalog: &Client, report: &mut MigrateReport) -> Result<(), ControlError> {
    for failure in &mut report.failures {
        let alone = catalog
            .query_opt(
                "select t.slug from catalog.tenants t join catalog.placements p on p.id = t.placement \
                 where p.model <> 'shared' and (p.id = $1 or p.database = $2 and p.model = 'database') limit 1",
                &[&failure.placement, &failure.database],
            )
            .await
            .map_err(ControlError::doing("naming tenants"))?;
        failure.tenant = alone.map(|row| row.get(0));
    }
    Ok(())
}
