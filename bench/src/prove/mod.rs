//! Claims, each shown at full size.

mod cancellation;

use clap::Subcommand;

/// What can be shown.
#[derive(Debug, Subcommand)]
pub(crate) enum Prove {
    /// Requests that are dropped, cut off and restarted never meet another tenant's rows.
    Cancellation(cancellation::Cancellation),
}

impl Prove {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Cancellation(cancellation) => cancellation.run().await,
        }
    }
}
