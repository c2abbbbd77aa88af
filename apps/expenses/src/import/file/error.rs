//! Why a whole file cannot be imported.

use super::{excerpt::Excerpt, header::COLUMNS, rejection::Reason};

/// A fault after which nothing of the file may be kept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileError {
    /// There is nothing in the file but empty lines.
    #[error("the file is empty (expected a header with the columns {})", COLUMNS.join(", "))]
    NoHeader,

    /// The first record is no record.
    #[error(
        "line {line} should be the header, but {reason} \
         (send a CSV file in UTF-8 whose lines end in LF or CRLF)"
    )]
    UnreadableHeader {
        /// The line on which the first record begins.
        line: u64,
        /// What is wrong with it.
        reason: Reason,
    },

    /// The first record does not name each of the six columns once, and no others.
    #[error(
        "line {line} is not the expected header: {} (expected, in any order: {})",
        header_faults(missing, unexpected),
        COLUMNS.join(", ")
    )]
    WrongHeader {
        /// The line on which the first record begins.
        line: u64,
        /// Columns that it does not name.
        missing: Vec<&'static str>,
        /// The first few that it names twice, or that are no columns of ours.
        unexpected: Vec<Excerpt>,
    },

    /// The file ends inside a quoted field.
    #[error(
        "the quote opened on line {opened}, in the record that begins on line {line}, is never \
         closed (close it, or double the quotes that belong to the text)"
    )]
    UnterminatedQuote {
        /// The line on which the record begins.
        line: u64,
        /// The line on which the quote stands.
        opened: u64,
    },
}

fn header_faults(missing: &[&str], unexpected: &[Excerpt]) -> String {
    let mut faults = Vec::new();
    if !missing.is_empty() {
        faults.push(format!("it lacks {}", missing.join(", ")));
    }
    if !unexpected.is_empty() {
        let names: Vec<_> = unexpected.iter().map(ToString::to_string).collect();
        faults.push(format!("it has {}, unknown or repeated", names.join(", ")));
    }
    faults.join("; ")
}
