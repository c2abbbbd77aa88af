//! Claims, each shown at full size.

mod cancellation;
mod hostile_sql;
mod pooler;

use clap::Subcommand;

/// What can be shown.
#[derive(Debug, Subcommand)]
pub(crate) enum Prove {
    /// Requests that are dropped, cut off and restarted never meet another tenant's rows.
    Cancellation(cancellation::Cancellation),
    /// Attacks that programs write reveal nothing of another tenant, and change nothing.
    HostileSql(hostile_sql::HostileSql),
    /// Behind PgBouncer no tenant meets what another one left; and what that costs.
    Pooler(pooler::Pooler),
}

impl Prove {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Cancellation(cancellation) => cancellation.run().await,
            Self::HostileSql(hostile) => hostile.run().await,
            Self::Pooler(pooler) => pooler.run().await,
        }
    }
}
