//! What each command does.

mod check;
mod child;
mod doctor;
mod init;
mod migrate;
mod pg;
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
    let settings = Settings::read(&cli.global)?;
    match cli.command {
        Command::Child(child) => child::run(child),
        // These two end in good order on a signal.
        Command::Up(up) => up::run(&settings, up).await,
        Command::Serve(serve) => serve::run(&settings, serve).await,
        command => {
            let stop = stop_requested()?;
            tokio::select! {
                outcome = short(&settings, command) => outcome,
                signal = stop => Ok(Outcome::Stopped(signal)),
            }
        }
    }
}

async fn short(settings: &Settings, command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Init => init::run(settings),
        Command::Status => status::run(settings).await,
        Command::Doctor => doctor::run(settings).await,
        Command::Tenant(command) => tenant::run(settings, command).await,
        Command::Migrate(command) => migrate::run(settings, command).await,
        Command::Check => check::run(settings).await,
        Command::Seal(command) => seal::run(settings, command).await,
        Command::Pg(command) => pg::run(settings, command).await,
        Command::Up(_) | Command::Serve(_) | Command::Child(_) => {
            unreachable!("`run` handles these")
        }
    }
}
