//! Metrics for those who run the application.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use freehold::metrics::{ALL, describe};
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

/// How often what was measured is put together, which frees its memory.
const UPKEEP: Duration = Duration::from_secs(5);
/// Limits of the buckets that times are counted in.
const SECONDS: &[f64] = &[0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Freehold's metrics of this process, for Prometheus.
#[derive(Clone, Debug)]
pub struct Monitor(PrometheusHandle);

impl Monitor {
    /// Begins to record, for the whole process.
    ///
    /// # Errors
    ///
    /// When the process records metrics already.
    pub fn record() -> Result<Self, BuildError> {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?;
        let recorded = builder.install_recorder()?;
        describe(ALL);
        Ok(Self(recorded))
    }

    /// Answers `GET /metrics` on `listener`, until this is dropped.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        let Self(recorded) = self;
        let upkeep = recorded.clone();
        let metrics = async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], recorded.render());
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        };
        tokio::select! {
            served = axum::serve(listener, Router::new().route("/metrics", get(metrics))) => served,
            () = upkeep => Ok(()),
        }
    }
}
