//! Who decides on which expenses.
//!
//! Approvers and owners do. An organisation may set rules besides: of more than an amount, of a category or a unit or any,
//! this person or owners alone. Of the rules that fit an expense those of the highest amount count; owners always may. Whoever
//! may not decide on an expense of somebody else may not change or delete it either, so nobody makes one fit for themselves.

mod change;
mod matter;
mod pages;
mod rules;

pub(crate) use matter::Matter;
pub(crate) use pages::pages;
pub(crate) use rules::{Rules, check};
