//! Programs write attacks on tenant B, tenant A runs them, and nothing of B is seen or changed.

use std::time::Instant;

use anyhow::ensure;
use clap::Args;
use freehold::tenant::Model;
use freehold_testing::{Siege, Tally, sqlsmith};

#[derive(Args, Clone, Debug)]
pub(crate) struct HostileSql {
    /// Statements in all, spread evenly over the three models.
    #[arg(long, default_value_t = 1_000_000)]
    statements: usize,
    /// How many of a hundred SQLsmith writes; the grammar of this project writes the others.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(..=100))]
    sqlsmith: u8,
    /// What chance begins with; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
}

impl HostileSql {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let seed = self.seed.unwrap_or_else(rand::random);
        println!("seed {seed}: {} statements, {} % of them by SQLsmith", self.statements, self.sqlsmith);
        let mut all = Tally::default();
        for model in Model::ALL {
            let started = Instant::now();
            let tally = self.besiege(model, seed).await?;
            println!("{model}: {tally}; {:.0?}", started.elapsed());
            all += tally;
        }
        println!("all: {all}");
        ensure!(all.leaks.is_empty(), "the boundary does not hold: {:#?}", all.leaks);
        ensure!(all.answered > all.statements / 10, "too few statements were good SQL");
        Ok(())
    }

    async fn besiege(&self, model: Model, seed: u64) -> anyhow::Result<Tally> {
        let statements = self.statements.div_ceil(Model::ALL.len());
        let smiths = statements * usize::from(self.sqlsmith) / 100;
        let siege = Siege::lay(model).await;
        let database = siege.database().await;
        let more = tokio::task::spawn_blocking(move || sqlsmith(&database, seed, smiths)).await?;
        ensure!(more.is_some() || smiths == 0, "SQLsmith is not installed: apt-get install sqlsmith, or --sqlsmith 0");
        let more = more.unwrap_or_default();
        let grammar = siege.grammar().await;
        Ok(siege.run(&grammar, seed, statements - more.len().min(statements), more).await)
    }
}
