//! Tenants leave whatever SQL can leave on a backend, and others look for it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use freehold::Freehold;
use freehold::isolation::{ScopeError, Sqlx, TenantDb, TokioPostgres};
use freehold::tenant::Tenant;
use futures_util::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::Row as _;

use super::{Crowd, Front};

/// Transactions that one process makes, before another one takes over its backends.
const PER_PROCESS: usize = 1_000;
/// At the same time.
const CLIENTS: usize = 16;

/// The tenant's notes; and of what others can leave on a backend, how much is there.
const LOOK: &str = "select n.text, (coalesce(current_setting('left.by', true), '') <> '')::integer
        + (current_setting('TimeZone') <> 'UTC')::integer
        + (current_setting('row_security') <> 'on')::integer
        + (current_setting('search_path') not like 't\\_%,pg_temp')::integer
        + (current_setting('statement_timeout') <> '0')::integer
        + (select count(*) from pg_prepared_statements where name <> '' and from_sql)::integer
        + (select count(*) from pg_cursors where is_holdable)::integer
        + (select count(*) from pg_listening_channels())::integer as left_behind
    from notes n";

/// What a tenant's SQL leaves, each in a scope of its own and committed if it can be.
const LEAVE: &[&[&str]] = &[
    &[
        "select set_config('left.by', current_setting('freehold.token'), false), set_config('TimeZone', 'Asia/Tokyo', false)",
    ],
    &[
        "select set_config('freehold.token', current_setting('freehold.token'), false), set_config('row_security', 'off', false)",
    ],
    &[
        "select set_config('search_path', current_setting('search_path'), false)",
        "set session statement_timeout = '1ms'",
    ],
    &[
        "prepare s0 as select 'left'::text, 1",
        "prepare sqlx_s_1 as select 'left'::text, 1",
        "prepare freehold_bind as select 1",
    ],
    &["declare left_open cursor with hold for select text from notes", "listen left_behind"],
    &["set session characteristics as transaction isolation level serializable, read only, deferrable"],
    &[
        "set session default_transaction_read_only = on",
        "set session bytea_output = 'escape'",
        "set session DateStyle = 'SQL, DMY'",
    ],
    &["select set_config('freehold.token', current_setting('freehold.token'), false)", "commit and chain", "commit"],
    &["deallocate all", "discard plans", "set session client_encoding = 'LATIN1'"],
    &[
        "set session role = none",
        "set session lock_timeout = '1ms'",
        "set session idle_in_transaction_session_timeout = '1ms'",
    ],
];

/// What came of it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Leaks {
    /// Transactions in all.
    pub transactions: usize,
    /// Those that looked for leaks, and saw their own notes alone.
    pub clean: usize,
    /// How many notes they saw.
    pub rows: usize,
    /// Those that wrote.
    pub committed: usize,
    /// Those that left things behind.
    pub left: usize,
    /// Those whose statement was dropped while it ran.
    pub cut_off: usize,
    /// Requests of honest tenants that failed, by why.
    pub failed: BTreeMap<String, usize>,
    /// What was seen that should not have been.
    pub leaks: Vec<String>,
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transactions, clean, rows, committed, left, cut_off, failed, leaks } = self;
        write!(
            f,
            "{transactions} transactions, {left} of them leaving things behind, {cut_off} cut off, {committed} writes committed; {clean} looked, and saw {rows} \
             rows of their own; leaks: {}; failed: {failed:?}",
            leaks.len()
        )
    }
}

/// Runs transactions of every tenant in turn: most look, some write, some are cut off, and some leave behind what they can.
pub async fn look_for_leaks(crowd: &Crowd, transactions: usize, seed: u64) -> Leaks {
    let first = crowd.application(1).await;
    for tenant in &crowd.tenants {
        insert(&first.tenant_db(tenant), tenant, 0).await.unwrap();
    }
    drop(first);
    let mut found = Leaks::default();
    // A session keeps its backend: each driver gets one of the two.
    let capacity = if crowd.front == Front::Sessions { 1 } else { CLIENTS };
    for process in 0..transactions.div_ceil(PER_PROCESS) {
        let application = crowd.application(capacity).await;
        let numbers = process * PER_PROCESS..transactions.min((process + 1) * PER_PROCESS);
        let requests = numbers.map(|number| request(&application, &crowd.tenants, seed, number));
        let mut requests = stream::iter(requests).buffer_unordered(CLIENTS);
        while let Some(seen) = requests.next().await {
            found.add(seen);
        }
    }
    for tenant in &crowd.tenants {
        found.leaks.extend(find_astray(crowd, tenant).await);
    }
    found
}

/// What a request saw.
enum Seen {
    /// How many notes, all of them the tenant's own.
    Notes(usize),
    Leak(String),
    Committed,
    Left,
    CutOff,
    Failed(String),
}

impl Leaks {
    fn add(&mut self, seen: Seen) {
        self.transactions += 1;
        match seen {
            Seen::Notes(rows) => {
                self.clean += 1;
                self.rows += rows;
            }
            Seen::Leak(leak) => self.leaks.push(leak),
            Seen::Committed => self.committed += 1,
            Seen::Left => self.left += 1,
            Seen::CutOff => self.cut_off += 1,
            Seen::Failed(why) => *self.failed.entry(why).or_default() += 1,
        }
    }
}

async fn request(application: &Freehold, tenants: &[Arc<Tenant>], seed: u64, number: usize) -> Seen {
    let mut random = StdRng::seed_from_u64(seed ^ ((number as u64) << 32));
    let tenant = &tenants[random.random_range(0..tenants.len())];
    let (first, second) = (application.tenant_db::<TokioPostgres>(tenant), application.tenant_db::<Sqlx>(tenant));
    let done = match random.random_range(0..100) {
        0..35 => look(&first, tenant).await,
        35..60 => look_by_sqlx(&second, tenant).await,
        60..75 => insert(&first, tenant, number).await.map(|()| Seen::Committed),
        75..80 => cut_off(&first, &mut random).await,
        _ => leave(&first, LEAVE[random.random_range(0..LEAVE.len())]).await,
    };
    done.unwrap_or_else(|error| Seen::Failed(format!("{:?} {}", error.kind(), error.sqlstate().unwrap_or_default())))
}

async fn look(db: &TenantDb<TokioPostgres>, tenant: &Tenant) -> Result<Seen, ScopeError> {
    let rows = db.read().query(LOOK, &[]).await?;
    Ok(judge(tenant, rows.iter().map(|row| (row.get(0), row.get(1)))))
}

async fn look_by_sqlx(db: &TenantDb<Sqlx>, tenant: &Tenant) -> Result<Seen, ScopeError> {
    let rows = sqlx::query(LOOK).fetch_all(&mut db.read()).await?;
    Ok(judge(tenant, rows.iter().map(|row| (row.get(0), row.get(1)))))
}

fn judge<'a>(tenant: &Tenant, rows: impl Iterator<Item = (&'a str, i32)>) -> Seen {
    let mut count = 0;
    for (text, left_behind) in rows {
        if text.split(' ').next() != Some(tenant.slug().as_str()) || left_behind != 0 {
            return Seen::Leak(format!("{} saw {text:?}, with {left_behind} things left behind", tenant.slug()));
        }
        count += 1;
    }
    if count == 0 { Seen::Leak(format!("{} saw nothing", tenant.slug())) } else { Seen::Notes(count) }
}

async fn insert(db: &TenantDb<TokioPostgres>, tenant: &Tenant, number: usize) -> Result<(), ScopeError> {
    let text = format!("{} {number}", tenant.slug());
    // Few rows, so that to look is not to read a book.
    let sql = "insert into notes (text) select $1 where (select count(*) from notes) < 20";
    db.write().execute_and_commit(sql, &[&text]).await.map(drop)
}

async fn leave(db: &TenantDb<TokioPostgres>, statements: &[&str]) -> Result<Seen, ScopeError> {
    let mut scope = db.write();
    for sql in statements {
        // Some are refused, and what comes behind those too.
        let _ = scope.ad_hoc(sql, &[]).await;
    }
    let _ = scope.commit().await;
    Ok(Seen::Left)
}

async fn cut_off(db: &TenantDb<TokioPostgres>, random: &mut StdRng) -> Result<Seen, ScopeError> {
    let mut scope = db.write();
    let sleep = "insert into notes (text) select 'half a write' from pg_sleep(0.02)";
    let patience = Duration::from_micros(random.random_range(100..15_000));
    match tokio::time::timeout(patience, scope.execute(sleep, &[])).await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(Seen::CutOff),
    }
}

/// What a tenant has that it did not write, or did not keep.
async fn find_astray(crowd: &Crowd, tenant: &Tenant) -> Vec<String> {
    let truth = crowd.deployment.truth(tenant).await;
    let astray = "select text from notes where tenant_id = $1 and split_part(text, ' ', 1) <> $2";
    let rows = truth.query(astray, &[tenant.id().as_uuid(), &tenant.slug().as_str()]).await.unwrap();
    rows.iter().map(|row| format!("{} has {:?}", tenant.slug(), row.get::<_, &str>(0))).collect()
}
