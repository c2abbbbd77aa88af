//! A whole deployment with one command.

mod ready;
mod setup;

use std::ffi::OsStr;
use std::path::Path;

use anyhow::Context;
use freehold_control::ControlPlane;
use freehold_server::{Worker, stop_requested};
use http::Uri;
use tokio::sync::oneshot;

use self::ready::Probe;
use super::child::Running;
use super::init::initialise;
use crate::cli::Up;
use crate::deployment::Deployment;
use crate::failure::Outcome;
use crate::json::{Document, Environment};
use crate::output;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, up: Up) -> anyhow::Result<Outcome> {
    let stop = stop_requested()?;
    let probe = up.ready_url.as_ref().map(Probe::new).transpose()?;
    initialise(settings)?;
    let deployment = Deployment::open_to_stay(settings).await?;
    if !up.command.is_empty() {
        // Before anything is done: the command would be of no use without it.
        deployment.reader_url()?;
    }
    let mut stop = std::pin::pin!(stop);
    tokio::select! {
        set_up = setup::set_up(settings, &deployment, &up) => set_up?,
        signal = &mut stop => {
            deployment.close().await?;
            return Ok(Outcome::Stopped(signal));
        }
    }
    let key = std::path::absolute(&settings.master_key_file)?;
    if up.command.is_empty() {
        match deployment.reader_url() {
            Ok(url) => print_environment(settings, url, &key)?,
            Err(_) => settings.output.note(
                "the server is set up; give the application FREEHOLD_CATALOG_URL, which is the catalog's URL as \
                 freehold_reader, and FREEHOLD_MASTER_KEY_FILE, and run `freehold serve worker` beside it",
            ),
        }
        deployment.leave_running().await?;
        return Ok(Outcome::Done);
    }
    let url = deployment.reader_url()?;
    let variables = [("FREEHOLD_CATALOG_URL", OsStr::new(url)), ("FREEHOLD_MASTER_KEY_FILE", key.as_os_str())];
    let child = Running::start(&up.command, variables).context("cannot start the command")?;
    let ready = probe.as_ref().zip(up.ready_url.as_ref());
    let code = beside_worker(deployment.control().clone(), child, ready, stop).await;
    deployment.close().await?;
    Ok(Outcome::Child(code?))
}

/// Runs a worker for as long as the command runs, then returns the command's code.
async fn beside_worker(
    control: ControlPlane,
    mut child: Running,
    ready: Option<(&Probe, &Uri)>,
    stop: impl Future<Output = i32>,
) -> anyhow::Result<u8> {
    let (ended, worker_stops) = oneshot::channel::<()>();
    let worker = tokio::spawn(async move { Worker::new(control).run(worker_stops).await });
    let announce = async {
        if let Some((probe, url)) = ready {
            probe.answers().await;
            announce(url)?;
        }
        std::future::pending::<anyhow::Result<u8>>().await
    };
    let code = tokio::select! {
        code = child.ended() => code,
        signal = stop => child.stop(signal).await,
        failed = announce => failed,
    };
    // The worker also ends when it cannot be told to: the channel is gone then.
    drop(ended);
    worker.await?;
    code
}

fn announce(url: &Uri) -> anyhow::Result<()> {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    output::line(&format!("ready http://{authority}"))
}

/// What an application needs, in the form of a shell.
fn print_environment(settings: &Settings, url: &str, key: &Path) -> anyhow::Result<()> {
    let shown = Environment { freehold_catalog_url: url, freehold_master_key_file: key };
    settings.output.print(&Document::Environment(shown), || {
        format!(
            "export FREEHOLD_CATALOG_URL={}\nexport FREEHOLD_MASTER_KEY_FILE={}",
            quoted(url),
            quoted(&key.to_string_lossy())
        )
    })?;
    settings.output.note("set these for your application, and run `freehold serve worker` beside it");
    Ok(())
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
