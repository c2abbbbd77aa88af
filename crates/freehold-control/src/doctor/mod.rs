//! What is wrong with a deployment: its servers, its databases, and its work.
//!
//! Unlike `check`, which reads the catalogue of each database for what could leak, this asks whether the parts are there,
//! fit together, and do their work. It goes on past what is broken, so that one run shows everything.

mod database;
mod pooler;
mod server;
mod work;

pub use self::pooler::examine_pooler;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Client;

use crate::connection::connect;
use crate::{ControlError, ControlPlane};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, and something stays open or will fail one day.
    Warning,
    /// It does not work.
    Bad,
}

/// One thing the doctor looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Diagnosis {
    /// What was looked at: the catalog, a cluster, a database, an operation.
    pub subject: String,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    pub cure: Option<String>,
}

/// Collects what is found about one subject after the other.
#[derive(Debug, Default)]
struct Report(Vec<Diagnosis>);

impl Report {
    fn good(&mut self, subject: &str, finding: impl Into<String>) {
        self.add(subject, Health::Good, finding.into(), None);
    }

    fn warn(&mut self, subject: &str, finding: impl Into<String>, cure: impl Into<String>) {
        self.add(subject, Health::Warning, finding.into(), Some(cure.into()));
    }

    fn bad(&mut self, subject: &str, finding: impl Into<String>, cure: impl Into<String>) {
        self.add(subject, Health::Bad, finding.into(), Some(cure.into()));
    }

    /// An error says itself what to do.
    fn failed(&mut self, subject: &str, error: &ControlError) {
        self.add(subject, Health::Bad, error.full_text(), None);
    }

    fn add(&mut self, subject: &str, health: Health, finding: String, cure: Option<String>) {
        self.0.push(Diagnosis { subject: subject.to_owned(), health, finding, cure });
    }
}

impl ControlPlane {
    /// Looks at the catalog, every cluster, every database and the operations. What cannot be reached is among the findings.
    pub async fn doctor(&self) -> Vec<Diagnosis> {
        let mut report = Report::default();
        match self.catalog().await {
            Ok(catalog) => {
                if let Err(error) = self.examine(&catalog, &mut report).await {
                    report.failed("the catalog", &error);
                }
            }
            Err(error) => report.failed("the catalog", &error),
        }
        report.0
    }

    async fn examine(&self, catalog: &Client, report: &mut Report) -> Result<(), ControlError> {
        work::examine(catalog, report).await?;
        for (id, cluster) in self.clusters(catalog).await? {
            let subject = format!("cluster {id}");
            let examined = async {
                let client = connect(&cluster.server.to_database(&cluster.data)).await?;
                server::examine(&client, &subject, report).await?;
                server::find_orphans(catalog, &client, &id, &subject, report).await
            };
            if let Err(error) = examined.await {
                report.failed(&subject, &error);
            }
        }
        for (server, database) in self.databases(catalog).await? {
            let subject = format!("database {database}");
            let examined = async {
                let data = connect(&server.to_database(&database)).await?;
                database::examine(catalog, &data, &database, self.master_key(), &subject, report).await
            };
            if let Err(error) = examined.await {
                report.failed(&subject, &error);
            }
        }
        Ok(())
    }
}
