//! Reads a spending file: bytes in chunks of any size become records, rejections and skips.
//!
//! This is the pure half of `POST /api/import`; it knows neither HTTP nor the database. A
//! [`Reader`] is pushed the bytes as they arrive and hands each [`Event`] to a sink. Its memory is
//! flat whatever the file: it holds the chunk at hand and one unfinished record, of at most
//! [`MAX_RECORD`](reader::MAX_RECORD) bytes.
//!
//! # What is read
//!
//! The format is [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) after an optional UTF-8 byte
//! order mark. Where it is silent, or files stray from it:
//!
//! - A line ends in LF or CRLF. A carriage return elsewhere is white space, so that line numbers
//!   are those every other tool shows.
//! - The first record is the header. It names the six columns once each, in any order and case.
//! - Broken quoting, that is a quote inside an unquoted field or text after a closing one, rejects
//!   the record, which then ends with that line. Guessing would import the wrong amount.
//! - Each line that is not UTF-8 is read as Windows-1252, also within a record of several lines.
//! - Fields are trimmed of white space as Unicode defines it (no-break spaces are among it), and
//!   of the zero width no-break space.
//! - An empty line is nothing; a record whose fields are all empty, however many, is skipped.
//! - A record longer than `MAX_RECORD` is rejected, and reading goes on behind its end.
//!
//! A rejection concerns one record. What makes the whole file unusable, such as a quote that is
//! still open at its end, is a [`FileError`]; the caller then undoes what it stored.
//!
//! # Why not the `csv` crate
//!
//! `csv` and `csv-core` accept every input by design: a quote that never closes and text after a
//! closing quote parse without a word, and a field has no upper bound. Those three are what an
//! import of payments must notice.

mod amount;
mod date;
mod error;
mod excerpt;
mod fields;
mod header;
mod reader;
mod record;
mod rejection;
mod text;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod real_files;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod transcript;

pub(crate) use error::FileError;
pub(crate) use reader::{Event, Reader};
pub(crate) use record::Record;
