//! Why one record was not imported.

use std::fmt;

use super::{excerpt::Excerpt, header::COLUMNS, reader::MAX_RECORD};

/// A record that was not imported, though the rest of the file can be.
///
/// It displays as a sentence for the person who sent the file, without the line, which reports
/// carry beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The line on which the record begins; the file's first is 1.
    pub(crate) line: u64,
    /// The line on which it ends. If that is another one, the message says so: a quote that was
    /// never closed makes one record of many lines.
    pub(crate) last_line: u64,
    /// What is wrong with it.
    pub(crate) reason: Reason,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, last_line, reason } = self;
        write!(f, "{reason}")?;
        if last_line > line {
            write!(f, "; lines {line} to {last_line} were read as one record, held by its quotes")?;
        }
        Ok(())
    }
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// Too few or too many fields.
    #[error("expected {} fields, found {found}", COLUMNS.len())]
    FieldCount {
        /// How many it has.
        found: usize,
    },

    /// Not `YYYY-MM-DD`, or not in the calendar.
    #[error("date {value} is not a real date (expected YYYY-MM-DD)")]
    Date {
        /// What stands in its place.
        value: Excerpt,
    },

    /// Not written as an amount.
    #[error(
        "amount {value} is not an amount (expected digits and at most two decimals, \
         such as 1234.50, 1,234.50, -1234.50 or (1,234.50))"
    )]
    Amount {
        /// What stands in its place.
        value: Excerpt,
    },

    /// Written as an amount, but beyond 64 bits of pence.
    #[error("amount {value} is too large (at most 92,233,720,368,547,758.07)")]
    AmountTooLarge {
        /// The amount.
        value: Excerpt,
    },

    /// A zero byte, which no text has and PostgreSQL cannot store.
    #[error("the record contains a NUL byte")]
    Nul,

    /// A quote that neither wraps a field nor is doubled inside one.
    #[error(
        "the quoting of field {field} is broken on line {line} \
         (a field that contains quotes must be wrapped in quotes, and those inside doubled)"
    )]
    Quoting {
        /// The field, counted from 1.
        field: u64,
        /// The line on which the quoting breaks.
        line: u64,
    },

    /// Longer than [`MAX_RECORD`].
    #[error("the record is longer than {MAX_RECORD} bytes")]
    TooLong,
}
