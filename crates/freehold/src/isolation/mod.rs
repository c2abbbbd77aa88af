//! The only door to tenant data.
//!
//! **Invariant.** Nothing that runs on behalf of tenant A, not even arbitrary SQL text in A's own connection, reads or
//! changes tenant B's rows. The database enforces it: every policy reads a sealed context that only this module
//! can mint; the types carry it: a statement needs a [`Scope`], a scope needs a [`TenantDb`], and that needs a tenant that
//! was resolved.
//!
//! What each part stops:
//!
//! - `seal`: a forged context (`select set_config('freehold.token', ...)` inside any sub-select);
//! - `endpoint`: defaults that a role set for itself (`alter role current_user set ...`), by the start-up packet;
//! - `wire` and `session`: what a tenant leaves on a connection (settings, locks, LISTEN, temporary tables, a prepared
//!   statement in the place of ours), by ending its transaction before the next one begins, and by a reset before that
//!   where something else than queries may have run;
//! - `scope`: work outside a transaction (where a LOCAL setting is a silent no-op), statements by the simple protocol (in
//!   which a second one can hide), and state that a dropped future leaves behind.

mod driver;
mod drivers;
mod endpoint;
mod error;
mod pool;
mod scope;
mod seal;
mod session;
mod wire;

pub use driver::Driver;
#[cfg(feature = "sqlx")]
pub use driver::Sqlx;
#[cfg(feature = "tokio-postgres")]
pub use driver::TokioPostgres;
pub(crate) use endpoint::{Endpoint, Endpoints};
pub use error::{ErrorKind, ScopeError, Source};
pub(crate) use pool::Pool;
pub use pool::{PoolOptions, PoolStatus};
pub use scope::{Access, Nested, Read, Scope, TenantDb, Write};
pub use seal::{MasterKey, MasterKeyError, Mode, SealIdentity, SealKey};
pub use secrecy::ExposeSecret;
