//! Sealed contexts: keys, and tokens that say for whom a transaction runs.
//!
//! A plain setting falls to any SQL injection: `select set_config('app.tenant', ...)` works inside one sub-select. A sealed
//! context is a setting too, but one that only the holder of a key can write: the database verifies its HMAC-SHA256
//! (RFC 2104) in the view `freehold.context`, which every policy reads.
//!
//! Keys are derived from one master key by HKDF (RFC 5869), per database and generation. Only derived keys reach a
//! server, so a server that is broken into cannot seal contexts for another one.

mod key;
mod token;

pub use key::{MasterKey, MasterKeyError, SealIdentity, SealKey};
pub use token::Mode;
pub(crate) use token::{Context, mint};
