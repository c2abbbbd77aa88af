//! The pool: one for all databases of a driver.
//!
//! A connection is available only when it is clean, or when all that is left to do is known and goes out before anything
//! else is said on it ([`Wire::leave`](super::wire::Wire::leave)). Otherwise it is cleaned at release, off the request path.
//! One whose state is not known (a scope was dropped in the middle of a statement) is drained for a moment, then closed.
//!
//! Tenants take turns: one that asks for more than the others waits by itself. What a scope holds goes back by being
//! dropped ([`lease`]), so there is no await at which it could be lost; who gets it then is decided without I/O ([`state`]).
//!
//! Nothing here grows with the number of tenants: what is kept is bounded by the capacity and by the scopes that wait.

mod counts;
mod lease;
mod options;
mod state;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time;

use counts::{Counts, Reason};
pub(crate) use lease::{Condition, Lease};
use lease::{Holding, Pending};
pub use options::PoolOptions;
pub(crate) use state::Live;
use state::{Admission, PATIENCE, Resource, State};

use super::driver::{Connection, Driver};
use super::endpoint::{Endpoints, Target};
use super::error::ScopeError;
use super::seal::MasterKey;
use super::session::{Hello, Session, hello};
use super::wire::Script;
use crate::tenant::{Placement, TenantId};

/// How long a transaction that only has to be rolled back may stay open on an idle connection. Its rollback goes out with
/// the next opening, or behind this.
const UNTIDY: Duration = Duration::from_millis(5);

/// How long a connection that gives way to another may take to say good-bye.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Connections to tenant data, for the scopes of one driver.
pub struct Pool<D: Driver>(Arc<Shared<D>>);

struct Shared<D: Driver> {
    options: PoolOptions,
    endpoints: Arc<Endpoints>,
    master: Arc<MasterKey>,
    runtime: Handle,
    state: Mutex<State<D::Connection>>,
    /// A connection was left with something still to be done on it.
    left: Arc<Notify>,
    counts: Counts,
}

impl<D: Driver> Drop for Shared<D> {
    fn drop(&mut self) {
        self.left.notify_one();
    }
}

/// How full a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Connections that exist or are being opened.
    pub open: usize,
    /// Those of them that are clean and unused.
    pub idle: usize,
    /// Scopes that wait for one.
    pub waiting: usize,
}

impl<D: Driver> Pool<D> {
    /// A pool without connections. Must be called inside a tokio runtime, in which it cleans and closes connections.
    pub(crate) fn new(options: PoolOptions, endpoints: Arc<Endpoints>, master: Arc<MasterKey>) -> Self {
        let state = Mutex::new(State::new(&options));
        let (runtime, left, counts) = (Handle::current(), Arc::default(), Counts::new(D::Connection::DRIVER));
        let shared = Arc::new(Shared { options, endpoints, master, runtime, state, left, counts });
        let (observed, left) = (Arc::downgrade(&shared), shared.left.clone());
        shared.runtime.spawn(async move {
            loop {
                left.notified().await;
                time::sleep(UNTIDY).await;
                let Some(shared) = observed.upgrade() else { return };
                let Some(then) = Instant::now().checked_sub(UNTIDY) else { continue };
                if shared.state.lock().tidy_up(then) {
                    left.notify_one();
                }
            }
        });
        let (observed, every) = (Arc::downgrade(&shared), shared.options.idle_timeout / 4);
        shared.runtime.spawn(async move {
            loop {
                time::sleep(every.max(Duration::from_millis(50))).await;
                let Some(shared) = observed.upgrade() else { return };
                let Some(then) = Instant::now().checked_sub(shared.options.idle_timeout) else { continue };
                let stale = shared.state.lock().take_stale(then);
                shared.counts.discarded(Reason::Idle, stale.len());
                drop(stale);
            }
        });
        Self(shared)
    }

    pub(crate) fn options(&self) -> &PoolOptions {
        &self.0.options
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let (open, idle, waiting) = self.0.state.lock().counts();
        PoolStatus { open, idle, waiting }
    }

    /// Tells the recorder of metrics how full the pool is.
    pub(crate) fn report(&self) {
        self.0.counts.report(self.status());
    }

    /// A clean connection for `placement`, used on behalf of `tenant`.
    pub(crate) async fn acquire(&self, tenant: TenantId, placement: &Placement) -> Result<Lease<D>, ScopeError> {
        let waited = self.0.options.acquire_timeout;
        let admission = self.0.state.lock().admit(tenant, placement);
        let resource = match admission {
            Admission::Now(resource) => resource,
            Admission::Refused => return Err(self.refuse(tenant, Duration::ZERO)),
            Admission::Wait(receiver) => {
                let began = Instant::now();
                let mut pending = Pending { pool: self.clone(), tenant, receiver };
                let mut answered = time::timeout(waited.min(PATIENCE), &mut pending.receiver).await;
                if answered.is_err() {
                    self.0.state.lock().hand_over();
                    answered = time::timeout(waited.saturating_sub(PATIENCE), &mut pending.receiver).await;
                }
                self.0.counts.waited(began.elapsed());
                match answered {
                    Ok(Ok(resource)) => resource,
                    Ok(Err(_turned_away)) => return Err(self.refuse(tenant, Duration::ZERO)),
                    Err(_) => return Err(self.refuse(tenant, waited)),
                }
            }
        };
        let holding = Holding::new(self, tenant);
        match resource {
            Resource::Idle(live) if !live.connection.wire().is_closed() => {
                Lease::handed_over(holding, *live, placement).await
            }
            Resource::Idle(old) => self.open(holding, Some((*old, Reason::Closed)), placement).await,
            Resource::InPlaceOf(old) => self.open(holding, Some((*old, Reason::Displaced)), placement).await,
            Resource::Permit => match self.open(holding, None, placement).await {
                Err(error @ ScopeError::Connect { .. }) => self.make_do(tenant, placement).await.unwrap_or(Err(error)),
                opened => opened,
            },
        }
    }

    fn refuse(&self, tenant: TenantId, waited: Duration) -> ScopeError {
        self.0.counts.refused.increment(1);
        ScopeError::Busy { tenant, waited }
    }

    /// Where no connection can be opened, one that would have to learn the placement's schema is better than none.
    async fn make_do(&self, tenant: TenantId, placement: &Placement) -> Option<Result<Lease<D>, ScopeError>> {
        let live = self.0.state.lock().take_idle(tenant, placement)?;
        Some(Lease::handed_over(Holding::new(self, tenant), live, placement).await)
    }

    /// Opens a connection, after `old` was closed.
    ///
    /// In a task of its own: a scope that is dropped meanwhile leaves the pool a connection that is of use to the next
    /// one, and the connection belongs to the pool's runtime, not to the caller's.
    async fn open(
        &self,
        holding: Holding<D>,
        old: Option<(Live<D::Connection>, Reason)>,
        placement: &Placement,
    ) -> Result<Lease<D>, ScopeError> {
        let target = Target::of(placement);
        let (shared, wanted) = (self.0.clone(), placement.clone());
        let opening = self.0.runtime.spawn(async move {
            if let Some((old, reason)) = old {
                shared.counts.discarded(reason, 1);
                // Whether it said good-bye in time or not, it is closed behind this.
                let _ = time::timeout(CLOSE_TIMEOUT, old.connection.close()).await;
            }
            let opened = shared.connect(&wanted).await;
            let count = if opened.is_ok() { &shared.counts.opened } else { &shared.counts.unreachable };
            count.increment(1);
            let live = opened?;
            Ok(Lease::new(holding, live, &wanted))
        });
        opening.await.unwrap_or_else(|error| Err(target.unreachable(error.into())))
    }
}

impl<D: Driver> Shared<D> {
    async fn connect(&self, placement: &Placement) -> Result<Live<D::Connection>, ScopeError> {
        let target = Target::of(placement);
        let info = self.endpoints.connect_info(&target, &self.master, &self.options)?;
        let pooled = info.pooled;
        let opened = async {
            let connection = D::Connection::open(info).await?;
            let wire = connection.wire();
            let answer = if pooled {
                wire.exchange(Script::hello_behind_a_pooler()).await?
            } else {
                let answer = wire.exchange(Script::simple(&hello(false))).await?;
                wire.exchange(Script::prepare()).await?;
                answer
            };
            let hello = Hello::read(&answer)?;
            Ok((connection, hello))
        };
        let opened = time::timeout(self.options.acquire_timeout, opened).await;
        let (connection, hello) =
            opened.unwrap_or_else(|elapsed| Err(elapsed.into())).map_err(|source| target.unreachable(source))?;
        let session = Session::establish(hello, &self.master, pooled)?;
        Ok(Live {
            connection,
            session,
            target,
            warm: placement.id.clone(),
            model: placement.model,
            known: HashMap::new(),
            worn_after: self.options.worn_after - rand::random_range(0..=self.options.worn_after / 4),
            idle_since: Instant::now(),
        })
    }
}

impl<D: Driver> Clone for Pool<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Driver> fmt::Debug for Pool<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status().fmt(f)
    }
}
