//! What each command does.

mod check;
mod child;
mod cluster;
mod describe;
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
mod user;

use freehold_server::stop_requested;

use crate::cli::{Cli, Command, OfProgram, OnDeployment, Tenant};
use crate::failure::Outcome;
use crate::settings::Settings;

/// Runs a command to its end, or until a signal ends it.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.command {
        Command::OnDeployment(command) => run_on(&Settings::read(&cli.global)?, command).await,
        Command::OfProgram(OfProgram::Completions { shell }) => describe::completions(shell),
        Command::OfProgram(OfProgram::Man { directory }) => describe::man(&directory),
        Command::OfProgram(OfProgram::Reference { directory }) => describe::reference(&directory),
        Command::OfProgram(OfProgram::Child(child)) => child::run(child),
    }
}

async fn run_on(settings: &Settings, command: OnDeployment) -> anyhow::Result<Outcome> {
    match command {
        // These end in good order on a signal.
        OnDeployment::Up(up) => up::run(settings, up).await,
        OnDeployment::Serve(serve) => serve::run(settings, serve).await,
        OnDeployment::Init { table } => init::run(settings, table.as_deref()),
        OnDeployment::Status => unless_stopped(status::run(settings)).await,
        OnDeployment::Doctor(doctor) => unless_stopped(doctor::run(settings, doctor)).await,
        OnDeployment::Tenant(Tenant::Exec(exec)) => tenant::exec(settings, exec).await,
        OnDeployment::Tenant(Tenant::One(command)) => unless_stopped(tenant::run(settings, command)).await,
        OnDeployment::Cluster(command) => unless_stopped(cluster::run(settings, command)).await,
        OnDeployment::Migrate(command) => unless_stopped(migrate::run(settings, command)).await,
        OnDeployment::Check(check) => unless_stopped(check::run(settings, check)).await,
        OnDeployment::Observe(command) => unless_stopped(observe::run(settings, command)).await,
        OnDeployment::Scan(command) => unless_stopped(scan::run(settings, command)).await,
        OnDeployment::User(command) => unless_stopped(user::run(settings, command)).await,
        OnDeployment::Seal(command) => unless_stopped(seal::run(settings, command)).await,
        OnDeployment::Pg(command) => unless_stopped(pg::run(settings, command)).await,
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
