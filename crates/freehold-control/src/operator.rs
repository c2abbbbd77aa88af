//! Work across tenants: past their policies, by somebody, for a reason, and on record before it begins.

use freehold::login::Login;
use freehold::tenant::PlacementId;
use serde_json::json;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use crate::audit::audit;
use crate::connection::connect;
use crate::{ControlError, ControlPlane};

/// The right to see the data of all tenants, and to change them.
///
/// Only a control plane gives it: an application has neither its login nor this crate's means. Who uses it and why stands in
/// the catalog's audit before the first statement, also if that never comes.
///
/// ```no_run
/// # async fn report(control: freehold_control::ControlPlane) -> Result<(), freehold_control::ControlError> {
/// let mut operator = control.operator("ann@example.com", "usage of the last month").await?;
/// for placement in operator.placements() {
///     let usage = operator.read(&placement).await?;
///     for row in usage.query("select tenant_id, count(*) from expenses group by tenant_id", &[]).await? {
///         let (tenant, count): (uuid::Uuid, i64) = (row.get(0), row.get(1));
///         println!("{tenant} {count}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OperatorScope {
    placements: Vec<(PlacementId, Home)>,
    /// To the database of the placement that was worked in last.
    connection: Option<(Home, Client)>,
}

/// The database of a placement.
#[derive(Clone, Debug)]
struct Home {
    cluster: String,
    database: String,
    server: Login,
}

impl Home {
    fn is(&self, other: &Self) -> bool {
        self.cluster == other.cluster && self.database == other.database
    }
}

/// A transaction in one placement, with the rows of all tenants that live there. What is not committed is rolled back when the
/// next transaction begins, or the scope is dropped.
#[derive(Debug)]
pub struct OperatorTransaction<'a> {
    client: &'a Client,
}

impl ControlPlane {
    /// Writes down who is about to work across tenants, and why, and gives them the right to.
    ///
    /// # Errors
    ///
    /// [`ControlError::Unexplained`] without an actor or a reason, or when the catalog cannot be read or written.
    pub async fn operator(&self, actor: &str, reason: &str) -> Result<OperatorScope, ControlError> {
        let catalog = self.catalog().await?;
        let clusters = self.clusters(&catalog).await?;
        // Not those that are being created, and not those that are being dropped.
        let rows = catalog
            .query(
                "select p.id, p.cluster, p.database from catalog.placements p \
                 where p.dropped_at is null and (p.model = 'shared' or exists ( \
                     select from catalog.tenants t where t.placement = p.id and t.status not in ('provisioning', 'deleted') \
                         and not exists (select from catalog.operations o join catalog.operation_steps s on s.operation = o.id \
                                         where o.tenant = t.id and o.kind = 'delete' and s.name = 'fence'))) \
                 order by p.cluster, p.database, p.id",
                &[],
            )
            .await
            .map_err(ControlError::doing("listing placements"))?;
        let mut placements = Vec::with_capacity(rows.len());
        for row in &rows {
            let (id, cluster, database): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
            let Some((_, reached)) = clusters.iter().find(|(id, _)| id == cluster) else { continue };
            let home =
                Home { cluster: cluster.to_owned(), database: database.to_owned(), server: reached.server.clone() };
            placements.push((id.parse()?, home));
        }
        audit(&catalog, actor, "operator scope", None, reason, &json!({ "placements": placements.len() })).await?;
        Ok(OperatorScope { placements, connection: None })
    }
}

impl OperatorScope {
    /// Where tenants live: in a shared placement many of them, in any other one. Those of a database stand together.
    pub fn placements(&self) -> Vec<PlacementId> {
        self.placements.iter().map(|(id, _)| id.clone()).collect()
    }

    /// Opens a transaction that only reads.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownPlacement`], or when the database cannot be reached.
    pub async fn read(&mut self, placement: &PlacementId) -> Result<OperatorTransaction<'_>, ControlError> {
        self.begin(placement, "read only").await
    }

    /// Opens a transaction that may write.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn write(&mut self, placement: &PlacementId) -> Result<OperatorTransaction<'_>, ControlError> {
        self.begin(placement, "read write").await
    }

    /// With `row_security = off` a policy that would hide a row is an error (PostgreSQL: "Row Security Policies"): where
    /// `freehold_control` has no BYPASSRLS nothing is passed off as everything.
    async fn begin(
        &mut self,
        placement: &PlacementId,
        mode: &'static str,
    ) -> Result<OperatorTransaction<'_>, ControlError> {
        let (_, home) = self
            .placements
            .iter()
            .find(|(id, _)| id == placement)
            .ok_or_else(|| ControlError::UnknownPlacement { placement: placement.clone() })?;
        let reusable = self.connection.take().filter(|(other, client)| home.is(other) && !client.is_closed());
        let client = match reusable {
            Some((_, client)) => client,
            None => connect(&home.server.to_database(&home.database)).await?,
        };
        let begin = format!(
            "rollback; begin {mode}; set local search_path = {placement}, pg_temp; set local row_security = off"
        );
        client.batch_execute(&begin).await.map_err(ControlError::doing("opening an operator's transaction"))?;
        let (_, client) = self.connection.insert((home.clone(), client));
        Ok(OperatorTransaction { client })
    }
}

impl OperatorTransaction<'_> {
    /// Runs a statement and returns its rows. Tables are found by their names alone.
    ///
    /// # Errors
    ///
    /// When the database refuses it.
    pub async fn query(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, ControlError> {
        self.client.query(sql, parameters).await.map_err(ControlError::doing("an operator's statement"))
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    ///
    /// When the database refuses it, as it does any change in a transaction that only reads.
    pub async fn execute(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, ControlError> {
        self.client.execute(sql, parameters).await.map_err(ControlError::doing("an operator's statement"))
    }

    /// Makes what was done last.
    ///
    /// # Errors
    ///
    /// When the database refuses it, or an earlier statement of the transaction failed.
    pub async fn commit(self) -> Result<(), ControlError> {
        // By itself a commit behind a failed statement rolls back, and is no error.
        self.client.batch_execute("select; commit").await.map_err(ControlError::doing("an operator's commit"))
    }
}
