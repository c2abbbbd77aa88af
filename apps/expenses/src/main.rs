//! Serves `expenses`.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use expenses::{App, Origin};
use freehold::{Config, Freehold};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// How long requests that are running may go on once the program was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The expenses of many organisations. Freehold is configured by FREEHOLD_CATALOG_URL and FREEHOLD_MASTER_KEY_FILE.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The address to listen on.
    #[arg(long, env = "EXPENSES_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where people reach the application [default: http://localhost and the port].
    #[arg(long, env = "EXPENSES_ORIGIN")]
    origin: Option<Origin>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let options = Options::parse();

    let freehold = Freehold::connect(Config::from_env()?).await?;
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    let port = listener.local_addr()?.port();
    let origin = match options.origin {
        Some(origin) => origin,
        None => format!("http://localhost:{port}").parse()?,
    };
    tracing::info!(%origin, listen = %options.listen, "serving {origin}");
    serve(listener, App::new(freehold, origin)).await
}

/// Serves until SIGTERM or SIGINT, and then until the requests that are running are answered, or the grace is over.
async fn serve(listener: TcpListener, app: App) -> anyhow::Result<()> {
    let stopped = stop_signal()?;
    let (stop, mut stopping) = watch::channel(false);
    let server = axum::serve(listener, expenses::router(app)?).with_graceful_shutdown(async move {
        stopped.await;
        tracing::info!("stopping");
        stop.send_replace(true);
    });
    let grace_over = async {
        // Only fails when the server is gone, and then nobody waits for this.
        let _ = stopping.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = server => served.context("the server failed"),
        () = grace_over => {
            tracing::warn!("stopped with requests still running");
            Ok(())
        }
    }
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
