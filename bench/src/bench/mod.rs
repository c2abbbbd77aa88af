//! Measurements, each beside a baseline of the same run.

mod deployment;
mod http;
mod machine;
mod network;
mod scope;
mod tenants;

use clap::Subcommand;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// A SELECT of 20 rows and an INSERT, beside raw drivers.
    Scope(scope::Options),
    /// The list endpoint, beside django-tenants.
    Http(http::Options),
}

impl Bench {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Scope(options) => scope::run(options).await,
            Self::Http(options) => http::run(options).await,
        }
    }
}
