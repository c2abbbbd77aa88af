//! The pool: one for all databases of a driver.
//!
//! A connection is available only when it is clean; cleaning happens at release, off the request path. A connection
//! whose state is not known (a scope was dropped in the middle of a statement) is drained for a moment, then closed.
//!
//! Nothing here grows with the number of tenants: what is kept is bounded by the capacity and by the scopes that wait.

mod options;
mod state;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::timeout;

pub use options::PoolOptions;
pub(crate) use state::Live;
use state::{Admission, Resource, State};

use super::driver::{Connection, Driver};
use super::endpoint::{Endpoints, Target};
use super::error::ScopeError;
use super::seal::MasterKey;
use super::session::{ServerClock, Session};
use crate::tenant::{Model, Placement, TenantId};

/// How long a reset of a connection whose last statement ended may take.
const RESET_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to tenant data, for the scopes of one driver.
pub struct Pool<D: Driver>(Arc<Shared<D>>);

struct Shared<D: Driver> {
    options: PoolOptions,
    endpoints: Arc<Endpoints>,
    master: Arc<MasterKey>,
    runtime: Handle,
    state: Mutex<State<D::Connection>>,
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
        let shared = Arc::new(Shared { options, endpoints, master, runtime: Handle::current(), state });
        let (observed, every) = (Arc::downgrade(&shared), shared.options.idle_timeout / 4);
        shared.runtime.spawn(async move {
            loop {
                tokio::time::sleep(every.max(Duration::from_millis(50))).await;
                let Some(shared) = observed.upgrade() else { return };
                let then = Instant::now().checked_sub(shared.options.idle_timeout);
                let surplus = shared.state.lock().take_surplus(then);
                drop(surplus);
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

    /// A clean connection for `placement`, used on behalf of `tenant`.
    pub(crate) async fn acquire(&self, tenant: TenantId, placement: &Placement) -> Result<Lease<D>, ScopeError> {
        let waited = self.0.options.acquire_timeout;
        let (admission, surplus) = {
            let mut state = self.0.state.lock();
            (state.admit(tenant, placement), state.take_surplus(None))
        };
        drop(surplus);
        let mut grant = match admission {
            Admission::Now(resource) => Grant::new(self, tenant, resource),
            Admission::Refused => return Err(ScopeError::Busy { tenant, waited: Duration::ZERO }),
            Admission::Wait(receiver) => self.wait(tenant, receiver).await?,
        };
        if grant.live.as_ref().is_some_and(|live| live.connection.is_closed()) {
            grant.live = None;
        }
        if grant.live.is_none() {
            let opened = timeout(waited, self.open(placement)).await;
            grant.live = Some(opened.map_err(|_| ScopeError::Busy { tenant, waited })??);
        }
        Ok(grant.into_lease(placement))
    }

    async fn wait(
        &self,
        tenant: TenantId,
        receiver: tokio::sync::oneshot::Receiver<Resource<D::Connection>>,
    ) -> Result<Grant<D>, ScopeError> {
        let waited = self.0.options.acquire_timeout;
        let mut pending = Pending { pool: self.clone(), tenant, receiver };
        match timeout(waited, &mut pending.receiver).await {
            Ok(Ok(resource)) => Ok(Grant::new(self, tenant, resource)),
            _ => Err(ScopeError::Busy { tenant, waited }),
        }
    }

    async fn open(&self, placement: &Placement) -> Result<Live<D::Connection>, ScopeError> {
        let target = Target::of(placement);
        let info = self.0.endpoints.connect_info(&target, &self.0.master)?;
        let (connection, hello) = D::Connection::open(info).await.map_err(|source| ScopeError::Connect {
            cluster: target.cluster.clone(),
            database: target.database.clone(),
            source,
        })?;
        let session = Session::establish(hello, &self.0.master)?;
        Ok(Live {
            connection,
            session,
            target,
            warm: placement.id.clone(),
            touched: HashSet::new(),
            idle_since: Instant::now(),
        })
    }

    fn give_back(&self, tenant: TenantId, mut live: Option<Live<D::Connection>>) {
        if let Some(live) = &mut live {
            live.idle_since = Instant::now();
        }
        let surplus = {
            let mut state = self.0.state.lock();
            state.release(tenant, live);
            state.take_surplus(None)
        };
        drop(surplus);
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

/// A scope that waits. When it is dropped, what was sent to it meanwhile goes back to the pool.
struct Pending<D: Driver> {
    pool: Pool<D>,
    tenant: TenantId,
    receiver: tokio::sync::oneshot::Receiver<Resource<D::Connection>>,
}

impl<D: Driver> Drop for Pending<D> {
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(resource) = self.receiver.try_recv() {
            drop(Grant::new(&self.pool, self.tenant, resource));
        }
    }
}

/// What was handed over, until it is in use. Dropped, it goes back.
struct Grant<D: Driver> {
    pool: Pool<D>,
    tenant: TenantId,
    live: Option<Live<D::Connection>>,
    used: bool,
}

impl<D: Driver> Grant<D> {
    fn new(pool: &Pool<D>, tenant: TenantId, resource: Resource<D::Connection>) -> Self {
        let live = match resource {
            Resource::Idle(live) => Some(*live),
            Resource::Permit => None,
        };
        Self { pool: pool.clone(), tenant, live, used: false }
    }

    fn into_lease(mut self, placement: &Placement) -> Lease<D> {
        self.used = true;
        let mut live = self.live.take();
        if let Some(live) = &mut live {
            if live.warm != placement.id {
                live.warm = placement.id.clone();
            }
            if placement.model == Model::Schema && !live.touched.contains(&placement.id) {
                live.touched.insert(placement.id.clone());
            }
        }
        Lease { pool: self.pool.clone(), tenant: self.tenant, live, condition: Condition::Untouched }
    }
}

impl<D: Driver> Drop for Grant<D> {
    fn drop(&mut self) {
        if !self.used {
            self.pool.give_back(self.tenant, self.live.take());
        }
    }
}

/// What is known of a leased connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Nothing was sent.
    Untouched,
    /// A transaction is open, and every statement that was sent has ended.
    Open,
    /// The transaction was committed.
    Committed,
    /// A statement was sent and its end was not seen.
    Running,
    /// Not to be used again.
    Broken,
}

/// A connection in use. When it is dropped it is cleaned, or closed, and only then available again.
pub(crate) struct Lease<D: Driver> {
    pool: Pool<D>,
    tenant: TenantId,
    live: Option<Live<D::Connection>>,
    pub(crate) condition: Condition,
}

impl<D: Driver> Lease<D> {
    pub(crate) fn live(&mut self) -> &mut Live<D::Connection> {
        self.parts().0
    }

    /// The connection, and the note of its condition beside it.
    pub(crate) fn parts(&mut self) -> (&mut Live<D::Connection>, &mut Condition) {
        let live = self.live.as_mut().expect("a lease has its connection until it is dropped");
        (live, &mut self.condition)
    }
}

impl<D: Driver> Drop for Lease<D> {
    fn drop(&mut self) {
        let Some(live) = self.live.take() else {
            return self.pool.give_back(self.tenant, None);
        };
        let (pool, tenant, condition) = (self.pool.clone(), self.tenant, self.condition);
        match condition {
            Condition::Untouched => pool.give_back(tenant, Some(live)),
            Condition::Broken => {
                live.connection.cancel();
                drop(live);
                pool.give_back(tenant, None);
            }
            Condition::Open | Condition::Committed | Condition::Running => {
                let returned = Returned { pool, tenant, clean: None };
                self.pool.0.runtime.spawn(async move { returned.clean(live, condition).await });
            }
        }
    }
}

/// The share of a tenant whose connection is being cleaned. It goes back however that ends, also when the runtime does.
struct Returned<D: Driver> {
    pool: Pool<D>,
    tenant: TenantId,
    clean: Option<Live<D::Connection>>,
}

impl<D: Driver> Returned<D> {
    async fn clean(mut self, mut live: Live<D::Connection>, condition: Condition) {
        let options = &self.pool.0.options;
        let bound = if condition == Condition::Running { options.drain } else { RESET_TIMEOUT };
        match timeout(bound, live.connection.reset(condition != Condition::Committed)).await {
            Ok(Ok(found)) if !found.hijacked && live.touched.len() < options.schemas => {
                live.session.set_clock(ServerClock::new(found.clock));
                self.clean = Some(live);
            }
            Ok(_) => {}
            Err(_) => live.connection.cancel(),
        }
    }
}

impl<D: Driver> Drop for Returned<D> {
    fn drop(&mut self) {
        self.pool.give_back(self.tenant, self.clean.take());
    }
}
