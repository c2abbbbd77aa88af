#![doc = include_str!("../README.md")]

mod account;
mod fingerprint;
mod installation;
mod server;

pub use installation::{Installation, InstallationError, Version};
pub use server::{Builder, Server, ServerError, reachable_state_dir, tests_state_dir};
