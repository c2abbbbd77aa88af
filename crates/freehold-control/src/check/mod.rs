//! What the catalogue of a database shows that could leak.

use freehold::login::Login;
use serde::Serialize;
use tokio_postgres::Row;

use crate::connection::connect;
use crate::{ControlError, ControlPlane};

const RULES: &str = include_str!("../../sql/check/rules.sql");

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Medium,
    /// Leaks under a condition.
    High,
    /// Leaks.
    Critical,
}

/// Something that could leak, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// The database it is in.
    pub database: String,
    /// The table, function, role or setting.
    pub object: String,
    /// Why it could leak.
    pub why: String,
    /// SQL, or advice, that mends it.
    pub fix: String,
}

impl ControlPlane {
    /// Looks through every database. No findings is the good answer. That one cannot be reached is a finding too.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be read.
    pub async fn check(&self) -> Result<Vec<Finding>, ControlError> {
        let catalog = self.catalog().await?;
        let mut findings = Vec::new();
        for (server, database) in self.databases(&catalog).await? {
            match check_database(&server, &database).await {
                Ok(found) => findings.extend(found),
                Err(error) => findings.push(Finding {
                    rule: "unreachable".to_owned(),
                    severity: Severity::High,
                    object: database.clone(),
                    database,
                    why: format!("what it shows is not known: {}", error.full_text()),
                    fix: "mend that, then check again".to_owned(),
                }),
            }
        }
        Ok(findings)
    }
}

async fn check_database(server: &Login, database: &str) -> Result<Vec<Finding>, ControlError> {
    let data = connect(&server.to_database(database)).await?;
    let rows = data.query(RULES, &[]).await.map_err(ControlError::doing("checking a database"))?;
    let finding = |row: &Row| Finding {
        rule: row.get(0),
        severity: match row.get(1) {
            "critical" => Severity::Critical,
            "high" => Severity::High,
            _ => Severity::Medium,
        },
        database: database.to_owned(),
        object: row.get(2),
        why: row.get(3),
        fix: row.get(4),
    };
    Ok(rows.iter().map(finding).collect())
}
