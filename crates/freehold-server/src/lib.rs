//! The processes of a deployment that are not the application.
//!
//! The [`Worker`] runs operations on the fleet; [`Status`] tells how it is. [`stop_requested`] is how a process learns that it shall end.

mod signal;
mod status;
mod worker;

pub use signal::stop_requested;
pub use status::{Status, StatusError};
pub use worker::Worker;
