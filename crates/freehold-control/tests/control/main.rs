//! The control plane against real servers: every test has one of its own, because roles are shared by all its databases.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

mod application;
mod backup;
mod check;
mod delete;
mod doctor;
mod guests;
mod install;
mod lifecycle;
mod migrate;
mod migrations;
mod observe;
mod operator;
mod operators;
mod pooler;
mod provision;
mod seal;
mod support;
mod tenant_table;
mod trouble;
mod verify;
mod worker;
