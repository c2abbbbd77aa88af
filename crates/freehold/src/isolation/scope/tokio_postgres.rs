use std::error::Error as _;

use tokio::time::timeout_at;
use tokio_postgres::error::Severity;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::{Access, Scope, Write};
use crate::isolation::driver::TokioPostgres;
use crate::isolation::drivers::tokio_postgres::{Answer, Text};
use crate::isolation::error::ScopeError;
use crate::isolation::pool::Condition;
use crate::tenant::TenantId;

/// Statements on tokio-postgres. The first one of a scope travels with what opens the transaction: one round trip, and one
/// more where the connection has not prepared it yet.
impl<A: Access> Scope<TokioPostgres, A> {
    /// Runs a statement and returns its rows.
    ///
    /// The text is part of the program; it is prepared once per connection. Text that is made at run time goes to
    /// [`ad_hoc`](Self::ad_hoc).
    ///
    /// # Errors
    ///
    /// See [`ScopeError`]. After an error of the database nothing but a rollback can follow, unless the statement ran in
    /// a [nested](Self::nested) scope.
    pub async fn query(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, ScopeError> {
        Ok(self.run(Text::Static(sql, parameters), false).await?.rows)
    }

    /// Runs a statement and returns its first row, if it has one.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn query_opt(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, ScopeError> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn execute(&mut self, sql: &'static str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, ScopeError> {
        Ok(self.run(Text::Static(sql, parameters), false).await?.affected)
    }

    /// Runs text that is made at run time, and returns its rows.
    ///
    /// The types of the parameters are stated, so this too is one round trip. The statement has no name on the server,
    /// where the next tenant could read it.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn ad_hoc(
        &mut self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, ScopeError> {
        Ok(self.run(Text::AdHoc(sql, parameters), false).await?.rows)
    }

    async fn run(&mut self, text: Text<'_>, commit: bool) -> Result<Answer, ScopeError> {
        let (Text::Static(sql, _) | Text::AdHoc(sql, _)) = text;
        self.refuse_estimates(sql).inspect_err(|_| self.fail())?;
        let deadline = self.ready().await?;
        match timeout_at(deadline, self.exchange(text, commit)).await {
            Ok(Ok(answer)) => {
                self.set_condition(if commit { Condition::Committed } else { Condition::Open });
                Ok(answer)
            }
            Ok(Err(error)) => {
                self.fail();
                if error.is_of_the_connection() {
                    self.end();
                } else {
                    self.set_condition(Condition::Open);
                }
                Err(error)
            }
            Err(_) => Err(self.overdue()),
        }
    }

    /// Runs a statement, and runs it once more if it was the first one and the connection was at fault.
    async fn exchange(&mut self, text: Text<'_>, commit: bool) -> Result<Answer, ScopeError> {
        let first = self.condition() == Condition::Untouched;
        let error = match self.send(text, commit).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let outdated = error.is_of_a_kept_statement();
        if let (true, Text::Static(sql, _), Some(lease)) = (outdated, text, &mut self.lease) {
            lease.live().connection.forget(sql);
        }
        match text {
            _ if !first => return Err(error),
            // Nothing else happened in this transaction.
            Text::Static(..) if outdated => {
                match self.exchange_control(|script| script.control("rollback")).await {
                    Ok(()) => self.set_condition(Condition::Untouched),
                    // What opens transactions is gone too.
                    Err(_) => self.renew().await?,
                }
            }
            // Whether a commit was done before the connection was lost is not known.
            _ if matches!(error, ScopeError::Disconnected { .. }) && commit => return Err(error),
            _ if error.is_of_the_connection() => self.renew().await?,
            _ => return Err(error),
        }
        self.send(text, commit).await
    }

    async fn send(&mut self, text: Text<'_>, commit: bool) -> Result<Answer, ScopeError> {
        let tenant = self.tenant.id;
        let live = self.engage();
        let space = live.space().cloned();
        live.connection.run(space.as_ref(), text, commit).await.map_err(|error| from_driver(tenant, error))
    }
}

impl Scope<TokioPostgres, Write> {
    /// Runs a last statement and keeps everything this scope wrote, in one round trip. Returns how many rows the
    /// statement changed.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query) and [`commit`](Self::commit).
    pub async fn execute_and_commit(
        mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, ScopeError> {
        if self.ended {
            return Err(ScopeError::Ended);
        }
        self.settle();
        if self.is_lost() {
            return Err(ScopeError::RolledBack);
        }
        Ok(self.run(Text::Static(sql, parameters), true).await?.affected)
    }
}

fn from_driver(tenant: TenantId, error: Error) -> ScopeError {
    match error.as_db_error() {
        Some(database) => {
            let (code, message) = (database.code().code().to_owned(), database.message().to_owned());
            let fatal = matches!(database.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
            ScopeError::from_database(tenant, &code, &message, fatal, error.into())
        }
        None if error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()) => {
            ScopeError::Disconnected { source: error.into() }
        }
        None => ScopeError::Database { sqlstate: None, source: error.into() },
    }
}
