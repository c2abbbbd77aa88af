//! Who decides on which expenses.
//!
//! Approvers and owners do. An organisation may set rules besides: of more than an amount, of a category or a unit or any,
//! this person or owners alone. Of the rules that fit an expense those of the highest amount count; owners always may.

mod decide;

pub(crate) use decide::{Matter, check};
