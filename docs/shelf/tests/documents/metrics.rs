use freehold::metrics::{Kind, Metric};

use crate::document::text_of;

const PAGE: &str = "operate/metrics.md";

/// The row of a metric in the table.
fn row(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        _ => "histogram",
    };
    let labels: Vec<String> = metric
        .labels
        .iter()
        .map(|label| format!("`{label}`"))
        .collect();
    format!(
        "| `{}` | {kind} | {} | {} |",
        metric.name,
        labels.join(", "),
        metric.help
    )
}

#[test]
fn the_page_on_metrics_lists_what_there_is_and_nothing_else() {
    let text = text_of(PAGE);
    let listed: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `freehold_") && line.matches(" | ").count() == 3)
        .collect();
    let metrics = freehold::metrics::ALL
        .iter()
        .chain(freehold_control::METRICS);
    let rows: Vec<String> = metrics.map(row).collect();
    assert_eq!(listed, rows, "{PAGE} should have\n{}", rows.join("\n"));
}
