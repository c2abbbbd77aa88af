//! The only door to tenant data.

mod seal;

pub use seal::{MasterKey, MasterKeyError, Mode, SealIdentity, SealKey};
