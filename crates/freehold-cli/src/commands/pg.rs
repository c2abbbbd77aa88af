use std::path::Path;
use std::time::Duration;

use freehold_postgres::{Installation, Server, ServerError, Version, tests_state_dir};

use crate::cli::Pg;
use crate::deployment::{blocking, start_private};
use crate::failure::{Advised, Outcome};
use crate::json::{Document, Postgres};
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: Pg) -> anyhow::Result<Outcome> {
    match command {
        Pg::Start => start(settings).await?,
        Pg::Stop { tests: None } => stop(settings).await?,
        Pg::Stop { tests: Some(target) } => stop_tests(settings, &target).await?,
        Pg::Url { database, user } => {
            let server = attach(settings)?;
            let url = server.url_as(&user, &database);
            settings.output.print(&Document::Url(&url), || url.clone())?;
        }
        Pg::Install { major } => {
            let found = blocking(move || Installation::find_or_install(major)).await?;
            let shown = Postgres { version: found.version().to_string(), bin: found.bin() };
            settings.output.print(&Document::Postgres(shown), || {
                format!("PostgreSQL {} in {}", found.version(), found.bin().display())
            })?;
        }
    }
    Ok(Outcome::Done)
}

async fn start(settings: &Settings) -> anyhow::Result<()> {
    let server = start_private(settings, Duration::ZERO).await?;
    let url = server.url("postgres");
    let (word, directory) = (if server.is_owner() { "started" } else { "runs already" }, server.state_dir().to_owned());
    blocking(move || server.detach()).await?;
    settings.output.print(&Document::Url(&url), || url.clone())?;
    settings.output.note(&format!("PostgreSQL {word} in {}; `freehold pg stop` stops it", directory.display()));
    Ok(())
}

async fn stop(settings: &Settings) -> anyhow::Result<()> {
    match Server::attach(settings.postgres_dir()) {
        Err(ServerError::NotRunning { state_dir }) => {
            settings.output.note(&format!("PostgreSQL does not run in {}", state_dir.display()));
        }
        attached => {
            let server = attached?;
            blocking(move || server.stop()).await?;
            settings.output.note("PostgreSQL stopped");
        }
    }
    Ok(())
}

/// The servers of all versions that tests left for the next run.
async fn stop_tests(settings: &Settings, target: &Path) -> anyhow::Result<()> {
    let mut stopped = 0;
    for major in Version::OLDEST..=Version::NEWEST {
        match Server::attach(tests_state_dir(target, major)) {
            Err(ServerError::NotRunning { .. }) => {}
            attached => {
                let server = attached?;
                let directory = server.state_dir().display().to_string();
                blocking(move || server.stop()).await?;
                settings.output.note(&format!("PostgreSQL {major} stopped in {directory}"));
                stopped += 1;
            }
        }
    }
    if stopped == 0 {
        settings.output.note(&format!("no PostgreSQL of tests runs below {}", target.display()));
    }
    Ok(())
}

fn attach(settings: &Settings) -> anyhow::Result<Server> {
    match Server::attach(settings.postgres_dir()) {
        Err(error @ ServerError::NotRunning { .. }) => {
            Err(Advised::new(error.to_string(), "run `freehold pg start`").into())
        }
        attached => Ok(attached?),
    }
}
