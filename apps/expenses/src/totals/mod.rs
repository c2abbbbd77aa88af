//! Sums of expenses per month, kept beside them.
//!
//! Whatever writes expenses writes these in the same transaction: [`subtract`] before an expense changes or goes, [`add`] once it
//! is there, [`Sums`] for an import. Rejected expenses are in no sum. A test compares all of them with the expenses after a
//! random mix of what people do at once (`tests/expenses/totals.rs`).
//!
//! Triggers could do it, at the price of a full reset of the connection after every scope that writes anything.

mod change;
mod sums;

pub(crate) use change::{add, subtract};
pub(crate) use sums::Sums;
