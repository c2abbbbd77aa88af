//! What the documents show is what happens.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

mod code;
mod dev;
mod document;
mod guide;
mod links;
mod metrics;
mod migrations;
mod resolvers;
mod testing;
mod threat_model;
