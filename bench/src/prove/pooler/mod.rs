//! Behind PgBouncer no transaction meets what another tenant left on its backend; and what a pooler costs.

mod throughput;

use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use freehold_testing::{Crowd, Front, look_for_leaks};

#[derive(Args, Clone, Debug)]
pub(crate) struct Pooler {
    /// Transactions behind each mode of PgBouncer, spread over the three models; 0 measures throughput alone.
    #[arg(long, default_value_t = 50_000)]
    transactions: usize,
    /// Tenants of each model.
    #[arg(long, default_value_t = 6)]
    tenants: usize,
    /// Rounds in which throughput is measured, each with a turn for every way to the server.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// What chance begins with; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
}

/// Where there is no PgBouncer.
const MISSING: &str = "PgBouncer is not installed: apt-get install pgbouncer";

impl Pooler {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let seed = self.seed.unwrap_or_else(rand::random);
        println!("seed {seed}: {} transactions a mode, {} tenants of each model", self.transactions, self.tenants);
        let fronts = [Front::Transactions, Front::Sessions].into_iter().filter(|_| self.transactions > 0);
        for front in fronts {
            let started = Instant::now();
            let crowd = Crowd::gather(front, self.tenants, 2).await.context(MISSING)?;
            let tally = look_for_leaks(&crowd, self.transactions, seed).await;
            println!("{}, 2 backends: {tally}; {:.0?}", front.name(), started.elapsed());
            ensure!(tally.leaks.is_empty(), "the boundary does not hold: {:#?}", tally.leaks);
            ensure!(tally.clean * 4 > self.transactions, "too few transactions looked for leaks");
        }
        println!("{}", throughput::measure(self.tenants, self.rounds, seed).await?);
        Ok(())
    }
}
