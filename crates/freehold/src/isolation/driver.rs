use std::fmt::Debug;
use std::future::Future;

use super::endpoint::ConnectInfo;
use super::error::Source;
use super::pool::Pool;
use super::session::Hello;
use crate::freehold::Pools;

/// What brings a connection back to how it was when it was opened, and tells whether that can be believed.
///
/// A message of its own, so that it is committed before the next tenant begins: a reset inside the next transaction would
/// be undone by its rollback. By the simple protocol, from text: a tenant's SQL can `deallocate` a statement that the
/// driver prepared and prepare another under its name, so a prepared inspection would be answered by the tenant.
/// `prepared` is how many statements the driver believes in: where one is missing, every tenant's use of it would fail.
///
/// A kept statement is read with the settings of the moment: `'2026-01-01'::timestamptz` is a constant in the time zone of
/// whoever made the server read it. Text made at run time can change settings and `execute` what the driver keeps, so after
/// such text every kept statement is read anew.
///
/// Not `discard all`: it drops the prepared statements that the driver believes in. The seed is random and chosen by the
/// server, so that neither `random()` nor this text in `pg_stat_activity` tells anybody what the next tenant will draw.
pub(crate) fn reset(roll_back: bool, prepared: usize, ran_ad_hoc: bool) -> String {
    // Where nothing is open the server would log a warning each time.
    let roll_back = if roll_back { "rollback; " } else { "" };
    let read_anew = if ran_ad_hoc { "discard plans; " } else { "" };
    format!(
        "{roll_back}set session authorization default; reset all; unlisten *; close all; discard sequences; discard temp; {read_anew}\
         select pg_catalog.pg_advisory_unlock_all(), \
         pg_catalog.setseed(('x' || pg_catalog.left(pg_catalog.gen_random_uuid()::text, 8))::bit(32)::integer / 2147483648.0), \
         pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()), \
         (select coalesce(pg_catalog.bool_or(s.from_sql), false) or pg_catalog.count(*) operator(pg_catalog.<) {prepared} \
          from pg_catalog.pg_prepared_statement() s)"
    )
}

/// Binds path and context to the transaction that was begun just before. The token is a parameter: a literal could be
/// read in `pg_stat_activity`.
pub(crate) const BIND: &str =
    "select pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('freehold.token', $2, true)";

/// What [`reset`] found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inspection {
    /// The server's clock, in seconds since 1970.
    pub(crate) clock: f64,
    /// Some SQL prepared a statement, which may stand in the place of one of the driver's own, or took one of those away:
    /// the connection is condemned.
    pub(crate) hijacked: bool,
}

/// A PostgreSQL driver that scopes can be built on.
pub(crate) trait Connection: Debug + Sized + Send + 'static {
    /// Connects, and asks [`HELLO`](super::session::HELLO).
    fn open(info: ConnectInfo) -> impl Future<Output = Result<(Self, Hello), Source>> + Send;

    /// Waits for whatever runs, then sends [`reset`].
    fn reset(&mut self, roll_back: bool) -> impl Future<Output = Result<Inspection, Source>> + Send;

    /// Whether it is known that no statement can be run any more.
    fn is_closed(&self) -> bool;

    /// Asks the server to stop the running statement, if the driver can. The connection must be closed after it: the
    /// request may arrive late.
    fn cancel(&self) -> impl Future<Output = ()> + Send + 'static;

    /// Says good-bye, so that the server ends the backend at once. Dropping a connection closes it too.
    fn close(self) -> impl Future<Output = ()> + Send;
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
