/// Lines that become statements.
///
/// A statement ends with a semicolon at the end of a line, so one inside a text or a function's body does not end it as
/// long as more follows on its line.
#[derive(Debug, Default)]
pub(super) struct Statements {
    pending: String,
}

impl Statements {
    /// Whether nothing waits for its end.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Takes a line, and gives the statement it completes.
    pub(super) fn push(&mut self, line: &str) -> Option<String> {
        let line = line.trim_end();
        if self.pending.is_empty() && line.trim_start().is_empty() {
            return None;
        }
        self.pending.push_str(line);
        if !line.ends_with(';') {
            self.pending.push('\n');
            return None;
        }
        let statement = std::mem::take(&mut self.pending);
        let statement = statement.trim_end_matches(';').trim();
        (!statement.is_empty()).then(|| statement.to_owned())
    }

    /// What came after the last semicolon.
    pub(super) fn rest(self) -> Option<String> {
        let rest = self.pending.trim();
        (!rest.is_empty()).then(|| rest.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_may_span_lines_and_ends_with_a_semicolon() {
        let mut statements = Statements::default();
        assert_eq!(statements.push("select 1,"), None);
        assert!(!statements.is_empty());
        assert_eq!(statements.push("  ';' || 2;  ").as_deref(), Some("select 1,\n  ';' || 2"));
        assert_eq!(statements.push(";"), None);
        assert_eq!(statements.push("select 3"), None);
        assert_eq!(statements.rest().as_deref(), Some("select 3"));
    }
}
