#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "in a test a panic is the way to fail")]

mod attack;
mod deployment;
mod fault;
mod hostile;
mod models;
mod pooler;
mod server;
mod twins;

pub use attack::Outcome;
pub use deployment::Deployment;
pub use fault::{FAULTS, Fault, NOT_PLANTED};
#[doc(hidden)]
pub use hostile::{Grammar, Siege, Tally, sqlsmith};
#[doc(hidden)]
pub use pooler::{Crowd, Front, Leaks, PgBouncer, look_for_leaks};
#[doc(hidden)]
pub use server::tool;
pub use server::{connect, server};
pub use twins::{TALLY, Twin, Twins};

#[doc(hidden)]
pub use tokio;
