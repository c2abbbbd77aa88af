//! Any command, with a login that reaches one tenant's rows and lives as long as the command does.

use std::io::{self, IsTerminal};
use std::pin::{Pin, pin};
use std::process::Stdio;

use anyhow::{Context, anyhow};
use freehold::isolation::Mode;
use freehold::tenant::Slug;
use freehold_control::{ControlPlane, Guest};
use freehold_server::stop_requested;
use nix::sys::signal::Signal;

use super::actor;
use crate::cli::Exec;
use crate::commands::child::{Running, Terminal};
use crate::deployment::Deployment;
use crate::failure::{Outcome, chain};
use crate::json::{Document, Executed};
use crate::settings::Settings;

/// Variables that would lead a program elsewhere than its login does (PostgreSQL: libpq, "Environment Variables"), and secrets of
/// an application.
const ELSEWHERE: &[&str] = &[
    "PGHOSTADDR",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGPASSFILE",
    "PGSSLMODE",
    "PGREQUIRESSL",
    "PGTARGETSESSIONATTRS",
    "FREEHOLD_CATALOG_URL",
    "FREEHOLD_DATABASE_URL",
    "FREEHOLD_MASTER_KEY",
    "FREEHOLD_MASTER_KEY_FILE",
];

pub(crate) async fn run(settings: &Settings, exec: Exec) -> anyhow::Result<Outcome> {
    let deployment = Deployment::open_to_stay(settings).await?;
    let outcome = run_for_all(settings, deployment.control(), &exec).await;
    deployment.close().await?;
    outcome
}

async fn run_for_all(settings: &Settings, control: &ControlPlane, exec: &Exec) -> anyhow::Result<Outcome> {
    // What a command that was killed left behind; a worker would do it too, but there may be none.
    control.end_left_over_guests().await?;
    let slugs = slugs(control, exec).await?;
    let mut stop: Stop = Box::pin(stop_requested()?);
    let mut ends = Vec::with_capacity(slugs.len());
    let mut stopped = None;
    for slug in &slugs {
        let end = run_for(settings, control, exec, slug, &mut stop).await;
        stopped = end.as_ref().ok().and_then(|end| end.stopped);
        ends.push((slug, end));
        if stopped.is_some() {
            break;
        }
    }
    if settings.output.is_json() {
        let shown: Vec<Executed<'_>> = ends.iter().map(|(slug, end)| shown(slug, end)).collect();
        settings.output.print(&Document::Exec(&shown), String::new)?;
    }
    if let Some(signal) = stopped {
        return Ok(Outcome::Stopped(signal));
    }
    match (&exec.slug, ends.pop()) {
        (Some(_), Some((_, end))) => end.map(|end| Outcome::Child(end.code)),
        (_, last) => summary(settings, ends.into_iter().chain(last).collect()),
    }
}

/// Ends with a signal that asks us to stop, and tells its number.
type Stop = Pin<Box<dyn Future<Output = i32>>>;

/// How a command ended for a tenant.
struct End {
    code: u8,
    /// The signal that ended it, if it came from outside.
    stopped: Option<i32>,
}

async fn slugs(control: &ControlPlane, exec: &Exec) -> anyhow::Result<Vec<Slug>> {
    if let Some(slug) = &exec.slug {
        return Ok(vec![slug.clone()]);
    }
    let tenants = control.tenants_where(exec.condition.as_deref().unwrap_or("true")).await?;
    let served = tenants.iter().filter(|tenant| ["active", "read_only", "suspended"].contains(&tenant.status.as_str()));
    served.map(|tenant| tenant.slug.parse().context("the catalog has a slug that is none")).collect()
}

/// Runs the command for one tenant. The login is taken away however it ends.
async fn run_for(
    settings: &Settings,
    control: &ControlPlane,
    exec: &Exec,
    slug: &Slug,
    stop: &mut Stop,
) -> anyhow::Result<End> {
    let mode = if exec.write { Mode::Write } else { Mode::Read };
    let command: Vec<String> = exec.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let guest = control.guest(slug, mode, &actor(), &exec.reason, &command).await?;
    let end = beside(settings, exec, &guest, stop).await;
    guest.end().await.context("the command has ended, and its login could not be taken away: a worker tries again")?;
    end
}

async fn beside(settings: &Settings, exec: &Exec, guest: &Guest, stop: &mut Stop) -> anyhow::Result<End> {
    let terminal = if io::stdin().is_terminal() { Terminal::Shared } else { Terminal::Kept };
    let mut process = Running::prepare(&exec.command)?;
    ELSEWHERE.iter().for_each(|name| {
        process.env_remove(name);
    });
    process.envs(guest.environment());
    if settings.output.is_json() {
        // Standard output is for our document.
        process.stdout(Stdio::from(io::stderr()));
    }
    let mut running = Running::spawn(process, terminal).context("cannot start the command")?;
    let mut keep = pin!(guest.keep());
    let (mut kept, mut interrupted) = (true, None);
    loop {
        tokio::select! {
            code = running.ended() => {
                let code = code?;
                return Ok(End { code, stopped: interrupted.filter(|signal| i32::from(code) == 128 + signal) });
            }
            signal = &mut *stop => {
                if terminal == Terminal::Kept || signal != Signal::SIGINT as i32 {
                    return Ok(End { code: running.stop(signal).await?, stopped: Some(signal) });
                }
                // The terminal has told the command too. One that goes on, as psql does, is meant to.
                interrupted = Some(signal);
                *stop = Box::pin(stop_requested()?);
            }
            () = &mut keep, if kept => {
                kept = false;
                settings.output.note("the login was taken away: the tenant is being erased, or this process stood still");
            }
        }
    }
}

fn shown<'a>(slug: &'a Slug, end: &anyhow::Result<End>) -> Executed<'a> {
    match end {
        Ok(end) => Executed { slug: slug.as_str(), code: Some(end.code), error: None },
        Err(error) => Executed { slug: slug.as_str(), code: None, error: Some(chain(error.as_ref())) },
    }
}

/// Of several: for how many it was done, or for whom it failed and how.
fn summary(settings: &Settings, ends: Vec<(&Slug, anyhow::Result<End>)>) -> anyhow::Result<Outcome> {
    let count = ends.len();
    let failed: Vec<String> = ends
        .iter()
        .filter_map(|(slug, end)| match end {
            Ok(End { code: 0, .. }) => None,
            Ok(End { code, .. }) => Some(format!("\n{slug}: exit code {code}")),
            Err(error) => Some(format!("\n{slug}: {}", chain(error.as_ref()))),
        })
        .collect();
    let noun = if count == 1 { "tenant" } else { "tenants" };
    if failed.is_empty() {
        settings.output.note(&format!("done for {count} {noun}"));
        return Ok(Outcome::Done);
    }
    Err(anyhow!("the command failed for {} of {count} {noun}:{}", failed.len(), failed.concat()))
}
