//! What messages of the server say.
//!
//! Formats: PostgreSQL, "Message Formats" in the chapter on the frontend/backend protocol.

use std::fmt;

use crate::isolation::session::ServerClock;

/// An error that the server answered a script with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) sqlstate: String,
    pub(crate) message: String,
    /// The server ended the session.
    pub(crate) fatal: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.sqlstate)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// As the server refuses everything else in a transaction that failed.
    pub(super) fn rolled_back() -> Self {
        Self { sqlstate: "25P02".to_owned(), message: "the commit was a rollback".to_owned(), fatal: false }
    }

    pub(super) fn read(body: &[u8]) -> Self {
        let mut refusal = Self::default();
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, text)) = field.split_first() else { break };
            let text = String::from_utf8_lossy(text);
            match kind {
                b'C' => refusal.sqlstate = text.into_owned(),
                b'M' => refusal.message = text.into_owned(),
                // The severity in English.
                b'V' => refusal.fatal = matches!(&*text, "FATAL" | "PANIC"),
                _ => {}
            }
        }
        refusal
    }
}

/// What the server said when it bound a context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Opened {
    pub(crate) clock: ServerClock,
    pub(super) interpreters: Interpreters,
}

/// Which routines of a database run text that they are given, so that the tag of a statement does not tell all that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interpreters {
    /// Some that tenants may call, or not known.
    Callable,
    /// None but triggers, which only writes set off.
    Triggers,
    None,
}

impl Opened {
    /// Reads the row that [`BIND`](crate::isolation::session::BIND) returns.
    pub(super) fn read(row: &[Option<&str>]) -> Option<Self> {
        let [.., Some(clock), interpreters] = row else { return None };
        let interpreters = match interpreters {
            Some("none") => Interpreters::None,
            Some("triggers") => Interpreters::Triggers,
            _ => Interpreters::Callable,
        };
        Some(Self { clock: ServerClock::new(clock.parse().ok()?), interpreters })
    }
}

/// The columns of a DataRow, in the text format.
pub(super) fn columns(mut body: &[u8]) -> Option<Vec<Option<&str>>> {
    let (count, rest) = body.split_first_chunk()?;
    body = rest;
    let column = |_| {
        let (length, rest) = body.split_first_chunk()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            body = rest;
            return Some(None);
        };
        let (value, rest) = rest.split_at_checked(length)?;
        body = rest;
        std::str::from_utf8(value).ok().map(Some)
    };
    (0..u16::from_be_bytes(*count)).map(column).collect()
}

/// Whether the tag of a completed statement is that of a query. The tag of EXECUTE is that of what it executes, but what it
/// executes was prepared before, and the tag of PREPARE told that.
pub(super) fn is_query(tag: &[u8]) -> bool {
    let word = tag.split(|byte| *byte == b' ' || *byte == 0).next().unwrap_or(tag);
    matches!(word, b"SELECT" | b"INSERT" | b"UPDATE" | b"DELETE" | b"MERGE" | b"SHOW")
}

/// Whether a setting whose value the server tells is one that decides how a text is read when it is prepared.
pub(super) fn decides_reading(body: &[u8]) -> bool {
    let name = body.split(|byte| *byte == 0).next().unwrap_or(body);
    matches!(name, b"TimeZone" | b"DateStyle" | b"IntervalStyle" | b"standard_conforming_strings" | b"client_encoding")
}
