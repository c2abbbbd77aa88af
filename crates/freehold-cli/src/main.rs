//! The program `freehold`: parsing and printing. What it does is in the crates below it.

mod cli;
mod commands;
mod deployment;
#[cfg(test)]
mod documents;
mod failure;
mod input;
mod json;
mod output;
mod progress;
mod reference;
mod settings;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => {
            // Nobody is left to tell when the output is closed.
            let _ = refusal.print();
            return ExitCode::from(u8::from(refusal.use_stderr()));
        }
    };
    log();
    // The HTTP client of `scan` brings none of its own. It is the first to install one, so there is none yet.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match commands::run(cli).await {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            eprintln!("{}", failure::render(&error));
            failure::exit_code(&error)
        }
    }
}

/// Logs to standard error, what is wrong and no more unless RUST_LOG says otherwise.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::is_decorated())
        .with_target(false)
        .init();
}
