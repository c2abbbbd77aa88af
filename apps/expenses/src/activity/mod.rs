//! Who did what, written in the transaction in which it was done.

mod record;

pub(crate) use record::{Actor, Entry, of_subject, record};
