//! From chunks of bytes to events.

use std::{borrow::Cow, mem};

use super::{
    error::FileError,
    fields::{Broken, Splitter},
    header::Columns,
    record::Record,
    rejection::{Reason, Rejection},
    text,
};

/// The longest record that is read, in bytes, its line end included: 1 MiB.
///
/// It bounds the memory of an import. A record of six names and numbers has a few hundred bytes;
/// what is longer is a quote that was not closed, or no spending file at all.
pub(crate) const MAX_RECORD: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What became of one record of the file; the header is none.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// The record is valid.
    Imported(Record<'a>),
    /// All fields of the record are empty.
    Skipped {
        /// The line on which the record begins.
        #[cfg_attr(not(test), expect(dead_code, reason = "only the comparison with the reference asks for it"))]
        line: u64,
    },
    /// The record cannot be imported; the rest of the file can.
    Rejected(Rejection),
}

/// Reads a spending file that arrives in chunks.
///
/// The result does not depend on where the chunks are cut. After an error the reader is spent.
///
/// ```ignore
/// let mut reader = Reader::new();
/// while let Some(chunk) = body.next().await {
///     reader.push(&chunk?, |event| batch.add(event))?;
///     batch.store_if_full(&mut scope).await?;
/// }
/// reader.finish(|event| batch.add(event))?;
/// ```
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The unfinished record, to which the next chunk is appended.
    buffer: Vec<u8>,
    splitter: Splitter,
    /// Lines before the unfinished record.
    lines: u64,
    /// Set once the beginning of the unfinished record was dropped because of its length.
    overlong: bool,
    /// Set once the byte order mark was dropped or found missing.
    started: bool,
    /// Set once the header was read.
    columns: Option<Columns>,
}

impl Reader {
    /// A reader at the beginning of a file.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the file and reports each record that they complete.
    ///
    /// # Errors
    ///
    /// When the header is not the expected one. Events already reported are then void.
    pub(crate) fn push(&mut self, chunk: &[u8], mut sink: impl FnMut(Event<'_>)) -> Result<(), FileError> {
        self.buffer.extend_from_slice(chunk);
        if !self.started && !self.skip_byte_order_mark() {
            return Ok(());
        }
        self.read_complete(&mut sink)?;
        if self.buffer.len() > MAX_RECORD {
            self.drop_overlong()?;
        }
        Ok(())
    }

    /// Ends the file, whose last line need not have a line end.
    ///
    /// # Errors
    ///
    /// When a quote is still open, or when there is no header or not the expected one. Events
    /// already reported are then void.
    pub(crate) fn finish(mut self, mut sink: impl FnMut(Event<'_>)) -> Result<(), FileError> {
        if let Some(lines) = self.splitter.open_quote() {
            let line = self.lines + 1;
            let opened = line + lines;
            return Err(FileError::UnterminatedQuote { line, opened });
        }
        let rest = mem::take(&mut self.buffer);
        self.read(&rest, &mut sink)?;
        self.columns.map(|_| ()).ok_or(FileError::NoHeader)
    }

    /// Bytes held.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.buffer.capacity()
    }

    /// Returns whether enough of the file has arrived to tell.
    fn skip_byte_order_mark(&mut self) -> bool {
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.buffer.drain(..BYTE_ORDER_MARK.len());
            self.started = true;
        } else {
            self.started = !BYTE_ORDER_MARK.starts_with(&self.buffer);
        }
        self.started
    }

    fn read_complete(&mut self, sink: &mut impl FnMut(Event<'_>)) -> Result<(), FileError> {
        let buffer = mem::take(&mut self.buffer);
        let mut start = 0;
        while let Some(end) = self.splitter.record_end(&buffer[start..]) {
            self.read(&buffer[start..start + end], sink)?;
            start += end;
        }
        self.buffer = buffer;
        self.buffer.drain(..start);
        Ok(())
    }

    /// Forgets the beginning of a record that is too long, but not whether a quote is open in it.
    fn drop_overlong(&mut self) -> Result<(), FileError> {
        if self.columns.is_none() {
            // Nothing behind such a header could be imported: there is no need to look for its end.
            let (line, reason) = (self.lines + 1, Reason::TooLong);
            return Err(FileError::UnreadableHeader { line, reason });
        }
        self.overlong = true;
        self.buffer.clear();
        self.splitter.rewind();
        Ok(())
    }

    /// Reads the record that the splitter has just passed.
    fn read(&mut self, bytes: &[u8], sink: &mut impl FnMut(Event<'_>)) -> Result<(), FileError> {
        let splitter = mem::take(&mut self.splitter);
        let overlong = mem::take(&mut self.overlong) || bytes.len() > MAX_RECORD;
        let line = self.lines + 1;
        self.lines = line + splitter.line_breaks();

        let bytes = without_line_end(bytes);
        if bytes.is_empty() && !overlong {
            return Ok(());
        }
        let text = if overlong { Err(Reason::TooLong) } else { readable(line, bytes, &splitter) };
        let Some(columns) = &self.columns else {
            let text = text.map_err(|reason| FileError::UnreadableHeader { line, reason })?;
            self.columns = Some(Columns::read(line, &text)?);
            return Ok(());
        };
        let record = text.as_deref().map_err(Reason::clone);
        let record = record.and_then(|text| Record::read(line, text, columns));
        sink(match record {
            Ok(Some(record)) => Event::Imported(record),
            Ok(None) => Event::Skipped { line },
            Err(reason) => {
                let last_line = self.lines;
                Event::Rejected(Rejection { line, last_line, reason })
            }
        });
        Ok(())
    }
}

/// The text of a record that begins on `line` and that `splitter` has passed.
fn readable<'a>(line: u64, bytes: &'a [u8], splitter: &Splitter) -> Result<Cow<'a, str>, Reason> {
    if memchr::memchr(0, bytes).is_some() {
        return Err(Reason::Nul);
    }
    if let Some(Broken { field, line_breaks }) = splitter.broken() {
        let line = line + line_breaks;
        return Err(Reason::Quoting { field, line });
    }
    Ok(text::decode(bytes))
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}
