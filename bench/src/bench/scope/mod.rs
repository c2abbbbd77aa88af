//! What a scope costs: one SELECT of 20 rows and one INSERT, beside drivers without tenancy and beside a plain setting.
//!
//! Everything runs in one go on one server. Variants take turns in rounds, so that whatever else the machine does hits all
//! of them alike; what counts is the ratio to raw tokio-postgres.

mod client;
mod measure;
mod report;
mod schema;
mod variant;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use self::client::{ROWS_PER_TENANT, Work};
use self::measure::{Load, Sample};
use self::report::{Group, Report};
use self::variant::{Address, CLIENTS, Variant};
use super::deployment::{Deployment, Population};
use super::network;
use super::tenants::{Picker, Spread};

/// The round-trip time that the slow network adds.
const ADDED: Duration = Duration::from_micros(500);

/// How `bench scope` measures.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Less of everything: under 90 seconds, for a look.
    #[arg(long)]
    quick: bool,
    /// Tenants of `shared` and of `schema` [default: 1000, quick: 100]
    #[arg(long)]
    tenants: Option<usize>,
    /// Tenants of `database`, each with a database
    #[arg(long, default_value_t = 20)]
    databases: usize,
    /// Seed of the random choices.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Only variants whose name contains this, beside raw tokio-postgres.
    #[arg(long)]
    only: Option<String>,
    /// Writes the report here as well.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// How long what is measured.
struct Plan {
    rounds: usize,
    round: Duration,
    warm_up: Duration,
    /// How long each variant works on each load before anything is measured.
    settle: Duration,
    seed: u64,
    only: Option<String>,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let start = Instant::now();
    let count = options.tenants.unwrap_or(if options.quick { 100 } else { 1_000 });
    let population = Population { shared: count, schema: count, database: options.databases };
    let millis = Duration::from_millis;
    let (rounds, round, warm_up, settle) = if options.quick {
        (1, millis(150), millis(50), millis(50))
    } else {
        (3, millis(350), millis(150), millis(2_000))
    };
    let plan = Plan { rounds, round, warm_up, settle, seed: options.seed, only: options.only };

    eprintln!("setting up {count} tenants in shared tables, {count} schemas, {} databases", options.databases);
    let deployment = set_up(population).await?;
    eprintln!("set up in {:.0?}", start.elapsed());

    let mut report = Report::new(deployment.version(), population, options.seed);
    let socket = Address { host: deployment.socket_dir().to_string_lossy().into_owned(), port: deployment.port() };
    measure(&deployment, &socket, population, &plan, "loopback", &mut report).await?;
    let socket_file = deployment.socket_dir().join(format!(".s.PGSQL.{}", deployment.port()));
    let port = network::delayed(&socket_file, ADDED).await?;
    let slow = Address { host: "127.0.0.1".to_owned(), port };
    measure(&deployment, &slow, population, &plan, "0.5 ms of added round-trip time", &mut report).await?;

    report.took = start.elapsed();
    let text = report.to_markdown();
    println!("{text}");
    if let Some(path) = options.out {
        std::fs::write(path, text)?;
    }
    Ok(())
}

async fn set_up(population: Population) -> anyhow::Result<Deployment> {
    let deployment = Deployment::start(schema::MIGRATIONS).await?;
    deployment.populate(population).await?;
    deployment.fill(&schema::fill(ROWS_PER_TENANT)).await?;
    let data = deployment.data().await?;
    let shared = data.query_one("select id from freehold.placements where model = 'shared'", &[]).await?;
    data.batch_execute(&schema::baselines(shared.try_get(0)?)).await?;
    Ok(deployment)
}

/// Measures every combination on one network.
async fn measure(
    deployment: &Deployment,
    address: &Address,
    population: Population,
    plan: &Plan,
    network: &'static str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut variants = Variant::all(deployment, address, population).await?;
    if let Some(only) = &plan.only {
        let mut first = true;
        variants.retain(|variant| std::mem::take(&mut first) || variant.name.contains(only.as_str()));
    }
    // Opens every connection, and lets each get to know the schemas it will work in: a server plans a statement five times
    // before it keeps a plan.
    for variant in &mut variants {
        for (work, spread) in Work::ALL.into_iter().flat_map(|work| Spread::ALL.map(|spread| (work, spread))) {
            let picker = Arc::new(Picker::new(spread, variant.tenants));
            let (duration, server) = (plan.settle, deployment.server_pid());
            let load = Load { work, clients: CLIENTS, picker, duration, seed: plan.seed, server };
            measure::run(variant, &load).await?;
        }
    }
    for work in Work::ALL {
        for clients in [1, CLIENTS] {
            let mut group = Group::new(network, work, clients, &variants);
            for (column, spread) in Spread::ALL.into_iter().enumerate() {
                eprintln!("{network}, {}, {clients} clients, {spread:?}", work.name());
                for round in 0..plan.rounds {
                    for turn in 0..variants.len() {
                        // Nobody always runs behind the same neighbour.
                        let index = (turn + round * 3) % variants.len();
                        let variant = &mut variants[index];
                        let mut load = Load {
                            work,
                            clients,
                            picker: Arc::new(Picker::new(spread, variant.tenants)),
                            duration: plan.warm_up,
                            seed: plan.seed + (round as u64) * 1_000,
                            server: deployment.server_pid(),
                        };
                        measure::run(variant, &load).await?;
                        load.duration = plan.round;
                        load.seed += 500;
                        let sample: Sample = measure::run(variant, &load).await?;
                        group.add(index, column, sample);
                    }
                }
            }
            report.groups.push(group.finished());
        }
    }
    Ok(())
}
