use std::error::Error;

use axum::Router;
use axum::routing::get;
use freehold::{Config, Freehold};
use metrics_exporter_prometheus::PrometheusBuilder;

#[rustfmt::skip]
async fn counted() -> Result<(Freehold, Router), Box<dyn Error>> {
    let prometheus = PrometheusBuilder::new().install_recorder()?;       // metrics-exporter-prometheus
    freehold::metrics::describe(freehold::metrics::ALL);                 // what each one is, for Prometheus to show
    let freehold = Freehold::connect(Config::from_env()?).await?;
    let base = Router::new().route("/metrics", get(move || async move { prometheus.render() }));
    Ok((freehold, base))
}
