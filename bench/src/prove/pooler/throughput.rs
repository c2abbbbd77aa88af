//! Requests per second by each way to the server, in one run, beside connections to PostgreSQL itself.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::Context;
use freehold::isolation::{Sqlx, TenantDb, TokioPostgres};
use freehold::tenant::Model;
use freehold_testing::{Crowd, Front};
use futures_util::future::try_join_all;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::MISSING;

/// Connections of a process, and backends behind a pooler.
const CONNECTIONS: usize = 20;
const CLIENTS: usize = 32;
const ROUND: Duration = Duration::from_millis(500);
const SELECT: &str = "select id, text from notes where id > $1 order by id limit 20";
const INSERT: &str = "insert into notes (text) values ($1)";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Select,
    Insert,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    TokioPostgres,
    Sqlx,
}

/// A tenant's database, by either driver.
struct Db {
    first: TenantDb<TokioPostgres>,
    second: TenantDb<Sqlx>,
}

pub(super) async fn measure(tenants: usize, rounds: usize, seed: u64) -> anyhow::Result<String> {
    let mut fronts = Vec::new();
    for front in Front::ALL {
        let crowd = Crowd::gather(front, tenants, CONNECTIONS).await.context(MISSING)?;
        // Sessions keep their backends, and there are two drivers.
        let capacity = if front == Front::Sessions { CONNECTIONS / 2 } else { CONNECTIONS };
        let application = crowd.application(capacity).await;
        for tenant in &crowd.tenants {
            let rows =
                "insert into notes (tenant_id, text) select $1, 'note ' || number from generate_series(1, 200) number";
            crowd.deployment.truth(tenant).await.execute(rows, &[tenant.id().as_uuid()]).await?;
        }
        fronts.push((crowd, application));
    }
    let mut out = String::from(
        "| 32 clients | driver | PostgreSQL itself | PgBouncer, transactions | PgBouncer, sessions |\n|---|---|---:|---:|---:|\n",
    );
    for model in Model::ALL {
        for work in [Work::Select, Work::Insert] {
            for wire in [Wire::TokioPostgres, Wire::Sqlx] {
                let mut rates = [0.0; Front::ALL.len()];
                // The first round opens connections and counts for nothing.
                for round in 0..=rounds {
                    for turn in 0..fronts.len() {
                        let index = (turn + round) % fronts.len();
                        let (crowd, application) = &fronts[index];
                        let dbs: Vec<Db> = crowd
                            .tenants
                            .iter()
                            .filter(|tenant| tenant.model() == Some(model))
                            .map(|tenant| Db {
                                first: application.tenant_db(tenant),
                                second: application.tenant_db(tenant),
                            })
                            .collect();
                        let rate = requests(&dbs, work, wire, seed + round as u64).await?;
                        if round > 0 {
                            rates[index] += rate / rounds as f64;
                        }
                    }
                }
                let name = if work == Work::Select { "SELECT of 20 rows" } else { "INSERT of one row" };
                let driver = if wire == Wire::Sqlx { "sqlx" } else { "tokio-postgres" };
                write!(out, "| {name}, `{model}` | {driver} |")?;
                for rate in rates {
                    write!(out, " {:.2} ({rate:.0}/s) |", rate / rates[0])?;
                }
                out.push('\n');
            }
        }
    }
    Ok(out)
}

async fn requests(dbs: &[Db], work: Work, wire: Wire, seed: u64) -> anyhow::Result<f64> {
    let started = Instant::now();
    let clients = (0..CLIENTS).map(|client| async move {
        let mut random = SmallRng::seed_from_u64(seed ^ ((client as u64) << 32));
        let mut count = 0;
        while started.elapsed() < ROUND {
            let db = &dbs[random.random_range(0..dbs.len())];
            let after: i64 = random.random_range(0..100);
            match (work, wire) {
                (Work::Select, Wire::TokioPostgres) => {
                    db.first.read().query(SELECT, &[&after]).await?;
                }
                (Work::Select, Wire::Sqlx) => {
                    sqlx::query(SELECT).bind(after).fetch_all(&mut db.second.read()).await?;
                }
                (Work::Insert, Wire::TokioPostgres) => {
                    db.first.write().execute_and_commit(INSERT, &[&"an ordinary note"]).await?;
                }
                (Work::Insert, Wire::Sqlx) => {
                    let mut scope = db.second.write();
                    sqlx::query(INSERT).bind("an ordinary note").execute(&mut scope).await?;
                    scope.commit().await?;
                }
            }
            count += 1;
        }
        anyhow::Ok(count)
    });
    let count: usize = try_join_all(clients).await?.into_iter().sum();
    Ok(count as f64 / started.elapsed().as_secs_f64())
}
