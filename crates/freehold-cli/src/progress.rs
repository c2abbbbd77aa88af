//! How far a command has come that takes long: a bar on standard error, where people look on.

use std::time::Duration;

use freehold_control::MigrateObserver;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Output, is_decorated};

/// A bar, or nothing: not without a terminal, and not where NO_COLOR, --quiet or --json ask for plain output. It is gone when
/// this is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins with nothing to do. `what` is shown in front.
    pub(crate) fn new(output: Output, what: &'static str) -> Self {
        if !output.speaks() || !is_decorated() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos} of {len}, {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar =
            ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style).with_prefix(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl MigrateObserver for Progress {
    fn places_found(&self, places: usize) {
        self.0.inc_length(places as u64);
    }

    fn place_done(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
