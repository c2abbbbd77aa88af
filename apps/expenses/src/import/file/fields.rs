//! The quotes, commas and line ends of RFC 4180.
//!
//! One state machine, [`Splitter`], answers both questions, where a record ends and what its fields
//! are, so that the two cannot disagree. It runs over bytes that may not be text yet: in UTF-8 as in
//! Windows-1252, the bytes it looks for stand only for themselves.

use std::{borrow::Cow, iter};

use crate::text::trim;

/// The fields of a record without broken quoting, given without its line end: unquoted and trimmed.
pub(super) fn fields(record: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut splitter = Splitter::default();
    let mut ended = false;
    iter::from_fn(move || {
        if ended {
            return None;
        }
        let field = splitter.next_field(record.as_bytes()).unwrap_or_else(|| {
            ended = true;
            splitter.last_field()
        });
        Some(field.value(record))
    })
}

/// Finds fields, and thereby the end of a record, in bytes that may not all have arrived yet.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    state: State,
    /// Bytes of the record read so far.
    position: usize,
    /// The field being read.
    field: Field,
    /// Fields before the one being read.
    fields: u64,
    /// Line breaks inside quoted fields.
    line_breaks: u64,
    /// Line breaks before the quote opened last.
    opened: u64,
    broken: Option<Broken>,
}

/// The place where a record strays from RFC 4180.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken {
    /// The field, counted from 1.
    pub(super) field: u64,
    /// Line breaks in the record before the place.
    pub(super) line_breaks: u64,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// Before the first byte of a field.
    #[default]
    Start,
    /// Inside a field that is not quoted, or whose quoting is broken.
    Bare,
    /// Inside quotes.
    Quoted,
    /// Behind a quote inside quotes: it closes the field, or is the first of two.
    Quote,
    /// Behind a closing quote and a carriage return, which only a line end can follow.
    Return,
}

/// Where the content of a field stands, without the quotes around it.
#[derive(Debug, Default, Clone)]
struct Field {
    start: usize,
    end: usize,
    /// Whether two quotes in the content stand for one.
    doubled: bool,
    /// Whether the record ends with this field.
    last: bool,
}

impl Splitter {
    /// Returns the length of the record at the beginning of `bytes`, line end included, or `None`
    /// if it ends in bytes to come. It may then be called again with those appended, and goes on
    /// where it stopped.
    pub(super) fn record_end(&mut self, bytes: &[u8]) -> Option<usize> {
        while !self.next_field(bytes)?.last {}
        Some(self.position)
    }

    /// Goes on at the beginning of the bytes to come: those before were dropped.
    pub(super) fn rewind(&mut self) {
        self.position = 0;
    }

    /// Line breaks passed so far that did not end the record.
    pub(super) fn line_breaks(&self) -> u64 {
        self.line_breaks
    }

    /// If a quote is open, the number of line breaks in the record before it.
    pub(super) fn open_quote(&self) -> Option<u64> {
        matches!(self.state, State::Quoted).then_some(self.opened)
    }

    /// The first place of the record where its quoting is broken.
    pub(super) fn broken(&self) -> Option<Broken> {
        self.broken
    }

    fn next_field(&mut self, bytes: &[u8]) -> Option<Field> {
        loop {
            let rest = &bytes[self.position..];
            let next = match self.state {
                State::Bare => memchr::memchr3(b',', b'\n', b'"', rest),
                State::Quoted => memchr::memchr2(b'\n', b'"', rest),
                State::Start | State::Quote | State::Return => (!rest.is_empty()).then_some(0),
            };
            let Some(next) = next else {
                self.position = bytes.len();
                return None;
            };
            self.position += next + 1;
            if let Some(field) = self.step(rest[next]) {
                return Some(field);
            }
        }
    }

    /// Takes the byte before the position, and returns the field if it ends with it.
    fn step(&mut self, byte: u8) -> Option<Field> {
        let here = self.position - 1;
        match (self.state, byte) {
            (State::Start | State::Bare, b',' | b'\n') => return Some(self.close(here, byte)),
            (State::Quote, b',' | b'\n') | (State::Return, b'\n') => {
                return Some(self.close(self.field.end, byte));
            }
            (State::Start, b'"') => {
                self.state = State::Quoted;
                self.field.start = self.position;
                self.opened = self.line_breaks;
            }
            (State::Start, _) => self.state = State::Bare,
            (State::Quoted, b'"') => {
                self.state = State::Quote;
                self.field.end = here;
            }
            (State::Quoted, _) => self.line_breaks += 1,
            (State::Quote, b'"') => {
                self.state = State::Quoted;
                self.field.doubled = true;
            }
            (State::Quote, b'\r') => self.state = State::Return,
            (State::Bare | State::Quote | State::Return, _) => {
                // The rest of the field is read as if it had no quotes, so that a stray one never
                // swallows the lines that follow.
                self.state = State::Bare;
                self.broken.get_or_insert(Broken { field: self.fields + 1, line_breaks: self.line_breaks });
            }
        }
        None
    }

    fn close(&mut self, end: usize, delimiter: u8) -> Field {
        let last = delimiter == b'\n';
        let field = Field { end, last, ..self.field };
        self.state = State::Start;
        self.field = Field { start: self.position, ..Field::default() };
        self.fields += 1;
        field
    }

    /// The field that ends with the input.
    fn last_field(&self) -> Field {
        let end = match self.state {
            State::Quote | State::Return => self.field.end,
            State::Start | State::Bare | State::Quoted => self.position,
        };
        Field { end, last: true, ..self.field }
    }
}

impl Field {
    fn value<'a>(&self, record: &'a str) -> Cow<'a, str> {
        let content = trim(&record[self.start..self.end]);
        if self.doubled { content.replace("\"\"", "\"").into() } else { content.into() }
    }
}
