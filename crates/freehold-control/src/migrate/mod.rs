//! Migrating databases and placements.
//!
//! What a placement has is noted in its own database, in the transaction that applied it, so one query per database says
//! what needs work, however many placements it has.

mod apply;
mod fleet;
mod plan;
mod verify;

use std::fmt;

use freehold::login::Login;
use freehold::tenant::PlacementId;
use tokio_postgres::Client;

pub use plan::{Pending, Plan};
pub use verify::{Difference, Drifted, Verification};

use crate::connection::connect;
use crate::migrations::Migrations;
use crate::operation::NoObserver;
use crate::{ControlError, install};

/// The placement of the ledger that stands for the database itself.
pub(crate) const DATABASE: &str = "";

/// What came of a run.
#[derive(Debug, Default)]
pub struct MigrateReport {
    /// Migrations applied, in databases and placements.
    pub applied: usize,
    /// Placements that had nothing to do.
    pub current: usize,
    /// What failed, and where. The rest was done.
    pub failures: Vec<MigrateFailure>,
}

/// Told how far a run has come.
pub trait MigrateObserver: Send + Sync {
    /// So many more places have work: databases, and placements in them.
    fn places_found(&self, places: usize);

    /// One of them is done, or failed.
    fn place_done(&self);
}

impl MigrateObserver for NoObserver {
    fn places_found(&self, _: usize) {}

    fn place_done(&self) {}
}

/// A placement that could not be migrated. It is as it was before the file that failed, but for what a file that runs
/// outside a transaction had done.
#[derive(Debug)]
#[non_exhaustive]
pub struct MigrateFailure {
    /// The database.
    pub database: String,
    /// The placement; empty for the database itself.
    pub placement: String,
    /// The slug of the tenant that alone lives in the placement.
    pub tenant: Option<String>,
    /// Why.
    pub error: ControlError,
}

impl MigrateFailure {
    /// What to tell `freehold` for another try at this, and at nothing else where that can be.
    pub fn retry(&self) -> String {
        match &self.tenant {
            Some(tenant) => format!("migrate --tenant {tenant}"),
            None => "migrate".to_owned(),
        }
    }
}

impl fmt::Display for MigrateFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.tenant, self.placement.as_str()) {
            (Some(tenant), DATABASE) => write!(f, "tenant {tenant} (database {})", self.database)?,
            (Some(tenant), placement) => write!(f, "tenant {tenant} ({placement} in {})", self.database)?,
            (None, DATABASE) => write!(f, "database {}", self.database)?,
            (None, placement) => write!(f, "shared placement {placement} in {}", self.database)?,
        }
        write!(f, ": {}", self.error)
    }
}

/// Brings databases up to an application's migrations.
#[derive(Clone, Debug)]
pub(crate) struct Migrator {
    pub(crate) migrations: Migrations,
}

impl Migrator {
    /// What a database lacks. `only` limits it to one placement.
    pub(crate) async fn plan(&self, data: &Client, only: Option<&PlacementId>) -> Result<Plan, ControlError> {
        plan::plan(data, &self.migrations, only).await
    }

    /// Migrates a database, then its placements one after the other. A placement that fails does not stop the others; a
    /// database that fails stops its placements.
    pub(crate) async fn migrate(
        &self,
        server: &Login,
        database: &str,
        only: Option<&PlacementId>,
        observer: &dyn MigrateObserver,
        report: &mut MigrateReport,
    ) {
        if let Err(error) = self.migrate_placements(server, database, only, observer, report).await {
            report.failures.push(failure(database, DATABASE, error));
        }
    }

    async fn migrate_placements(
        &self,
        server: &Login,
        database: &str,
        only: Option<&PlacementId>,
        observer: &dyn MigrateObserver,
        report: &mut MigrateReport,
    ) -> Result<(), ControlError> {
        let mut data = connect(&server.to_database(database)).await?;
        let plan = self.plan(&data, only).await?;
        report.current += plan.current;
        observer.places_found(plan.pending.len());
        for Pending { placement, migrations } in plan.pending {
            for migration in &migrations {
                match apply::apply(&mut data, &placement, migration).await {
                    Ok(applied) => report.applied += usize::from(applied),
                    Err(error) if placement == DATABASE => return Err(error),
                    Err(error) => {
                        report.failures.push(failure(database, &placement, error));
                        break;
                    }
                }
            }
            observer.place_done();
        }
        Ok(())
    }

    /// Migrates one placement, or says why not.
    pub(crate) async fn migrate_one(
        &self,
        server: &Login,
        database: &str,
        placement: &PlacementId,
    ) -> Result<(), ControlError> {
        let mut report = MigrateReport::default();
        self.migrate(server, database, Some(placement), &NoObserver, &mut report).await;
        report.failures.into_iter().next().map_or(Ok(()), |failure| Err(failure.error))
    }

    /// Migrates the template of tenant databases, which has no placements.
    pub(crate) async fn migrate_template(
        &self,
        server: &Login,
        data: &str,
        observer: &dyn MigrateObserver,
        report: &mut MigrateReport,
    ) {
        self.migrate(server, &install::template_of(data), None, observer, report).await;
    }
}

fn failure(database: &str, placement: &str, error: ControlError) -> MigrateFailure {
    MigrateFailure { database: database.to_owned(), placement: placement.to_owned(), tenant: None, error }
}
