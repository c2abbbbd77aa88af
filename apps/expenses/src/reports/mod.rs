//! Reports: sums over everything but rejected expenses, from the sums that are kept per month (`totals`).

mod api;
mod chart;
mod filter;
mod pages;
mod read;

pub(crate) use api::{__path_by_supplier, __path_by_unit, __path_monthly, by_supplier, by_unit, monthly};
pub(crate) use chart::Columns;
pub(crate) use pages::pages;
pub(crate) use read::{Month, recent};
