//! The list endpoint of 20 rows: axum and Freehold beside django-tenants, under the same load generator in one run.

mod app;
mod load;
mod peer;
mod report;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use freehold::isolation::PoolOptions;
use freehold::tenant::Model;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};

use self::load::{Load, Measured, Target};
use self::peer::Peer;
use self::report::Row;
use super::deployment::{Deployment, Population};

/// How `bench http` measures.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Less of everything: under 90 seconds once the peer is set up.
    #[arg(long)]
    quick: bool,
    /// Tenants of `shared` and of `schema`; the peer has 1,000 [default: 1000, quick: 100]
    #[arg(long)]
    tenants: Option<usize>,
    /// Tenants of `database`, each with a database.
    #[arg(long, default_value_t = 20)]
    databases: usize,
    /// Connections of the load generator.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Writes the report here as well.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What the peer's scripts set up.
const TENANTS: usize = 1_000;

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let start = Instant::now();
    load::check()?;
    let peer = tokio::task::spawn_blocking(Peer::start).await??;
    let count = options.tenants.unwrap_or(if options.quick { 100 } else { TENANTS }).min(TENANTS);
    let population = Population { shared: count, schema: count, database: options.databases };
    eprintln!("setting up {count} tenants in shared tables, {count} schemas, {} databases", options.databases);
    let deployment = Deployment::start(app::MIGRATIONS).await?;
    deployment.populate(population).await?;
    deployment.fill(app::FILL).await?;
    let mut pool = PoolOptions::default();
    pool.capacity = 4 * options.connections;
    let freehold = deployment.application(pool.clone()).await?;
    pool.generic_plans = true;
    let planning_once = deployment.application(pool).await?;
    let without_tenants = without_tenants(&deployment, options.connections).await?;
    let (port, port_planning_once) = (app::serve(&freehold).await?, app::serve(&planning_once).await?);
    let port_without = app::serve_without_tenants(without_tenants).await?;

    let mut rows = Vec::new();
    if let Some(peer) = &peer {
        for tenants in [1, count] {
            rows.push(Row::new(
                "django-tenants",
                Target { port: peer.port(), path: "/orders", prefix: "t", suffix: ".bench.test", tenants },
            ));
        }
    }
    let target = Target { port: port_without, path: "/orders", prefix: "t", suffix: ".bench.test", tenants: 1 };
    rows.push(Row::new("axum + sqlx, without tenants", target));
    for (model, prefix) in [(Model::Shared, "shared-"), (Model::Schema, "schema-"), (Model::Database, "database-")] {
        for tenants in [1, population.of(model)] {
            let target = Target { port, path: "/orders", prefix, suffix: ".bench.test", tenants };
            rows.push(Row::new(format!("axum + Freehold `{model}`"), target));
        }
        if model == Model::Schema {
            let target =
                Target { port: port_planning_once, path: "/orders", prefix, suffix: ".bench.test", tenants: count };
            rows.push(Row::new("axum + Freehold `schema`, `generic_plans`", target));
        }
    }
    let (rounds, seconds) = if options.quick { (1, 2) } else { (3, 5) };
    measure(&mut rows, rounds, seconds, options.connections).await?;

    let report = report::Report {
        server: deployment.version(),
        peer: peer.is_some(),
        connections: options.connections,
        took: start.elapsed(),
        rows: &rows,
    };
    let text = report.to_markdown();
    println!("{text}");
    if let Some(path) = options.out {
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// A database with one application's data in it, and sqlx's own pool.
async fn without_tenants(deployment: &Deployment, connections: usize) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::new_without_pgpass()
        .socket(deployment.socket_dir())
        .port(deployment.port())
        .username("postgres")
        .ssl_mode(PgSslMode::Disable)
        .disable_statement_logging();
    let administrator = PgPool::connect_with(options.clone().database("postgres")).await?;
    sqlx::raw_sql("create database without_tenants").execute(&administrator).await?;
    let pool = PgPoolOptions::new().max_connections(connections.try_into()?);
    let pool = pool.connect_with(options.database("without_tenants")).await?;
    sqlx::raw_sql(app::FILL_WITHOUT_TENANTS).execute(&pool).await?;
    Ok(pool)
}

/// All take turns in each round, after a second of warming up.
async fn measure(rows: &mut [Row], rounds: usize, seconds: u64, connections: usize) -> anyhow::Result<()> {
    for round in 0..rounds {
        for row in &mut *rows {
            eprintln!("round {}, {}, {} tenants", round + 1, row.name, row.target.tenants);
            let mut load = Load { connections, duration: Duration::from_secs(1) };
            load.run(&row.target).await?;
            load.duration = Duration::from_secs(seconds);
            let measured: Measured = load.run(&row.target).await?;
            anyhow::ensure!(measured.failed == 0, "{} of the answers of {} were errors", measured.failed, row.name);
            row.rounds.push(measured);
        }
    }
    Ok(())
}
