use freehold_server::{Worker, stop_requested};

use crate::cli::Serve;
use crate::deployment::Deployment;
use crate::failure::Outcome;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, serve: Serve) -> anyhow::Result<Outcome> {
    let Serve::Worker { tasks } = serve;
    let stop = stop_requested()?;
    let deployment = Deployment::open_to_stay(settings).await?;
    // A deployment that is not there yet is an error now, not a line in the log every second.
    let control = deployment.control();
    control.tenants().await?;
    settings.output.note("the worker works; Ctrl-C stops it");
    Worker::new(control.clone()).tasks(tasks).run(stop).await;
    deployment.close().await?;
    Ok(Outcome::Done)
}
