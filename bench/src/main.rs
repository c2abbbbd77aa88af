//! Measurements (`bench NAME`) and claims shown at full size (`prove NAME`). Both start a PostgreSQL of their own.

mod bench;
mod prove;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "freehold-bench")]
enum Command {
    /// Measure, and print a table.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Show a claim at full size.
    #[command(subcommand)]
    Prove(prove::Prove),
}

fn main() -> anyhow::Result<()> {
    let command = Command::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Bench(bench) => runtime.block_on(bench.run()),
        Command::Prove(prove) => runtime.block_on(prove.run()),
    }
}
