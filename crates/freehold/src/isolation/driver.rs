use std::fmt::Debug;
use std::future::Future;

use super::endpoint::ConnectInfo;
use super::error::Source;
use super::pool::Pool;
use super::session::Hello;
use crate::freehold::Pools;

/// What brings a connection back to how it was when it was opened. A message of its own, so that it is committed before
/// the next tenant begins: a reset inside the next transaction would be undone by its rollback.
///
/// Not `discard all`: it drops the prepared statements that the driver believes in.
pub(crate) const RESET: &str = "set session authorization default; reset all; unlisten *; close all; \
                                discard sequences; discard temp";

/// [`RESET`] after a transaction that is still open. Not sent otherwise: the server would log a warning each time.
pub(crate) const ROLLBACK_AND_RESET: &str = "rollback; set session authorization default; reset all; unlisten *; close all; \
                                             discard sequences; discard temp";

/// The second half of the reset. The seed is random, so that `random()` tells the next tenant nothing; a statement that
/// was prepared from SQL would answer in the place of one of the driver's own, and condemns the connection.
pub(crate) const INSPECT: &str = "select pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed($1), \
                                  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()), \
                                  exists (select from pg_catalog.pg_prepared_statements where from_sql)";

/// Binds path and context to the transaction that was begun just before. The token is a parameter: a literal could be
/// read in `pg_stat_activity`.
pub(crate) const BIND: &str = "select pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('freehold.token', $2, true)";

/// What [`INSPECT`] found after [`RESET`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inspection {
    /// The server's clock, in seconds since 1970.
    pub(crate) clock: f64,
    /// Some SQL prepared a statement.
    pub(crate) hijacked: bool,
}

/// A PostgreSQL driver that scopes can be built on.
pub(crate) trait Connection: Debug + Sized + Send + 'static {
    /// Connects, and asks [`HELLO`](super::session::HELLO).
    fn open(info: ConnectInfo) -> impl Future<Output = Result<(Self, Hello), Source>> + Send;

    /// Waits for whatever runs, rolls back if told to, then [`RESET`] and [`INSPECT`].
    fn reset(&mut self, roll_back: bool) -> impl Future<Output = Result<Inspection, Source>> + Send;

    /// Whether it is known that no statement can be run any more.
    fn is_closed(&self) -> bool;

    /// Asks the server to stop the running statement. Best effort, in the background: closing the connection, which
    /// always follows, stops it too.
    fn cancel(&self);
}

mod private {
    pub trait Sealed {}
    #[cfg(feature = "sqlx")]
    impl Sealed for super::Sqlx {}
    #[cfg(feature = "tokio-postgres")]
    impl Sealed for super::TokioPostgres {}
}

/// The driver a scope runs on: [`Sqlx`] or [`TokioPostgres`]. Cannot be implemented elsewhere: a driver of one's own
/// would be a door to tenant data that is not guarded.
#[expect(private_bounds, reason = "the connection is not for anybody else to touch")]
pub trait Driver: private::Sealed + Debug + Send + Sync + 'static {
    #[doc(hidden)]
    type Connection: Connection;

    #[doc(hidden)]
    fn pool(pools: &Pools) -> &Pool<Self>
    where
        Self: Sized;
}

/// Scopes that are sqlx executors.
#[cfg(feature = "sqlx")]
#[derive(Clone, Copy, Debug)]
pub enum Sqlx {}

/// Scopes over tokio-postgres, pipelined.
#[cfg(feature = "tokio-postgres")]
#[derive(Clone, Copy, Debug)]
pub enum TokioPostgres {}

#[cfg(feature = "sqlx")]
impl Driver for Sqlx {
    type Connection = super::drivers::sqlx::Connection;

    fn pool(pools: &Pools) -> &Pool<Self> {
        &pools.sqlx
    }
}

#[cfg(feature = "tokio-postgres")]
impl Driver for TokioPostgres {
    type Connection = super::drivers::tokio_postgres::Connection;

    fn pool(pools: &Pools) -> &Pool<Self> {
        &pools.tokio_postgres
    }
}
