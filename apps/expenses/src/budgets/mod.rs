//! Budgets: what may be spent in a month or a year, altogether, by a unit or on a category.
//!
//! Everybody sees them; owners set them. What is used of one is what the current month or year has in expenses that are not
//! rejected, whether anybody decided on them yet.

mod api;
mod budget;
mod change;
mod pages;
mod usage;

pub(crate) use api::{__path_create, __path_delete, __path_list, create, delete, list};
pub(crate) use budget::{Budget, State};
pub(crate) use pages::pages;
pub(crate) use usage::{reached, strained};
