//! What a file becomes, written out for tests.

use super::{Event, FileError, Reader};

/// Reads a file that arrives in `chunks` and writes one line per event: its kind and line, then the
/// fields of an imported record separated by tabs, or the message of a rejection.
pub(super) fn transcript<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Result<(), FileError>) {
    let mut events = Vec::new();
    let mut reader = Reader::new();
    for chunk in chunks {
        if let Err(error) = reader.push(chunk, |event| events.push(written(&event))) {
            return (events, Err(error));
        }
    }
    let result = reader.finish(|event| events.push(written(&event)));
    (events, result)
}

/// One event as a line.
pub(super) fn written(event: &Event<'_>) -> String {
    match event {
        Event::Imported(record) => format!(
            "imported\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            record.line,
            record.date,
            record.amount_minor,
            escaped(&record.unit),
            escaped(&record.supplier),
            escaped(record.company_number.as_deref().unwrap_or_default()),
            escaped(record.charity_number.as_deref().unwrap_or_default()),
        ),
        Event::Skipped { line } => format!("skipped\t{line}"),
        Event::Rejected(rejection) => format!("rejected\t{}\t{rejection}", rejection.line),
    }
}

/// A field without tabs and line ends.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\t', "\\t");
    text.replace('\n', "\\n").replace('\r', "\\r")
}
