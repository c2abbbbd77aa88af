//! The program, driven as a person or a script would.

mod configuration;
mod migrations;
mod program;
mod sql;
mod story;
mod up;
