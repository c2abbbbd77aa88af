use std::fmt::{self, Write as _};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgDatabaseError, PgQueryResult, PgRow, PgSeverity, PgStatement, PgTypeInfo};
use sqlx::{Either, Error, Execute, Executor, Postgres, SqlSafeStr, SqlStr};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::{Access, Scope};
use crate::isolation::driver::{Connection as _, Sqlx};
use crate::isolation::error::ScopeError;
use crate::isolation::pool::Condition;
use crate::isolation::wire::Script;
use crate::tenant::{PlacementId, TenantId};

impl<A: Access> Scope<Sqlx, A> {
    /// Everything up to the statement itself. Returns when the scope has to end.
    ///
    /// sqlx gives a statement away when it sends it, so it cannot be sent again if the connection turns out to be of no use.
    /// Where that is to be feared, the transaction is opened by itself.
    async fn prepare(&mut self) -> Result<Instant, ScopeError> {
        let deadline = self.ready().await?;
        let untouched = self.condition() == Condition::Untouched;
        if untouched && self.lease.as_mut().is_some_and(|lease| lease.live().is_to_be_proven()) {
            self.control(Script::prove, Condition::Open).await?;
        }
        self.engage();
        Ok(deadline)
    }
}

/// `&mut scope` is an sqlx executor: `sqlx::query(...).fetch_all(&mut scope)`.
///
/// Every statement goes by the extended protocol, also `sqlx::raw_sql` and a bare text, so a second statement cannot hide
/// in one. Text that is not part of the program (`AssertSqlSafe`, `QueryBuilder`) is not kept prepared: the next tenant
/// could read it.
///
/// Errors of Freehold arrive as [`sqlx::Error::AnyDriverError`]; `ScopeError::from` gets them back out.
impl<'c, A: Access> Executor<'c> for &'c mut Scope<Sqlx, A> {
    type Database = Postgres;

    fn fetch_many<'e, 'q, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'c: 'e,
        'q: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = Extended::new(query);
        async move {
            let statement = statement.map_err(Error::Encode).inspect_err(|_| self.fail())?;
            self.refuse_estimates(statement.sql.as_str()).inspect_err(|_| self.fail())?;
            let deadline = self.prepare().await?;
            Ok(Running::new(self, deadline, statement))
        }
        .try_flatten_stream()
        .boxed()
    }

    fn fetch_optional<'e, 'q, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        'q: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let mut answers = self.fetch_many(query);
        async move {
            let mut first = None;
            // To the end: a deferred constraint may fail behind the row.
            while let Some(answer) = answers.try_next().await? {
                if let Either::Right(row) = answer {
                    first.get_or_insert(row);
                }
            }
            Ok(first)
        }
        .boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        async move {
            if !is_static(&sql) {
                return Err(Error::AnyDriverError("only text that is part of the program can be kept prepared".into()));
            }
            self.refuse_estimates(sql.as_str()).inspect_err(|_| self.fail())?;
            let deadline = self.prepare().await?;
            let (live, _) = self.lease.as_mut().expect("the scope is ready").parts();
            if live.connection.wire().has_run_ad_hoc() {
                self.set_condition(Condition::Open);
                return Err(Error::AnyDriverError(
                    "nothing can be kept prepared behind text that was made at run time".into(),
                ));
            }
            match timeout_at(deadline, live.connection.client.prepare_with(sql, parameters)).await {
                Ok(Ok(prepared)) => {
                    self.set_condition(Condition::Open);
                    Ok(prepared)
                }
                Ok(Err(error)) => {
                    let error = from_driver(self.tenant.id, error);
                    self.fail();
                    if condemns(&error) {
                        self.end();
                    } else {
                        self.set_condition(Condition::Open);
                    }
                    Err(error.into())
                }
                Err(_) => Err(self.overdue().into()),
            }
        }
        .boxed()
    }
}

/// A statement that goes by the extended protocol whatever its arguments.
struct Extended {
    sql: SqlStr,
    arguments: Option<PgArguments>,
    ad_hoc: bool,
    persistent: bool,
}

impl Extended {
    /// The statement, under a text of its own for each space.
    fn within(mut self, space: Option<&PlacementId>) -> Self {
        if let Some(space) = space
            && self.persistent
        {
            self.sql = sqlx::AssertSqlSafe(format!("{}\n--{space}", self.sql.as_str())).into_sql_str();
        }
        self
    }

    fn new<'q>(mut query: impl Execute<'q, Postgres>) -> Result<Self, BoxDynError> {
        let arguments = query.take_arguments()?.unwrap_or_default();
        let persistent = query.persistent();
        let sql = query.sql();
        Ok(Self { ad_hoc: !is_static(&sql), sql, arguments: Some(arguments), persistent })
    }
}

impl Execute<'_, Postgres> for Extended {
    fn sql(self) -> SqlStr {
        self.sql
    }

    /// What was described on one connection need not be so on another, or in another schema: the text decides.
    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

/// Whether a text is part of the program. sqlx knows, and tells nobody but its `Debug` output; should that ever change,
/// every text counts as made at run time, which is slower and safe.
fn is_static(sql: &SqlStr) -> bool {
    const MARK: &str = "SqlStr(Static(";

    /// Takes as many bytes as the mark has, then refuses, so that the text itself is not formatted.
    struct Prefix(String);

    impl fmt::Write for Prefix {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            if self.0.len() >= MARK.len() {
                return Err(fmt::Error);
            }
            self.0.push_str(part);
            Ok(())
        }
    }

    let mut prefix = Prefix(String::with_capacity(2 * MARK.len()));
    // The error is the sign that the mark was passed.
    let _ = write!(prefix, "{sql:?}");
    prefix.0.starts_with(MARK)
}

/// The answers of a running statement. The scope learns how it ended; while it has not, the connection counts as running.
struct Running<'e> {
    answers: BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>,
    condition: &'e mut Condition,
    failed: &'e mut Option<u32>,
    ended: &'e mut bool,
    depth: u32,
    tenant: TenantId,
    overdue: Pin<Box<Sleep>>,
    overdue_error: Option<ScopeError>,
}

impl<'e> Running<'e> {
    fn new<A: Access>(scope: &'e mut Scope<Sqlx, A>, deadline: Instant, mut statement: Extended) -> Self {
        let overdue_error = ScopeError::Deadline { deadline: scope.budget };
        let lease = scope.lease.as_mut().expect("the scope is ready");
        let (live, condition) = lease.parts();
        *condition = Condition::Running;
        let wire = live.connection.wire();
        if statement.ad_hoc {
            wire.ran_ad_hoc();
        }
        statement.persistent &= !wire.has_run_ad_hoc();
        let statement = statement.within(live.space());
        Self {
            answers: live.connection.client.fetch_many(statement),
            condition,
            failed: &mut scope.failed,
            ended: &mut scope.ended,
            depth: scope.depth,
            tenant: scope.tenant.id,
            overdue: Box::pin(sleep_until(deadline)),
            overdue_error: Some(overdue_error),
        }
    }

    fn refused(&mut self, error: Error) -> Error {
        let error = from_driver(self.tenant, error);
        *self.failed = Some(self.failed.map_or(self.depth, |failed| failed.min(self.depth)));
        *self.ended |= condemns(&error);
        *self.condition = if *self.ended { Condition::Broken } else { Condition::Open };
        error.into()
    }
}

/// Whether the connection is of no use after an error: it is gone, or what is kept prepared on it is out of date. The next
/// one plans anew.
fn condemns(error: &ScopeError) -> bool {
    error.is_of_the_connection() || error.is_of_a_kept_statement()
}

impl Stream for Running<'_> {
    type Item = Result<Either<PgQueryResult, PgRow>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let answer = match self.answers.poll_next_unpin(context) {
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                ready!(self.overdue.as_mut().poll(context));
                *self.condition = Condition::Broken;
                *self.ended = true;
                return Poll::Ready(self.overdue_error.take().map(|error| Err(error.into())));
            }
        };
        Poll::Ready(match answer {
            Some(Ok(answer)) => {
                *self.condition = Condition::Answering;
                Some(Ok(answer))
            }
            Some(Err(error)) => Some(Err(self.refused(error))),
            None => {
                if matches!(*self.condition, Condition::Running | Condition::Answering) {
                    *self.condition = Condition::Open;
                }
                None
            }
        })
    }
}

fn from_driver(tenant: TenantId, error: Error) -> ScopeError {
    match error {
        Error::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            let message = database.message().to_owned();
            let severity = database.downcast_ref::<PgDatabaseError>().severity();
            let fatal = matches!(severity, PgSeverity::Fatal | PgSeverity::Panic);
            ScopeError::from_database(tenant, &code, &message, fatal, Error::Database(database).into())
        }
        Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed => ScopeError::Disconnected { source: error.into() },
        error => ScopeError::from(error),
    }
}

impl From<ScopeError> for Error {
    /// What the executor returns. An error of the database stays what it is for sqlx, so that `as_database_error` works.
    fn from(error: ScopeError) -> Self {
        match error {
            ScopeError::Database { sqlstate, source } => match source.downcast::<Self>() {
                Ok(error) => *error,
                Err(source) => Self::AnyDriverError(ScopeError::Database { sqlstate, source }.into()),
            },
            error => Self::AnyDriverError(error.into()),
        }
    }
}

impl From<Error> for ScopeError {
    fn from(error: Error) -> Self {
        match error {
            Error::AnyDriverError(source) => match source.downcast::<Self>() {
                Ok(error) => *error,
                Err(source) => Self::Database { sqlstate: None, source },
            },
            error => {
                let sqlstate = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
                Self::Database { sqlstate, source: error.into() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, SqlSafeStr};

    use super::*;

    #[test]
    fn only_text_of_the_program_counts_as_static() {
        assert!(is_static(&"select 1".into_sql_str()));
        assert!(!is_static(&AssertSqlSafe(String::from("select 1")).into_sql_str()));
        assert!(!is_static(&AssertSqlSafe("select 1").into_sql_str()));
        assert!(!is_static(&AssertSqlSafe(String::from("SqlStr(Static(")).into_sql_str()));
    }
}
