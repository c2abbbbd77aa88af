use freehold::login::Login;

use super::Finding;
use crate::ControlError;
use crate::connection::connect;

/// What came of mending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FixReport {
    /// Statements that ran.
    pub done: Vec<String>,
    /// Statements that were refused, each with what the database said.
    pub refused: Vec<(String, String)>,
}

impl Finding {
    /// The SQL that mends it, unless somebody has to decide.
    pub fn statement(&self) -> Option<&str> {
        Some(self.fix.as_str()).filter(|fix| !fix.starts_with("--"))
    }
}

/// Runs the SQL that mends findings of one database, all in one transaction, each statement once. What the database refuses
/// is left out and reported.
///
/// A fix closes what was open, and an application may have used it: look at them first.
///
/// # Errors
///
/// When the database cannot be reached or goes away; nothing is changed then.
pub async fn fix(database: &Login, findings: &[Finding]) -> Result<FixReport, ControlError> {
    let failed = ControlError::doing("mending findings");
    let mut client = connect(database).await?;
    let mut transaction = client.transaction().await.map_err(&failed)?;
    transaction.batch_execute("set local search_path = pg_catalog").await.map_err(&failed)?;
    let mut report = FixReport::default();
    for statement in findings.iter().filter_map(Finding::statement) {
        if report.done.iter().any(|done| done == statement) {
            continue;
        }
        let attempt = transaction.savepoint("fix").await.map_err(&failed)?;
        match attempt.batch_execute(statement).await {
            Ok(()) => {
                attempt.commit().await.map_err(&failed)?;
                report.done.push(statement.to_owned());
            }
            Err(error) => {
                let Some(said) = error.as_db_error() else { return Err(failed(error)) };
                report.refused.push((statement.to_owned(), said.message().to_owned()));
                attempt.rollback().await.map_err(&failed)?;
            }
        }
    }
    transaction.commit().await.map_err(&failed)?;
    Ok(report)
}
