//! Who did what, written in the transaction in which it was done.

mod log;
mod pages;
mod record;

pub(crate) use pages::pages;
pub(crate) use record::{Actor, Entry, of_subject, record};
