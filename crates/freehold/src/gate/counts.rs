use std::sync::{Arc, OnceLock};

use http::StatusCode;
use metrics::{Counter, counter};

use super::outcome::Outcome;
use crate::metrics::REQUESTS;

/// The classes of answers (RFC 9110, section 15).
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A counter for each thing that can become of a request. The first request of a kind registers it; from then on counting
/// is an addition to a number that is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(Arc<[[OnceLock<Counter>; CLASSES.len()]; Outcome::COUNT]>);

impl Counts {
    pub(super) fn count(&self, outcome: Outcome, status: StatusCode) {
        // A status of three digits that is in no class is counted in the last: an answer went wrong.
        let class = usize::from(status.as_u16() / 100).wrapping_sub(1).min(CLASSES.len() - 1);
        let registered = || counter!(REQUESTS, "outcome" => outcome.as_str(), "status" => CLASSES[class]);
        self.0[outcome as usize][class].get_or_init(registered).increment(1);
    }
}
