//! Scopes: a tenant, a mode, and a transaction that begins with the first statement.

mod explain;
mod nested;
#[cfg(feature = "sqlx")]
mod sqlx;
#[cfg(feature = "tokio-postgres")]
mod tokio_postgres;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

pub use nested::Nested;

use super::driver::{Connection, Driver};
use super::error::ScopeError;
use super::pool::{Condition, Lease, Live, Pool, PoolStatus};
use super::seal::Mode;
use super::session::Opening;
use super::wire::{Refusal, Script, Transaction};
use crate::tenant::{Model, Status, Tenant};

/// The deadline of a scope with a budget that no clock can show.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// A tenant's database, as a handler gets it: opens scopes, and nothing else.
///
/// It is a value: clone it into a spawned task and the task works for the same tenant. There is no way to make one for
/// a tenant that was not resolved, and none from one tenant's to another's.
pub struct TenantDb<D: Driver> {
    tenant: Arc<Tenant>,
    pool: Pool<D>,
}

impl<D: Driver> TenantDb<D> {
    pub(crate) fn new(tenant: Arc<Tenant>, pool: Pool<D>) -> Self {
        Self { tenant, pool }
    }

    /// The tenant whose database this is.
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }

    /// A scope for reading. It takes no connection before its first statement.
    pub fn read(&self) -> Scope<D, Read> {
        Scope::new(self)
    }

    /// A scope for reading and writing. What it wrote is there after `commit`, and never otherwise.
    ///
    /// A tenant that may only read gets a scope in which the database refuses writes.
    pub fn write(&self) -> Scope<D, Write> {
        Scope::new(self)
    }

    /// A scope for writing that may take as long as `deadline` from its first statement on, instead of the pool's
    /// [`deadline`](super::PoolOptions::deadline): for work that is long by nature, such as an import.
    ///
    /// It keeps its connection all the while, which counts towards the tenant's share.
    pub fn write_with_deadline(&self, deadline: Duration) -> Scope<D, Write> {
        Scope { budget: deadline, ..Scope::new(self) }
    }

    /// How full the pool is that the scopes draw from.
    pub fn pool_status(&self) -> PoolStatus {
        self.pool.status()
    }
}

impl<D: Driver> Clone for TenantDb<D> {
    fn clone(&self) -> Self {
        Self { tenant: self.tenant.clone(), pool: self.pool.clone() }
    }
}

impl<D: Driver> fmt::Debug for TenantDb<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantDb").field("tenant", &self.tenant.id).field("pool", &self.pool).finish()
    }
}

/// Marks a scope for reading.
#[derive(Clone, Copy, Debug)]
pub enum Read {}

/// Marks a scope for reading and writing.
#[derive(Clone, Copy, Debug)]
pub enum Write {}

mod private {
    use crate::isolation::seal::Mode;

    pub trait Sealed {
        const MODE: Mode;
    }

    impl Sealed for super::Read {
        const MODE: Mode = Mode::Read;
    }

    impl Sealed for super::Write {
        const MODE: Mode = Mode::Write;
    }
}

/// What a scope is for: [`Read`] or [`Write`].
pub trait Access: private::Sealed + Send + Sync + 'static {}
impl Access for Read {}
impl Access for Write {}

/// Work on behalf of one tenant, in one transaction, on one connection.
///
/// The transaction begins with the first statement, so a scope that waits for something else holds no connection. When
/// the scope is dropped, at whatever await, the transaction is rolled back and the connection is cleaned before anybody
/// else gets it; `commit` keeps what was written.
///
/// A statement whose future is dropped before it ended counts as failed, because nobody saw what became of it: nothing can
/// be committed after it, unless it was in a [nested](Nested) scope.
///
/// How statements are run depends on the driver: with [`Sqlx`](super::Sqlx) a `&mut Scope` is an sqlx executor; with
/// [`TokioPostgres`](super::TokioPostgres) the scope has `query` and `execute`.
pub struct Scope<D: Driver, A: Access> {
    tenant: Arc<Tenant>,
    pool: Pool<D>,
    lease: Option<Lease<D>>,
    /// How long the scope may take.
    budget: Duration,
    deadline: Option<Instant>,
    /// Savepoints that are open.
    depth: u32,
    /// The savepoint to go back to before the next statement, because its nested scope was dropped.
    unwind: Option<u32>,
    /// How many savepoints were open when a statement failed; everything from there on is lost.
    failed: Option<u32>,
    ended: bool,
    access: PhantomData<A>,
}

impl<D: Driver, A: Access> Scope<D, A> {
    fn new(db: &TenantDb<D>) -> Self {
        Self {
            tenant: db.tenant.clone(),
            pool: db.pool.clone(),
            lease: None,
            budget: db.pool.options().deadline,
            deadline: None,
            depth: 0,
            unwind: None,
            failed: None,
            ended: false,
            access: PhantomData,
        }
    }

    /// The tenant this scope works for.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    fn mode(&self) -> Mode {
        if self.tenant.status == Status::ReadOnly { Mode::Read } else { A::MODE }
    }

    /// Takes a connection if the scope has none, and starts the clock.
    async fn lease(&mut self) -> Result<Instant, ScopeError> {
        if self.ended {
            self.lease = None;
            return Err(ScopeError::Ended);
        }
        if self.lease.is_none() {
            let leased = match &self.tenant.placement {
                Some(placement) => self.pool.acquire(self.tenant.id, placement).await,
                None => Err(ScopeError::NotPlaced { tenant: self.tenant.id }),
            };
            self.lease = Some(leased.inspect_err(|_| self.fail())?);
        }
        Ok(*self.deadline.get_or_insert_with(|| {
            let now = Instant::now();
            now.checked_add(self.budget).unwrap_or_else(|| now + FOREVER)
        }))
    }

    /// Goes on with a new connection in the place of one that could not even open the transaction.
    async fn renew(&mut self) -> Result<(), ScopeError> {
        if let (Some(lease), Some(placement)) = (self.lease.take(), &self.tenant.placement) {
            self.lease = Some(lease.renewed(placement).await?);
        }
        Ok(())
    }

    /// Refuses a statement that shows what the planner knows of other tenants' rows. A database of one's own has none.
    fn refuse_estimates(&self, sql: &str) -> Result<(), ScopeError> {
        let alone = self.tenant.placement.as_ref().is_some_and(|placement| placement.model == Model::Database);
        if !alone && explain::is_explain(sql) { Err(ScopeError::Explain) } else { Ok(()) }
    }

    fn condition(&self) -> Condition {
        self.lease.as_ref().map_or(Condition::Untouched, |lease| lease.condition)
    }

    fn set_condition(&mut self, condition: Condition) {
        if let Some(lease) = &mut self.lease {
            lease.condition = condition;
        }
    }

    /// Waits until nothing of this scope is under way. Returns when the scope has to end.
    async fn ready(&mut self) -> Result<Instant, ScopeError> {
        self.settle();
        let deadline = self.lease().await?;
        let condition = self.condition();
        if condition.is_at_work() {
            let lease = self.lease.as_mut().expect("the scope has a connection");
            let connection = &mut lease.live().connection;
            match timeout_at(deadline, connection.drain()).await {
                Ok(Ok(())) => {}
                Ok(Err(source)) => {
                    self.end();
                    return Err(ScopeError::Disconnected { source });
                }
                Err(_) => return Err(self.overdue()),
            }
            let status = connection.wire().transaction();
            if status == Transaction::None {
                // What opens it was cut short, or some statement ended it.
                self.end();
                return Err(ScopeError::Ended);
            }
            if status == Transaction::Failed {
                self.fail_at(self.unwind.unwrap_or(self.depth));
            }
            self.set_condition(Condition::Open);
        } else if condition == Condition::Open
            && let Some(lease) = &mut self.lease
            && lease.live().connection.wire().has_lost_its_backend()
        {
            self.end();
            return Err(ScopeError::Ended);
        }
        Ok(deadline)
    }

    /// The connection, from here on at work. What opens the transaction, if that is still to be done, and what leads back to
    /// where a dropped nested scope began go with the driver's next message.
    fn engage(&mut self) -> &mut Live<D::Connection> {
        let (opening, unwinding) = self.beginning();
        let lease = self.lease.as_mut().expect("a scope leases a connection before it runs a statement");
        lease.condition = if opening.is_some() { Condition::Opening } else { Condition::Running };
        let live = lease.live();
        let wire = live.connection.wire();
        if let Some(opening) = &opening {
            wire.open(opening);
        }
        if let Some(unwinding) = unwinding {
            wire.precede(unwinding);
        }
        live
    }

    /// What opens the transaction, if it is not open, and what leads back to where a dropped nested scope began. Both go out,
    /// with the next message if not with this one.
    fn beginning(&mut self) -> (Option<Opening>, Option<Script>) {
        let unwinding = self.unwind.map(|depth| {
            let script = Script::default().control(&format!("rollback to savepoint s{depth}"));
            script.control(&format!("release savepoint s{depth}"))
        });
        self.unwound();
        let mode = self.mode();
        let (Some(lease), Some(placement)) = (&mut self.lease, &self.tenant.placement) else {
            return (None, unwinding);
        };
        let untouched = lease.condition == Condition::Untouched;
        (untouched.then(|| lease.live().session.open(self.tenant.id, placement, mode)), unwinding)
    }

    /// Runs statements of ours by themselves, once more on a new connection if the first one was lost before anything else
    /// was done.
    async fn control(&mut self, add: impl Fn(Script) -> Script, then: Condition) -> Result<(), ScopeError> {
        let deadline = self.ready().await?;
        let attempts = async {
            let untouched = self.condition() == Condition::Untouched;
            match self.exchange_control(&add).await {
                Err(error) if untouched && error.is_of_the_connection() => {
                    self.renew().await?;
                    self.exchange_control(&add).await
                }
                done => done,
            }
        };
        match timeout_at(deadline, attempts).await {
            Ok(Ok(())) => {
                self.set_condition(then);
                Ok(())
            }
            Ok(Err(error)) => {
                self.end();
                Err(error)
            }
            Err(_) => Err(self.overdue()),
        }
    }

    async fn exchange_control(&mut self, add: impl Fn(Script) -> Script) -> Result<(), ScopeError> {
        let (opening, unwinding) = self.beginning();
        let tenant = self.tenant.id;
        let lease = self.lease.as_mut().expect("a scope leases a connection before it runs a statement");
        lease.condition = if opening.is_some() { Condition::Opening } else { Condition::Running };
        let wire = lease.live().connection.wire();
        let script = match &opening {
            Some(opening) => wire.opening(opening),
            None => Script::default(),
        };
        let script = match unwinding {
            Some(unwinding) => script.followed_by(unwinding),
            None => script,
        };
        match wire.exchange(add(script).alone()).await {
            Ok(_) => Ok(()),
            Err(source) => Err(match source.downcast::<Refusal>() {
                Ok(refusal) => {
                    let Refusal { sqlstate, message, fatal } = &*refusal;
                    ScopeError::from_database(tenant, sqlstate, message, *fatal, refusal.clone())
                }
                Err(source) => ScopeError::Disconnected { source },
            }),
        }
    }

    /// Begins a part of this scope that can fail by itself.
    ///
    /// # Errors
    ///
    /// See [`ScopeError`].
    pub async fn nested(&mut self) -> Result<Nested<'_, D, A>, ScopeError> {
        let savepoint = format!("savepoint s{}", self.depth + 1);
        self.control(|script| script.control(&savepoint), Condition::Open).await?;
        Ok(Nested::begun(self))
    }

    /// The unwinding is on its way.
    fn unwound(&mut self) {
        if let Some(depth) = self.unwind.take()
            && self.failed.is_some_and(|failed| failed >= depth)
        {
            self.failed = None;
        }
    }

    /// Counts a statement as failed whose future was dropped: whether the server ran it, and how it ended, was not seen.
    fn settle(&mut self) {
        if matches!(self.condition(), Condition::Opening | Condition::Running) {
            self.fail_at(self.unwind.unwrap_or(self.depth));
        }
    }

    /// Whether what was done so far cannot be kept. What a dropped nested scope did does not count.
    fn is_lost(&self) -> bool {
        self.failed.is_some_and(|failed| self.unwind.is_none_or(|depth| failed < depth))
    }

    /// A statement failed.
    fn fail(&mut self) {
        self.fail_at(self.depth);
    }

    fn fail_at(&mut self, depth: u32) {
        self.failed = Some(self.failed.map_or(depth, |failed| failed.min(depth)));
    }

    /// Nothing can be run any more: the connection is closed.
    fn end(&mut self) {
        self.ended = true;
        self.set_condition(Condition::Broken);
        self.lease = None;
    }

    fn overdue(&mut self) -> ScopeError {
        self.end();
        ScopeError::Deadline { deadline: self.budget }
    }
}

impl<D: Driver> Scope<D, Write> {
    /// Keeps what this scope wrote.
    ///
    /// # Errors
    ///
    /// [`ScopeError::RolledBack`] if a statement of the scope failed before. After [`ScopeError::Disconnected`] and
    /// [`ScopeError::Deadline`] it is not known whether the writes are there.
    pub async fn commit(mut self) -> Result<(), ScopeError> {
        if self.ended {
            return Err(ScopeError::Ended);
        }
        if self.condition() != Condition::Untouched {
            self.ready().await?;
        }
        if self.is_lost() {
            return Err(ScopeError::RolledBack);
        }
        let Some(lease) = self.lease.as_mut().filter(|lease| lease.condition != Condition::Untouched) else {
            return Ok(());
        };
        match lease.live().connection.wire().transaction() {
            // What is to be unwound failed, and the rest did not.
            Transaction::Failed if self.unwind.is_none() => Err(ScopeError::RolledBack),
            Transaction::Open | Transaction::Failed => {
                let committed = self.control(Script::commit, Condition::Committed).await;
                committed
                    .map_err(|error| if error.sqlstate() == Some("25P02") { ScopeError::RolledBack } else { error })
            }
            // Some statement was a commit or a rollback itself.
            Transaction::None => {
                self.end();
                Err(ScopeError::Ended)
            }
        }
    }
}

impl<D: Driver> Nested<'_, D, Write> {
    /// Keeps what this part did, as part of the outer scope.
    ///
    /// # Errors
    ///
    /// [`ScopeError::RolledBack`] if a statement of this part failed before.
    pub async fn commit(mut self) -> Result<(), ScopeError> {
        self.ready().await?;
        if self.is_lost() {
            return Err(ScopeError::RolledBack);
        }
        let release = format!("release savepoint s{}", self.depth);
        self.control(|script| script.control(&release), Condition::Open).await?;
        self.keep();
        Ok(())
    }
}

impl<D: Driver, A: Access> fmt::Debug for Scope<D, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("tenant", &self.tenant.id)
            .field("mode", &self.mode())
            .field("condition", &self.condition())
            .finish_non_exhaustive()
    }
}
