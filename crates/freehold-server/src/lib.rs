//! The processes of a deployment that are not the application.
//!
//! The [`Worker`] runs operations on the fleet. [`stop_requested`] is how a process learns that it shall end.

mod signal;
mod worker;

pub use signal::stop_requested;
pub use worker::Worker;
