//! What a scope holds of the pool, and how it goes back: by being dropped, at whatever await.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Pool;
use super::counts::Reason;
use super::state::{Live, Resource};
use crate::isolation::driver::{Connection, Driver};
use crate::isolation::error::{ScopeError, Source};
use crate::isolation::session::{self, Inspection};
use crate::isolation::wire::{Script, Transaction};
use crate::tenant::{Model, Placement, PlacementId, TenantId};

/// How long a reset of a connection whose last statement ended may take.
const RESET_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to ask the server to stop a statement.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a pooler may take, which waits for a backend to pass the request on. PgBouncer gives up after 10 s.
const POOLED_CANCEL_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a key and a clock that were read are trusted unasked.
#[cfg(feature = "sqlx")]
const TRUST: Duration = Duration::from_secs(1);

/// A scope that waits. When it is dropped, what was sent to it meanwhile goes back to the pool.
pub(super) struct Pending<D: Driver> {
    pub(super) pool: Pool<D>,
    pub(super) tenant: TenantId,
    pub(super) receiver: oneshot::Receiver<Resource<D::Connection>>,
}

impl<D: Driver> Drop for Pending<D> {
    fn drop(&mut self) {
        self.receiver.close();
        match self.receiver.try_recv() {
            Ok(resource) => drop(Holding::with_clean(&self.pool, self.tenant, resource.into_clean())),
            Err(_) => self.pool.0.state.lock().forget_closed(self.tenant),
        }
    }
}

/// The right of a tenant to one connection. When it is dropped, the right goes back, with a connection if there is a
/// clean one.
pub(super) struct Holding<D: Driver> {
    pool: Pool<D>,
    tenant: TenantId,
    clean: Option<Live<D::Connection>>,
}

impl<D: Driver> Holding<D> {
    pub(super) fn new(pool: &Pool<D>, tenant: TenantId) -> Self {
        Self::with_clean(pool, tenant, None)
    }

    fn with_clean(pool: &Pool<D>, tenant: TenantId, clean: Option<Live<D::Connection>>) -> Self {
        Self { pool: pool.clone(), tenant, clean }
    }

    /// Keeps `live` where nothing has to be said to the server before it is used again.
    fn leave(&mut self, mut live: Live<D::Connection>) -> Option<Live<D::Connection>> {
        let wire = live.connection.wire();
        if live.is_worn() || !wire.leave() {
            return Some(live);
        }
        if let Some(opened) = wire.opened() {
            live.session.set_clock(opened.clock);
        }
        self.clean = Some(live);
        None
    }

    async fn clean(mut self, mut live: Live<D::Connection>, condition: Condition) {
        let (options, counts) = (&self.pool.0.options, &self.pool.0.counts);
        if condition != Condition::Broken {
            let bound = if condition.is_at_work() { options.drain } else { RESET_TIMEOUT };
            match timeout(bound, reset(&mut live.connection)).await {
                Ok(Ok(found)) if !found.hijacked && !live.is_worn() => {
                    if let Some(clock) = found.clock {
                        live.session.set_clock(clock);
                    }
                    counts.resets.increment(1);
                    self.clean = Some(live);
                    return;
                }
                // The server has answered, so no statement is running.
                Ok(Ok(found)) => {
                    counts.resets.increment(1);
                    counts.discarded(if found.hijacked { Reason::Hijacked } else { Reason::Worn }, 1);
                    return;
                }
                _ => counts.discarded(Reason::Unclean, 1),
            }
        } else {
            counts.discarded(Reason::Broken, 1);
        }
        // The right is given back after that: what the server still works on counts.
        let wire = live.connection.wire();
        let bound = if wire.is_pooled() { POOLED_CANCEL_TIMEOUT } else { CANCEL_TIMEOUT };
        let _ = timeout(bound, wire.cancel()).await;
    }
}

/// Waits for whatever runs, then brings the connection back to how it was when it was opened.
async fn reset(connection: &mut impl Connection) -> Result<Inspection, Source> {
    connection.drain().await?;
    let wire = connection.wire();
    wire.give_up();
    if wire.is_pooled() {
        let clock = wire.opened().map(|opened| opened.clock);
        if wire.transaction() != Transaction::None {
            wire.exchange(Script::roll_back()).await?;
        }
        wire.cleaned();
        return Ok(Inspection { clock, hijacked: false });
    }
    let reset = session::reset(wire.transaction() != Transaction::None, connection.prepared(), wire.has_run_ad_hoc());
    let mut found = Inspection::read(&wire.exchange(Script::simple(&reset)).await?)?;
    found.hijacked |= wire.has_deallocated();
    wire.cleaned();
    Ok(found)
}

impl<D: Driver> Drop for Holding<D> {
    fn drop(&mut self) {
        if let Some(live) = &mut self.clean {
            live.idle_since = Instant::now();
        }
        let clean = self.clean.take();
        let left = clean.is_some();
        self.pool.0.state.lock().release(self.tenant, clean);
        if left {
            self.pool.0.left.notify_one();
        }
    }
}

/// What is known of a leased connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Nothing was sent.
    Untouched,
    /// What opens the transaction was sent, and its end was not seen.
    Opening,
    /// A statement was sent, wholly or in part, and its end was not seen.
    Running,
    /// A statement was sent and gave answers, but not all of them were read.
    #[cfg_attr(not(feature = "sqlx"), expect(dead_code, reason = "the other driver reads all answers"))]
    Answering,
    /// A transaction is open, and every statement that was sent has ended.
    Open,
    /// The transaction was committed.
    Committed,
    /// Not to be used again.
    Broken,
}

impl Condition {
    /// Whether the server may be at work on a statement.
    pub(crate) fn is_at_work(self) -> bool {
        matches!(self, Self::Opening | Self::Running | Self::Answering)
    }
}

/// A connection in use. When it is dropped it is cleaned, or closed, and only then available again.
pub(crate) struct Lease<D: Driver> {
    holding: Option<Holding<D>>,
    live: Option<Live<D::Connection>>,
    pub(crate) condition: Condition,
}

impl<D: Driver> Lease<D> {
    pub(super) fn new(holding: Holding<D>, mut live: Live<D::Connection>, placement: &Placement) -> Self {
        if live.warm != placement.id {
            live.warm = placement.id.clone();
        }
        live.model = placement.model;
        if placement.model == Model::Schema {
            live.known.insert(placement.id.clone(), Instant::now());
        }
        Self { holding: Some(holding), live: Some(live), condition: Condition::Untouched }
    }

    /// A lease of a connection that may have served another placement before.
    pub(super) async fn handed_over(
        holding: Holding<D>,
        live: Live<D::Connection>,
        placement: &Placement,
    ) -> Result<Self, ScopeError> {
        let elsewhere = live.warm != placement.id;
        let mut lease = Self::new(holding, live, placement);
        let (live, condition) = lease.parts();
        if elsewhere && live.connection.wire().take_asked_for_types() {
            *condition = Condition::Running;
            let forgotten = timeout(RESET_TIMEOUT, live.connection.forget_names()).await;
            if !matches!(forgotten, Ok(Ok(()))) {
                return lease.renewed(placement).await;
            }
            *condition = Condition::Untouched;
        }
        Ok(lease)
    }

    pub(crate) fn live(&mut self) -> &mut Live<D::Connection> {
        self.parts().0
    }

    /// The connection, and the note of its condition beside it.
    pub(crate) fn parts(&mut self) -> (&mut Live<D::Connection>, &mut Condition) {
        let live = self.live.as_mut().expect("a lease has its connection until it is dropped");
        (live, &mut self.condition)
    }

    /// Closes the connection and opens another one in its place.
    pub(crate) async fn renewed(mut self, placement: &Placement) -> Result<Self, ScopeError> {
        let old = self.live.take();
        let holding = self.holding.take().expect("a lease holds its right until it is dropped");
        let pool = holding.pool.clone();
        pool.open(holding, old.map(|old| (old, Reason::Stale)), placement).await
    }
}

impl<D: Driver> Drop for Lease<D> {
    fn drop(&mut self) {
        let (Some(mut holding), Some(live)) = (self.holding.take(), self.live.take()) else { return };
        let unclean = match self.condition {
            Condition::Untouched => {
                holding.clean = Some(live);
                None
            }
            Condition::Open | Condition::Committed => holding.leave(live),
            _ => Some(live),
        };
        if let Some(live) = unclean {
            let runtime = holding.pool.0.runtime.clone();
            runtime.spawn(holding.clean(live, self.condition));
        }
    }
}

impl<C: Connection> Live<C> {
    /// Whether the server remembers so many tables for this connection that another one costs less.
    fn is_worn(&self) -> bool {
        self.model == Model::Schema && self.connection.wire().parsed() >= self.worn_after
    }

    /// Whose statements are kept apart from those of other placements: to go from one schema to another makes the server
    /// plan every kept statement anew.
    pub(crate) fn space(&self) -> Option<&PlacementId> {
        (self.model == Model::Schema).then_some(&self.warm)
    }

    /// Whether the connection was idle for so long that the database may have another key by now, or another clock.
    #[cfg(feature = "sqlx")]
    pub(crate) fn is_to_be_proven(&self) -> bool {
        self.idle_since.elapsed() > TRUST
    }
}
