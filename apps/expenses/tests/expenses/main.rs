//! The application over HTTP: a real PostgreSQL, a real worker, real connections.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

mod accounts;
mod activity;
mod browser;
mod budgets;
mod client;
mod crawl;
mod expenses;
mod front_end;
mod imports;
mod imports_pages;
mod keys;
mod mail;
mod mailbox;
mod members;
mod monitor;
mod names;
mod pages;
mod people;
mod planted;
mod problems;
mod proxies;
mod real_files;
mod reports;
mod rules;
mod scan;
mod schemathesis;
mod separation;
mod settings;
mod signup;
mod support;
mod totals;
mod trickle;
