//! Who holds how many connections, which are idle, and who waits: decisions only, no I/O.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::super::driver::Connection;
use super::super::endpoint::Target;
use super::super::session::Session;
use super::options::PoolOptions;
use crate::tenant::{Model, Placement, PlacementId, TenantId};

/// An open connection and what the pool remembers of it.
#[derive(Debug)]
pub(crate) struct Live<C> {
    pub(crate) connection: C,
    pub(crate) session: Session,
    pub(super) target: Target,
    /// The placement it served last, whose plans and catalogue entries it still has.
    pub(super) warm: PlacementId,
    /// Where that placement lives.
    pub(super) model: Model,
    /// The schemas it has worked in, whose tables the server knows for it, and when it did last. Bounded, since it wears out.
    pub(super) known: HashMap<PlacementId, Instant>,
    /// Statements it may read.
    pub(super) worn_after: u64,
    pub(super) idle_since: Instant,
}

/// What a scope gets to go on with.
#[derive(Debug)]
pub(super) enum Resource<C> {
    /// A clean connection.
    Idle(Box<Live<C>>),
    /// The right to open one.
    Permit,
    /// The right to open one once this one, to another database, is closed.
    InPlaceOf(Box<Live<C>>),
}

impl<C> Resource<C> {
    /// The clean connection in it, if there is one.
    pub(super) fn into_clean(self) -> Option<Live<C>> {
        match self {
            Self::Idle(live) | Self::InPlaceOf(live) => Some(*live),
            Self::Permit => None,
        }
    }
}

/// How long a scope waits for a connection to come back to its database before another database's is closed for it. To
/// open one takes about as long.
pub(super) const PATIENCE: Duration = Duration::from_millis(10);

#[derive(Debug)]
struct Waiter<C> {
    placement: Placement,
    since: Instant,
    answer: oneshot::Sender<Resource<C>>,
}

#[derive(Debug)]
pub(super) struct State<C> {
    capacity: usize,
    share: usize,
    waiting_limit: usize,
    /// Oldest first: the front is evicted, the back is warm.
    idle: Vec<Live<C>>,
    /// Connections and permits that exist, idle ones included.
    open: usize,
    /// Tenants that hold something now.
    held: HashMap<TenantId, usize>,
    /// Tenants that wait, in the order of their turns, each once.
    turns: VecDeque<TenantId>,
    /// What they wait with; no queue is empty.
    queues: HashMap<TenantId, VecDeque<Waiter<C>>>,
    waiting: usize,
}

/// What to do about a scope that wants a connection.
#[derive(Debug)]
pub(super) enum Admission<C> {
    Now(Resource<C>),
    Wait(oneshot::Receiver<Resource<C>>),
    Refused,
}

impl<C: Connection> State<C> {
    /// Does what was left to do on the connections that are idle since before `then`. Returns whether there may be more.
    pub(super) fn tidy_up(&self, then: Instant) -> bool {
        let mut more = false;
        for live in &self.idle {
            if live.idle_since <= then {
                live.connection.wire().tidy_up();
            } else {
                more = true;
            }
        }
        more
    }
}

impl<C> State<C> {
    pub(super) fn new(options: &PoolOptions) -> Self {
        Self {
            capacity: options.capacity.max(1),
            share: options.share(),
            waiting_limit: options.waiting,
            idle: Vec::new(),
            open: 0,
            held: HashMap::new(),
            turns: VecDeque::new(),
            queues: HashMap::new(),
            waiting: 0,
        }
    }

    /// Asks for a connection to `placement` on behalf of `tenant`.
    pub(super) fn admit(&mut self, tenant: TenantId, placement: &Placement) -> Admission<C> {
        if self.turns.is_empty()
            && self.holds(tenant) < self.share
            && let Some(resource) = self.find(tenant, placement, false)
        {
            *self.held.entry(tenant).or_default() += 1;
            return Admission::Now(resource);
        }
        if self.waiting >= self.waiting_limit && !self.make_room(tenant) {
            return Admission::Refused;
        }
        let (answer, receiver) = oneshot::channel();
        let queue = self.queues.entry(tenant).or_default();
        if queue.is_empty() {
            self.turns.push_back(tenant);
        }
        queue.push_back(Waiter { placement: placement.clone(), since: Instant::now(), answer });
        self.waiting += 1;
        self.hand_over();
        Admission::Wait(receiver)
    }

    /// Turns away the last one in the longest queue, unless `tenant` itself waits as much: a tenant that floods the waiting
    /// room does not keep others out of it.
    fn make_room(&mut self, tenant: TenantId) -> bool {
        let own = self.queued(tenant);
        match self.queues.values_mut().max_by_key(|queue| queue.len()) {
            Some(longest) if longest.len() > own + 1 => {
                longest.pop_back();
                self.waiting -= 1;
                true
            }
            _ => false,
        }
    }

    /// Takes the scopes of `tenant` that were dropped out of its queue.
    pub(super) fn forget_closed(&mut self, tenant: TenantId) {
        let Some(queue) = self.queues.get_mut(&tenant) else { return };
        let before = queue.len();
        queue.retain(|waiter| !waiter.answer.is_closed());
        self.waiting -= before - queue.len();
        if queue.is_empty() {
            self.queues.remove(&tenant);
            self.turns.retain(|waits| *waits != tenant);
        }
    }

    /// `tenant` gives up what it held: a clean connection, or nothing.
    pub(super) fn release(&mut self, tenant: TenantId, connection: Option<Live<C>>) {
        if let Some(held) = self.held.get_mut(&tenant) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&tenant);
            }
        }
        match connection {
            Some(live) => self.idle.push(live),
            None => self.open -= 1,
        }
        self.hand_over();
    }

    /// Serves waiting tenants in turn, one request each, until nothing is left to hand over.
    pub(super) fn hand_over(&mut self) {
        let mut passed_over = 0;
        while passed_over < self.turns.len() && (self.open < self.capacity || !self.idle.is_empty()) {
            let Some(&tenant) = self.turns.front() else { return };
            let first = self.queues.get(&tenant).and_then(VecDeque::front);
            let Some((placement, since)) = first.map(|first| (first.placement.clone(), first.since)) else {
                self.turns.pop_front();
                continue;
            };
            let found = if self.holds(tenant) < self.share {
                self.find(tenant, &placement, since.elapsed() >= PATIENCE)
            } else {
                None
            };
            match found {
                Some(resource) => {
                    passed_over = 0;
                    self.serve(tenant, resource);
                }
                None => {
                    passed_over += 1;
                    self.turns.rotate_left(1);
                }
            }
        }
    }

    /// Gives `resource` to the first in the queue of `tenant`, whose turn ends with that.
    fn serve(&mut self, tenant: TenantId, resource: Resource<C>) {
        self.turns.pop_front();
        let Some(queue) = self.queues.get_mut(&tenant) else { return };
        let waiter = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        let Some(waiter) = waiter else { return };
        self.waiting -= 1;
        match waiter.answer.send(resource).map_err(Resource::into_clean) {
            Ok(()) => *self.held.entry(tenant).or_default() += 1,
            // The scope was dropped in this very moment.
            Err(Some(live)) => self.idle.push(live),
            Err(None) => self.open -= 1,
        }
    }

    /// The best that can be had for `placement`: a connection warm for it, one that knows it, any to its database, a new one,
    /// or a new one in the place of the connection that was idle longest. Nothing if all are in use, or if one will come back
    /// to a tenant with a database of its own sooner than another could be opened, unless the scope waited in vain.
    fn find(&mut self, tenant: TenantId, placement: &Placement, insist: bool) -> Option<Resource<C>> {
        let serving = || self.idle.iter().enumerate().filter(|(_, live)| live.target.serves(placement));
        let warm = serving().rfind(|(_, live)| live.warm == placement.id);
        // To learn a schema costs a connection more than many statements in it. Of those that know it, the one that worked in
        // it last is most likely to have kept its statements.
        let knowing = || {
            let since = serving().filter_map(|found| Some((found.1.known.get(&placement.id)?, found)));
            since.max_by_key(|(since, _)| **since).map(|(_, found)| found)
        };
        // Of those that are warm for something else, the one that was idle longest will be missed least.
        let any = || serving().next();
        let spread = placement.model == Model::Schema && self.open < self.capacity;
        let found = warm.or_else(knowing).or_else(|| if spread { None } else { any() });
        if let Some((index, _)) = found {
            return Some(Resource::Idle(Box::new(self.idle.remove(index))));
        }
        if self.open < self.capacity {
            self.open += 1;
            return Some(Resource::Permit);
        }
        let comes_back = placement.model == Model::Database && self.holds(tenant) > 0;
        if self.idle.is_empty() || (comes_back && !insist) {
            return None;
        }
        Some(Resource::InPlaceOf(Box::new(self.idle.remove(0))))
    }

    /// Gives `tenant` an idle connection that can serve `placement`, whatever it knows.
    pub(super) fn take_idle(&mut self, tenant: TenantId, placement: &Placement) -> Option<Live<C>> {
        let index = self.idle.iter().position(|live| live.target.serves(placement))?;
        *self.held.entry(tenant).or_default() += 1;
        Some(self.idle.remove(index))
    }

    /// Takes out what was idle since before `then`.
    pub(super) fn take_stale(&mut self, then: Instant) -> Vec<Live<C>> {
        let stale = self.idle.iter().take_while(|live| live.idle_since < then).count();
        self.open -= stale;
        self.idle.drain(..stale).collect()
    }

    /// Scopes of `tenant` that wait.
    fn queued(&self, tenant: TenantId) -> usize {
        self.queues.get(&tenant).map_or(0, VecDeque::len)
    }

    fn holds(&self, tenant: TenantId) -> usize {
        self.held.get(&tenant).copied().unwrap_or(0)
    }

    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.open, self.idle.len(), self.waiting)
    }
}
