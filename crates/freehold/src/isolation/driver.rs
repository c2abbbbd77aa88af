use std::fmt::Debug;
use std::future::Future;

use super::endpoint::ConnectInfo;
use super::error::Source;
use super::pool::Pool;
use super::wire::Wire;
use crate::freehold::Pools;

/// A PostgreSQL driver that scopes can be built on. It runs the tenant's statements; what goes around them does the
/// [`Wire`] that it talks through.
pub(crate) trait Connection: Debug + Sized + Send + Sync + 'static {
    /// The name of the driver in metrics.
    const DRIVER: &'static str;

    fn open(info: ConnectInfo) -> impl Future<Output = Result<Self, Source>> + Send;

    fn wire(&self) -> &Wire;

    /// Waits until every statement that was sent has ended, and reads what is left of their answers. How they ended is not
    /// told.
    fn drain(&mut self) -> impl Future<Output = Result<(), Source>> + Send;

    /// How many statements the driver believes to have prepared.
    fn prepared(&self) -> usize;

    /// Forgets what names stand for: the next scope is in another schema.
    fn forget_names(&mut self) -> impl Future<Output = Result<(), Source>> + Send;

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

/// Scopes over tokio-postgres, which commit with the last statement.
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
