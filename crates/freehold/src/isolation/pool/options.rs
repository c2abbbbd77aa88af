use std::time::Duration;

/// How many connections a process opens, and how long it waits for what.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolOptions {
    /// Connections in all, over every database and every cluster. Default 20.
    ///
    /// Where tenants have schemas of their own, as many are opened as that, and each schema returns to one that knows it if
    /// that is idle: leave headroom, two to four times the number of requests that are usually in the database at once.
    pub capacity: usize,
    /// Connections one tenant may use at the same time. Default: half the capacity.
    pub tenant_share: Option<usize>,
    /// Scopes that may wait for a connection before further ones are refused at once. Default 1,000.
    ///
    /// The tenant of which most wait is refused first: its last one makes room for another tenant's.
    pub waiting: usize,
    /// How long a scope waits for a connection, and how long it may take to open one. Default 5 s.
    pub acquire_timeout: Duration,
    /// How long a scope may take from its first statement on. Default 30 s.
    pub deadline: Duration,
    /// How long a statement whose scope was dropped may go on before its connection is closed. Default 250 ms.
    pub drain: Duration,
    /// How long a connection may be idle before it is closed. Default 5 min.
    pub idle_timeout: Duration,
    /// Statements a connection may read before it is closed, where tenants have schemas of their own. Default 2,000.
    ///
    /// PostgreSQL keeps what it learns about a table for the life of the connection: about 1.17 MB per schema of 40 tables. A
    /// statement that is kept prepared is read once per schema, so this bounds what is learnt. Each connection draws a limit
    /// of its own, up to a quarter lower, so that not all are closed at the same time.
    pub worn_after: u64,
    /// Whether a kept statement is planned once, whatever its parameters, instead of anew for each of its first five executions
    /// (PostgreSQL: `plan_cache_mode`). Default false.
    ///
    /// Plans are per connection, and where tenants have schemas of their own per schema too. With a thousand of those, planning is
    /// most of the work; but a statement that needs another plan for other parameters does not get it.
    pub generic_plans: bool,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            capacity: 20,
            tenant_share: None,
            waiting: 1_000,
            acquire_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
            drain: Duration::from_millis(250),
            idle_timeout: Duration::from_secs(300),
            worn_after: 2_000,
            generic_plans: false,
        }
    }
}

impl PoolOptions {
    pub(super) fn share(&self) -> usize {
        self.tenant_share.unwrap_or(self.capacity / 2).max(1)
    }
}
