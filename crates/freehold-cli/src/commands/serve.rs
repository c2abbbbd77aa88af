use std::net::SocketAddr;

use freehold_control::ControlPlane;
use freehold_server::{Status, Worker, stop_requested};
use tokio::net::TcpListener;

use crate::cli::Serve;
use crate::deployment::Deployment;
use crate::failure::{Advised, Outcome};
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, serve: Serve) -> anyhow::Result<Outcome> {
    let Serve::Worker { tasks, metrics_listen } = serve;
    let stop = stop_requested()?;
    let deployment = Deployment::open_to_stay(settings).await?;
    // A deployment that is not there yet is an error now, not a line in the log every second.
    let control = deployment.control();
    control.tenants().await?;
    let status = match metrics_listen {
        Some(address) => Some(tokio::spawn(serve_status(settings, control, address).await?)),
        None => None,
    };
    settings.output.note("the worker works; Ctrl-C stops it");
    Worker::new(control.clone()).tasks(tasks).run(stop).await;
    if let Some(status) = status {
        status.abort();
    }
    deployment.close().await?;
    Ok(Outcome::Done)
}

/// Listens at once, so that an address that is taken is an error. What is returned answers.
async fn serve_status(
    settings: &Settings,
    control: &ControlPlane,
    address: SocketAddr,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let hint = "name another with --metrics-listen; a port alone is on this machine";
        Advised::new(format!("cannot listen on {address}: {error}"), hint)
    })?;
    settings.output.note(&format!("metrics are on http://{}/metrics", listener.local_addr()?));
    let status = Status::record(control)?;
    Ok(async move {
        if let Err(error) = status.serve(listener).await {
            tracing::error!(error = &error as &dyn std::error::Error, "metrics are not served any more");
        }
    })
}
