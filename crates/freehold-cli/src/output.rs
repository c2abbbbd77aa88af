//! Data on standard output, for people or for programs.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, Table, presets};

use crate::json::Document;

/// In what form to print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Prints the document, or the text for people.
    pub(crate) fn print(&self, document: &Document<'_>, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if !self.json {
            return line(&text());
        }
        line(&serde_json::to_string_pretty(&document.to_json()?)?)
    }

    /// Whether standard output is for a document.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether there are people who want to be told more than data and errors.
    pub(crate) fn speaks(&self) -> bool {
        !self.json && !self.quiet
    }

    /// Tells people what was done; programs know it by the exit code.
    pub(crate) fn note(&self, text: &str) {
        if self.speaks() {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }
}

/// Whether standard error takes colours and bars: a terminal that can, and nobody who said no (no-color.org).
pub(crate) fn is_decorated() -> bool {
    let said_no = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !said_no && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Writes a line to standard output. A reader that has gone, such as `head`, is no error.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A text that a stranger may have chosen, without what would move the cursor, add a line or turn the direction of writing.
pub(crate) fn visible(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || turns(c) {
            visible.extend(c.escape_default());
        } else {
            visible.push(c);
        }
    }
    visible
}

/// Rows below their headers, without lines between them, so that a column can be copied.
pub(crate) fn table<R>(headers: &[&str], rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = String>,
{
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(headers.iter().map(Cell::new));
    for row in rows {
        table.add_row(row.into_iter().map(|cell| visible(&cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_does_not_leave_its_cell() {
        let shown = table(&["NAME"], [["X\u{1b}[2J\nstatus\u{202e}é".to_owned()]]);
        assert_eq!(shown, "NAME\nX\\u{1b}[2J\\nstatus\\u{202e}é");
    }
}
