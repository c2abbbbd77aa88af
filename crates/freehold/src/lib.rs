#![doc = include_str!("../README.md")]

pub mod directory;
mod freehold;
pub mod gate;
pub mod isolation;
pub mod login;
pub mod metrics;
mod problem;
pub mod resolve;
pub mod tenant;

pub use freehold::{Config, ConfigError, ConnectError, Freehold, NewTenant, ProvisionError};
pub use problem::Problem;
