use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::PoolStatus;
use crate::metrics::{
    POOL_CONNECTIONS, POOL_DISCARDED, POOL_OPENED, POOL_REFUSED, POOL_RESETS, POOL_UNREACHABLE, POOL_WAIT, POOL_WAITING,
};

/// What a pool counts. A scope that gets a connection at once counts nothing.
pub(super) struct Counts {
    idle: Gauge,
    in_use: Gauge,
    waiting: Gauge,
    wait: Histogram,
    pub(super) refused: Counter,
    pub(super) opened: Counter,
    pub(super) unreachable: Counter,
    pub(super) resets: Counter,
    discarded: [Counter; Reason::ALL.len()],
}

/// Why a connection was closed.
#[derive(Clone, Copy)]
pub(super) enum Reason {
    /// It had worked in so many schemas that a new one costs less.
    Worn,
    /// Somebody put a statement in the place of one of ours.
    Hijacked,
    /// It could not be cleaned, or not in time.
    Unclean,
    /// It answered out of step, or not at all.
    Broken,
    /// It was idle for too long.
    Idle,
    /// Another database's connection was needed in its place.
    Displaced,
    /// The server closed it.
    Closed,
    /// It was out of date: a key, or the clock.
    Stale,
}

impl Reason {
    const ALL: [Self; 8] = [
        Self::Worn,
        Self::Hijacked,
        Self::Unclean,
        Self::Broken,
        Self::Idle,
        Self::Displaced,
        Self::Closed,
        Self::Stale,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Worn => "worn",
            Self::Hijacked => "hijacked",
            Self::Unclean => "unclean",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::Displaced => "displaced",
            Self::Closed => "closed",
            Self::Stale => "stale",
        }
    }
}

impl Counts {
    pub(super) fn new(driver: &'static str) -> Self {
        Self {
            idle: gauge!(POOL_CONNECTIONS, "driver" => driver, "state" => "idle"),
            in_use: gauge!(POOL_CONNECTIONS, "driver" => driver, "state" => "in_use"),
            waiting: gauge!(POOL_WAITING, "driver" => driver),
            wait: histogram!(POOL_WAIT, "driver" => driver),
            refused: counter!(POOL_REFUSED, "driver" => driver),
            opened: counter!(POOL_OPENED, "driver" => driver),
            unreachable: counter!(POOL_UNREACHABLE, "driver" => driver),
            resets: counter!(POOL_RESETS, "driver" => driver),
            discarded: Reason::ALL
                .map(|reason| counter!(POOL_DISCARDED, "driver" => driver, "reason" => reason.as_str())),
        }
    }

    pub(super) fn discarded(&self, reason: Reason, connections: usize) {
        self.discarded[reason as usize].increment(connections as u64);
    }

    pub(super) fn waited(&self, time: Duration) {
        self.wait.record(time);
    }

    pub(super) fn report(&self, status: PoolStatus) {
        self.idle.set(status.idle as f64);
        self.in_use.set(status.open.saturating_sub(status.idle) as f64);
        self.waiting.set(status.waiting as f64);
    }
}
