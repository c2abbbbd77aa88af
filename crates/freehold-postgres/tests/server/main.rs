//! Real servers, started, killed and found again.

#![allow(clippy::unwrap_used, reason = "clippy knows functions marked as tests alone, not what they call")]

mod installation;
mod life;
mod ownership;
mod places;
mod recovery;
mod support;
