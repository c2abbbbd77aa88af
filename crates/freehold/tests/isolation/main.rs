//! The isolation of tenants, against a real PostgreSQL, under every model.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the way to fail")]

mod attack;
mod cancellation;
mod drivers;
mod metrics;
mod own_server;
mod pool;
mod pooler;
mod recovery;
mod request_log;
mod scope;
mod sqlx_begin_leak;
mod support;
mod tls;
#[cfg(feature = "jwt")]
mod tokens;
