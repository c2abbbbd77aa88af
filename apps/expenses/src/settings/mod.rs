//! What owners set for all of the organisation: its name, currency, colour and logo.
//!
//! The pages beside it, of rules and of categories, are with what they set.

mod currency;
mod pages;
mod section;
mod store;

pub(crate) use pages::pages;
pub(crate) use section::{Section, owners_alone};
