use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anyhow::ensure;
use freehold::isolation::{Access, Scope, ScopeError, Sqlx, TenantDb, TokioPostgres};
use freehold::tenant::Tenant;
use futures_util::TryStreamExt;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::timeout;
use uuid::Uuid;

use super::fleet::Fleet;

/// A request of one tenant, and how it is cut off.
#[derive(Debug)]
pub(super) struct Request {
    number: i64,
    tenant: Arc<Tenant>,
    client: Client,
    work: Work,
    cut: Cut,
}

#[derive(Debug)]
enum Client {
    TokioPostgres(TenantDb<TokioPostgres>),
    Sqlx(TenantDb<Sqlx>),
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Read,
    /// Two rows, and a nested scope between them that is undone.
    Write,
    /// A statement that takes longer than anybody waits for a dropped one.
    Long,
}

#[derive(Clone, Copy, Debug)]
enum Cut {
    Never,
    /// Dropped after so many polls.
    Polls(usize),
    /// Dropped after this time.
    After(Duration),
}

/// How a request ended.
pub(super) struct Outcome {
    number: i64,
    writes: bool,
    /// `None`: it was dropped before.
    result: Option<Result<Vec<Uuid>, ScopeError>>,
    tenant: Uuid,
}

impl Outcome {
    pub(super) fn was_refused(&self) -> bool {
        matches!(self.result, Some(Err(_)))
    }
}

/// How the requests ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) done: usize,
    pub(super) cut_off: usize,
    /// Refusals by kind.
    refused: BTreeMap<&'static str, usize>,
    /// Requests whose commit was confirmed.
    pub(super) committed: Vec<i64>,
    /// Requests that saw a row of another tenant.
    pub(super) wrong: Vec<i64>,
    rows: usize,
}

impl Request {
    pub(super) fn any(number: i64, fleet: &Fleet, chance: &mut StdRng) -> Self {
        let tenant = fleet.tenants[chance.random_range(0..fleet.tenants.len())].clone();
        let client = match chance.random() {
            true => Client::TokioPostgres(fleet.db(&tenant)),
            false => Client::Sqlx(fleet.db(&tenant)),
        };
        let work = match chance.random_range(0..20) {
            0 => Work::Long,
            1..10 => Work::Write,
            _ => Work::Read,
        };
        let cut = match (work, chance.random_range(0..4)) {
            (Work::Long, _) | (_, 0) => Cut::After(Duration::from_micros(chance.random_range(0..20_000))),
            (_, 1) => Cut::Polls(chance.random_range(0..40)),
            _ => Cut::Never,
        };
        Self { number, tenant, client, work, cut }
    }

    pub(super) async fn run(self) -> Outcome {
        let work = async {
            match &self.client {
                Client::TokioPostgres(db) => self.on_tokio_postgres(db).await,
                Client::Sqlx(db) => self.on_sqlx(db).await,
            }
        };
        let result = match self.cut {
            Cut::Never => Some(work.await),
            Cut::Polls(polls) => cut_off(work, polls).await,
            Cut::After(time) => timeout(time, work).await.ok(),
        };
        Outcome {
            number: self.number,
            writes: matches!(self.work, Work::Write),
            result,
            tenant: self.tenant.id().into(),
        }
    }

    async fn on_tokio_postgres(&self, db: &TenantDb<TokioPostgres>) -> Result<Vec<Uuid>, ScopeError> {
        const INSERT: &str = "insert into notes (owner, request, part) values ($1, $2, $3)";
        let owner = *self.tenant.id().as_uuid();
        match self.work {
            Work::Read => owners_on_tokio_postgres(&mut db.read()).await,
            Work::Long => db.read().query("select pg_sleep(2)", &[]).await.map(|_| Vec::new()),
            Work::Write => {
                let mut scope = db.write();
                scope.execute(INSERT, &[&owner, &self.number, &"first"]).await?;
                let mut nested = scope.nested().await?;
                nested.execute(INSERT, &[&owner, &self.number, &"undone"]).await?;
                drop(nested);
                let seen = owners_on_tokio_postgres(&mut scope).await?;
                scope.execute_and_commit(INSERT, &[&owner, &self.number, &"last"]).await?;
                Ok(seen)
            }
        }
    }

    async fn on_sqlx(&self, db: &TenantDb<Sqlx>) -> Result<Vec<Uuid>, ScopeError> {
        let owner = *self.tenant.id().as_uuid();
        let insert = |part: &'static str| {
            sqlx::query("insert into notes (owner, request, part) values ($1, $2, $3)")
                .bind(owner)
                .bind(self.number)
                .bind(part)
        };
        match self.work {
            Work::Read => owners_on_sqlx(&mut db.read()).await,
            Work::Long => {
                sqlx::query("select pg_sleep(2)").execute(&mut db.read()).await?;
                Ok(Vec::new())
            }
            Work::Write => {
                let mut scope = db.write();
                insert("first").execute(&mut scope).await?;
                let mut nested = scope.nested().await?;
                insert("undone").execute(&mut *nested).await?;
                drop(nested);
                let seen = owners_on_sqlx(&mut scope).await?;
                insert("last").execute(&mut scope).await?;
                scope.commit().await?;
                Ok(seen)
            }
        }
    }
}

async fn owners_on_tokio_postgres<A: Access>(scope: &mut Scope<TokioPostgres, A>) -> Result<Vec<Uuid>, ScopeError> {
    let rows = scope.query("select owner from notes", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn owners_on_sqlx<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<Uuid>, ScopeError> {
    Ok(sqlx::query_scalar::<_, Uuid>("select owner from notes").fetch(scope).try_collect().await?)
}

/// Reads that must be answered, on both drivers, with the tenant's rows and no others.
pub(super) async fn look(fleet: &Fleet, tenant: &Arc<Tenant>) -> anyhow::Result<()> {
    let own = *tenant.id().as_uuid();
    let mut owners = owners_on_tokio_postgres(&mut fleet.db(tenant).read()).await?;
    owners.extend(owners_on_sqlx(&mut fleet.db(tenant).read()).await?);
    ensure!(owners.iter().all(|owner| *owner == own), "tenant {own} sees rows of another one");
    Ok(())
}

/// Polls a future at most `polls` times, then drops it.
async fn cut_off<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

impl Tally {
    pub(super) fn add(&mut self, outcome: Outcome) {
        match outcome.result {
            None => self.cut_off += 1,
            Some(Err(error)) => *self.refused.entry(error.kind().as_str()).or_default() += 1,
            Some(Ok(owners)) => {
                self.done += 1;
                self.rows += owners.len();
                if owners.iter().any(|owner| *owner != outcome.tenant) {
                    self.wrong.push(outcome.number);
                }
                if outcome.writes {
                    self.committed.push(outcome.number);
                }
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, cut_off, refused, rows, wrong, .. } = self;
        write!(
            f,
            "{done} requests done, {cut_off} cut off, refused {refused:?}; {rows} rows seen, {} of them wrong",
            wrong.len()
        )
    }
}
