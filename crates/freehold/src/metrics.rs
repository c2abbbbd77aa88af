//! What the library counts, by the facade of the crate `metrics`.
//!
//! Nothing is counted until the application installs a recorder, in `main`, before [`Freehold::connect`](crate::Freehold::connect): one for
//! Prometheus is `metrics-exporter-prometheus`. No metric has a tenant for a label, because there may be a million of
//! them; logs and traces tell of single tenants.
//!
//! What a request counts is a number that is there already. It takes no lock and allocates nothing.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// A metric: how it is called, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name. The last word is the unit, or `total` where events are counted.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The labels that its series differ in.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is now.
    Gauge,
    /// It is how often what was measured.
    Histogram,
}

/// Requests at the gate, by what became of them there and by the class of the answer's status.
pub const REQUESTS: &str = "freehold_requests_total";
/// Connections of the pool, by driver and state.
pub const POOL_CONNECTIONS: &str = "freehold_pool_connections";
/// Scopes that wait for a connection.
pub const POOL_WAITING: &str = "freehold_pool_waiting_scopes";
/// How long scopes waited that had to.
pub const POOL_WAIT: &str = "freehold_pool_wait_seconds";
/// Scopes that got no connection.
pub const POOL_REFUSED: &str = "freehold_pool_refused_scopes_total";
/// Connections that were opened.
pub const POOL_OPENED: &str = "freehold_pool_opened_connections_total";
/// Connections that could not be opened.
pub const POOL_UNREACHABLE: &str = "freehold_pool_failed_connections_total";
/// Full resets of connections.
pub const POOL_RESETS: &str = "freehold_pool_resets_total";
/// Connections that were closed.
pub const POOL_DISCARDED: &str = "freehold_pool_discarded_connections_total";
/// Tenants in the directory.
pub const DIRECTORY_TENANTS: &str = "freehold_directory_tenants";
/// The version of the catalog that the directory has.
pub const DIRECTORY_VERSION: &str = "freehold_directory_version";
/// How old the directory is.
pub const DIRECTORY_AGE: &str = "freehold_directory_age_seconds";
/// New connections to the catalog.
pub const DIRECTORY_RECONNECTS: &str = "freehold_directory_reconnects_total";

/// Every metric of the library.
pub const ALL: &[Metric] = &[
    Metric {
        name: REQUESTS,
        kind: Kind::Counter,
        labels: &["outcome", "status"],
        help: "Requests, by what became of them at the gate and by the class of the answer's status.",
    },
    Metric {
        name: POOL_CONNECTIONS,
        kind: Kind::Gauge,
        labels: &["driver", "state"],
        help: "Connections to tenants' data: idle, or in_use, which includes those being opened or reset.",
    },
    Metric { name: POOL_WAITING, kind: Kind::Gauge, labels: &["driver"], help: "Scopes that wait for a connection." },
    Metric {
        name: POOL_WAIT,
        kind: Kind::Histogram,
        labels: &["driver"],
        help: "How long scopes waited for a connection that got none at once.",
    },
    Metric {
        name: POOL_REFUSED,
        kind: Kind::Counter,
        labels: &["driver"],
        help: "Scopes that got no connection: too many waited, or it took too long.",
    },
    Metric { name: POOL_OPENED, kind: Kind::Counter, labels: &["driver"], help: "Connections that were opened." },
    Metric {
        name: POOL_UNREACHABLE,
        kind: Kind::Counter,
        labels: &["driver"],
        help: "Connections that could not be opened.",
    },
    Metric {
        name: POOL_RESETS,
        kind: Kind::Counter,
        labels: &["driver"],
        help: "Connections that were cleaned in the background before they were available again.",
    },
    Metric {
        name: POOL_DISCARDED,
        kind: Kind::Counter,
        labels: &["driver", "reason"],
        help: "Connections that were closed, and why.",
    },
    Metric { name: DIRECTORY_TENANTS, kind: Kind::Gauge, labels: &[], help: "Tenants that the process knows." },
    Metric {
        name: DIRECTORY_VERSION,
        kind: Kind::Gauge,
        labels: &[],
        help: "The version of the catalog that the process has seen.",
    },
    Metric { name: DIRECTORY_AGE, kind: Kind::Gauge, labels: &[], help: "How long ago the catalog last answered." },
    Metric {
        name: DIRECTORY_RECONNECTS,
        kind: Kind::Counter,
        labels: &[],
        help: "New connections to the catalog, after the first.",
    },
];

/// Tells the recorder what metrics mean.
pub fn describe(metrics: &[Metric]) {
    for metric in metrics {
        let unit = if metric.name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, unit, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, unit, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, unit, metric.help),
        }
    }
}

impl Metric {
    /// A metric of another crate of Freehold.
    #[doc(hidden)]
    pub const fn of(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind, labels, help }
    }
}
