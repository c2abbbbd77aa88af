use freehold::metrics::{Kind, Metric};

/// Operations that a worker ran, by kind and result.
pub(crate) const OPERATIONS: &str = "freehold_operations_total";
/// How long they took.
pub(crate) const OPERATION_DURATION: &str = "freehold_operation_duration_seconds";

/// What a worker counts, by the facade of the crate `metrics`.
pub const METRICS: &[Metric] = &[
    Metric::of(
        OPERATIONS,
        Kind::Counter,
        &["kind", "result"],
        "Operations that a worker ran: done, failed (it is tried again) or lost to another worker.",
    ),
    Metric::of(OPERATION_DURATION, Kind::Histogram, &["kind"], "How long a worker was at work on operations."),
];

/// The kind of an operation as a label: those of a newer catalog are one, so that what it says makes no series.
pub(crate) fn kind_label(kind: &str) -> &'static str {
    match kind {
        "provision" => "provision",
        "delete" => "delete",
        _ => "other",
    }
}
