//! What there is, in numbers.

use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Row;

use crate::{ControlError, ControlPlane, Pooler};

/// A deployment at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Overview {
    /// The version of the catalog's schema.
    pub schema_version: i32,
    /// The servers, the oldest first.
    pub clusters: Vec<ClusterRow>,
    /// How many tenants have a status and a model. Those that were deleted are not counted.
    pub tenants: Vec<TenantCount>,
    /// Operations that are not done, the oldest first; at most 20.
    pub operations: Vec<OperationRow>,
}

/// A PostgreSQL server with tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
#[schemars(rename = "Cluster")]
pub struct ClusterRow {
    /// Its name.
    pub id: String,
    /// The host, or the directory of a socket.
    pub host: String,
    /// The port.
    pub port: i32,
    /// Where applications connect instead, if a pooler stands between.
    pub pooler: Option<String>,
    /// The data database.
    pub database: String,
    /// Whether it takes no new tenants.
    pub draining: bool,
}

/// How many tenants are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TenantCount {
    /// What they may do.
    pub status: String,
    /// The isolation model, once they have a placement.
    pub model: Option<String>,
    /// How many.
    pub count: i64,
}

/// Work that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
#[schemars(rename = "Operation")]
pub struct OperationRow {
    /// What is to be done.
    pub kind: String,
    /// Whose tenant it is.
    pub slug: String,
    /// `pending`, `running` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// Why it failed the last time.
    pub last_error: Option<String>,
    /// When it was asked for, in RFC 3339.
    pub requested_at: String,
}

impl Overview {
    /// How many operations are listed: as many as [`operations`](Self::operations) says.
    pub const OPERATIONS: i64 = 20;
}

impl ControlPlane {
    /// The deployment at a glance.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be read.
    pub async fn overview(&self) -> Result<Overview, ControlError> {
        let failed = ControlError::doing("reading the catalog");
        let catalog = self.catalog().await?;
        let version = catalog.query_one("select schema_version from catalog.hello", &[]).await.map_err(&failed)?;
        let clusters = catalog
            .query("select id, host, port, pooler_host, pooler_port, database, draining from catalog.clusters order by added_at", &[])
            .await
            .map_err(&failed)?;
        let tenants = catalog
            .query(
                "select t.status, p.model, count(*) from catalog.tenants t left join catalog.placements p on p.id = t.placement \
                 where t.status <> 'deleted' group by 1, 2 order by 1, 2",
                &[],
            )
            .await
            .map_err(&failed)?;
        let operations = catalog
            .query(
                "select o.kind, t.slug, o.state, o.attempts, o.last_error, \
                        to_char(o.requested_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
                 from catalog.operations o join catalog.tenants t on t.id = o.tenant \
                 where o.state not in ('done', 'cancelled') order by o.requested_at limit $1",
                &[&Overview::OPERATIONS],
            )
            .await
            .map_err(&failed)?;
        Ok(Overview {
            schema_version: version.get(0),
            clusters: clusters
                .iter()
                .map(|row| ClusterRow {
                    id: row.get(0),
                    host: row.get(1),
                    port: row.get(2),
                    pooler: pooler(row),
                    database: row.get(5),
                    draining: row.get(6),
                })
                .collect(),
            tenants: tenants
                .iter()
                .map(|row| TenantCount { status: row.get(0), model: row.get(1), count: row.get(2) })
                .collect(),
            operations: operations
                .iter()
                .map(|row| OperationRow {
                    kind: row.get(0),
                    slug: row.get(1),
                    state: row.get(2),
                    attempts: row.get(3),
                    last_error: row.get(4),
                    requested_at: row.get(5),
                })
                .collect(),
        })
    }
}

fn pooler(row: &Row) -> Option<String> {
    let (host, port): (Option<String>, Option<i32>) = (row.get(3), row.get(4));
    Some(Pooler { host: host?, port: u16::try_from(port?).ok()? }.to_string())
}
