use std::fmt::Write;

use super::SealKey;
use crate::tenant::{PlacementId, TenantId};

/// What a scope may do. The token carries it, so the database refuses a write in a context minted for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Read rows.
    Read,
    /// Read and write rows.
    Write,
}

/// For whom, where and how a transaction is to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) placement: &'a PlacementId,
    pub(crate) epoch: i64,
    pub(crate) mode: Mode,
    /// The backend that the context is for; `None` where a pooler decides on that.
    pub(crate) pid: Option<i32>,
    /// Seconds since 1970 by the server's clock. Compared with the start of the transaction.
    pub(crate) expiry: i64,
}

/// The token for `freehold.token`: the fields in the order the view reads them, and their HMAC-SHA256 in hex.
pub(crate) fn mint(key: &SealKey, context: Context<'_>) -> String {
    let Context { tenant, placement, epoch, mode, pid, expiry } = context;
    let mode = match mode {
        Mode::Read => 'r',
        Mode::Write => 'w',
    };
    let mut token = String::with_capacity(192);
    // Writing to a string cannot fail.
    let _ = write!(token, "{tenant}|{placement}|{epoch}|{mode}|{}|", key.generation());
    let _ = pid.map(|pid| write!(token, "{pid}"));
    let _ = write!(token, "|{expiry}");
    let mut mac = [0; 64];
    hex::encode_to_slice(key.mac(token.as_bytes()), &mut mac).expect("32 bytes are 64 hex digits");
    token.push('|');
    token.push_str(std::str::from_utf8(&mac).expect("hex digits are ASCII"));
    token
}
