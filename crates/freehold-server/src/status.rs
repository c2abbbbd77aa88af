use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use freehold::metrics::describe;
use freehold_control::{ControlPlane, METRICS};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long the catalog may take before the worker counts as not ready.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer about readiness is good: however often it is asked for, the catalog is not.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// How often what was measured is put together, which frees its memory.
const UPKEEP: Duration = Duration::from_secs(5);
/// Limits of the buckets that times are counted in.
const SECONDS: &[f64] = &[0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// How a worker is, over HTTP, for those who run it: `/metrics` for Prometheus, `/healthz` (the process answers) and `/readyz`
/// (the catalog answers too, and knows of this worker).
///
/// There is no login: serve it on an address that only they reach.
#[derive(Clone, Debug)]
pub struct Status {
    control: ControlPlane,
    recorded: PrometheusHandle,
    ready: Arc<Mutex<Option<(Instant, Readiness)>>>,
}

/// What cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("metrics are recorded by something else in this process")]
pub struct StatusError(#[from] BuildError);

#[derive(Clone, Copy, Debug)]
enum Readiness {
    Ready,
    NotRegistered,
    NoCatalog,
}

impl Status {
    /// Begins to record metrics, for the whole process. What was counted before is not recorded, so do this first.
    ///
    /// # Errors
    ///
    /// When the process records metrics already.
    pub fn record(control: &ControlPlane) -> Result<Self, StatusError> {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?;
        let recorded = builder.install_recorder()?;
        describe(METRICS);
        Ok(Self { control: control.clone(), recorded, ready: Arc::default() })
    }

    /// Answers on `listener`, until this is dropped.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let recorded = self.recorded.clone();
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(|| async { "alive\n" }))
            .route("/readyz", get(ready))
            .with_state(self);
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                recorded.run_upkeep();
            }
        };
        tokio::select! {
            served = axum::serve(listener, router).into_future() => served,
            () = upkeep => Ok(()),
        }
    }

    async fn readiness(&self) -> Readiness {
        // One asks, and the others wait for what it hears.
        let mut ready = self.ready.lock().await;
        if let Some((then, known)) = *ready
            && then.elapsed() < GOOD_FOR
        {
            return known;
        }
        let found = match timeout(PATIENCE, self.control.is_registered()).await {
            Ok(Ok(true)) => Readiness::Ready,
            Ok(Ok(false)) => Readiness::NotRegistered,
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the worker is not ready");
                Readiness::NoCatalog
            }
            Err(_) => Readiness::NoCatalog,
        };
        *ready = Some((Instant::now(), found));
        found
    }
}

async fn metrics(State(status): State<Status>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], status.recorded.render())
}

async fn ready(State(status): State<Status>) -> (StatusCode, &'static str) {
    match status.readiness().await {
        Readiness::Ready => (StatusCode::OK, "ready\n"),
        Readiness::NotRegistered => (StatusCode::SERVICE_UNAVAILABLE, "the worker is not registered in the catalog\n"),
        Readiness::NoCatalog => (StatusCode::SERVICE_UNAVAILABLE, "the catalog does not answer\n"),
    }
}
