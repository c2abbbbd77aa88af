//! Who holds how many connections, which are idle, and who waits: decisions only, no I/O.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use tokio::sync::oneshot;

use super::super::endpoint::Target;
use super::super::session::Session;
use super::options::PoolOptions;
use crate::tenant::{Placement, PlacementId, TenantId};

/// An open connection and what the pool remembers of it.
#[derive(Debug)]
pub(crate) struct Live<C> {
    pub(crate) connection: C,
    pub(crate) session: Session,
    pub(super) target: Target,
    /// The placement it served last, whose plans and catalogue entries it still has.
    pub(super) warm: PlacementId,
    pub(super) touched: HashSet<PlacementId>,
    pub(super) idle_since: Instant,
}

/// What a scope gets to go on with.
#[derive(Debug)]
pub(super) enum Resource<C> {
    /// A clean connection.
    Idle(Box<Live<C>>),
    /// The right to open one.
    Permit,
}

#[derive(Debug)]
struct Waiter<C> {
    placement: Placement,
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
    queues: HashMap<TenantId, VecDeque<Waiter<C>>>,
    waiting: usize,
    /// Connections that gave way to another database. The pool closes them outside the lock.
    evicted: Vec<Live<C>>,
}

/// What to do about a scope that wants a connection.
#[derive(Debug)]
pub(super) enum Admission<C> {
    Now(Resource<C>),
    Wait(oneshot::Receiver<Resource<C>>),
    Refused,
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
            evicted: Vec::new(),
        }
    }

    /// Asks for a connection to `placement` on behalf of `tenant`.
    pub(super) fn admit(&mut self, tenant: TenantId, placement: &Placement) -> Admission<C> {
        if self.turns.is_empty()
            && self.holds(tenant) < self.share
            && let Some(resource) = self.find(placement)
        {
            *self.held.entry(tenant).or_default() += 1;
            return Admission::Now(resource);
        }
        if self.waiting >= self.waiting_limit {
            return Admission::Refused;
        }
        let (answer, receiver) = oneshot::channel();
        let queue = self.queues.entry(tenant).or_default();
        if queue.is_empty() {
            self.turns.push_back(tenant);
        }
        queue.push_back(Waiter { placement: placement.clone(), answer });
        self.waiting += 1;
        self.hand_over();
        Admission::Wait(receiver)
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
    fn hand_over(&mut self) {
        let mut passed_over = 0;
        while passed_over < self.turns.len() {
            let Some(tenant) = self.turns.pop_front() else { return };
            let Some(queue) = self.queues.get_mut(&tenant) else { continue };
            while queue.front().is_some_and(|waiter| waiter.answer.is_closed()) {
                queue.pop_front();
                self.waiting -= 1;
            }
            let Some(placement) = queue.front().map(|waiter| waiter.placement.clone()) else {
                self.queues.remove(&tenant);
                continue;
            };
            if self.holds(tenant) >= self.share {
                self.turns.push_back(tenant);
                passed_over += 1;
                continue;
            }
            let Some(resource) = self.find(&placement) else {
                self.turns.push_front(tenant);
                return;
            };
            passed_over = 0;
            self.turns.push_back(tenant);
            let Some(waiter) = self.queues.get_mut(&tenant).and_then(VecDeque::pop_front) else { continue };
            self.waiting -= 1;
            match waiter.answer.send(resource) {
                Ok(()) => *self.held.entry(tenant).or_default() += 1,
                // The scope was dropped in this very moment.
                Err(Resource::Idle(live)) => self.idle.push(*live),
                Err(Resource::Permit) => self.open -= 1,
            }
        }
    }

    /// The best that can be had for `placement`: a connection warm for it, any to its database, a new one, or a new one
    /// in the place of the connection that was idle longest.
    fn find(&mut self, placement: &Placement) -> Option<Resource<C>> {
        let warm = self.idle.iter().rposition(|live| live.warm == placement.id && live.target.serves(placement));
        // Of those that are warm for something else, the one that was idle longest will be missed least.
        let clean = warm.or_else(|| self.idle.iter().position(|live| live.target.serves(placement)));
        if let Some(index) = clean {
            return Some(Resource::Idle(Box::new(self.idle.remove(index))));
        }
        if self.open < self.capacity {
            self.open += 1;
            return Some(Resource::Permit);
        }
        if self.idle.is_empty() {
            return None;
        }
        self.evicted.push(self.idle.remove(0));
        Some(Resource::Permit)
    }

    /// Takes out what was idle since before `then`, and what gave way to another database.
    pub(super) fn take_surplus(&mut self, then: Option<Instant>) -> Vec<Live<C>> {
        let mut surplus = std::mem::take(&mut self.evicted);
        if let Some(then) = then {
            let stale = self.idle.iter().filter(|live| live.idle_since < then).count();
            surplus.extend(self.idle.drain(..stale));
            self.open -= stale;
        }
        surplus
    }

    fn holds(&self, tenant: TenantId) -> usize {
        self.held.get(&tenant).copied().unwrap_or(0)
    }

    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.open, self.idle.len(), self.waiting)
    }
}
