//! What each command does.

mod check;
mod child;
mod cluster;
mod doctor;
mod init;
mod migrate;
mod observe;
mod pg;
mod scan;
mod seal;
mod serve;
mod status;
mod tenant;
mod up;

use freehold_server::stop_requested;

use crate::cli::{Cli, Command};
use crate::failure::Outcome;
use crate::settings::Settings;

/// Runs a command to its end, or until a signal ends it.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let settings = &Settings::read(&cli.global)?;
    match cli.command {
        // These two end in good order on a signal.
        Command::Up(up) => up::run(settings, up).await,
        Command::Serve(serve) => serve::run(settings, serve).await,
        Command::Child(child) => child::run(child),
        Command::Init => init::run(settings),
        Command::Status => unless_stopped(status::run(settings)).await,
        Command::Doctor(doctor) => unless_stopped(doctor::run(settings, doctor)).await,
        Command::Tenant(command) => unless_stopped(tenant::run(settings, command)).await,
        Command::Cluster(command) => unless_stopped(cluster::run(settings, command)).await,
        Command::Migrate(command) => unless_stopped(migrate::run(settings, command)).await,
        Command::Check(check) => unless_stopped(check::run(settings, check)).await,
        Command::Observe(command) => unless_stopped(observe::run(settings, command)).await,
        Command::Scan(command) => unless_stopped(scan::run(settings, command)).await,
        Command::Seal(command) => unless_stopped(seal::run(settings, command)).await,
        Command::Pg(command) => unless_stopped(pg::run(settings, command)).await,
    }
}

/// A signal drops the command where it is, and with it the private server it may have started.
async fn unless_stopped(command: impl Future<Output = anyhow::Result<Outcome>>) -> anyhow::Result<Outcome> {
    let stop = stop_requested()?;
    tokio::select! {
        outcome = command => outcome,
        signal = stop => Ok(Outcome::Stopped(signal)),
    }
}
