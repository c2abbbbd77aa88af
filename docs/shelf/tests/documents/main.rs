//! What the documents show is what happens.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

mod block;
mod guide;
mod metrics;
mod migrations;
mod resolvers;
mod testing;
