//! The program, driven as a person or a script would.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

mod check;
mod configuration;
mod documents;
mod exec;
mod migrations;
mod program;
mod progress;
mod reference;
mod sql;
mod story;
mod up;
mod worker_status;
