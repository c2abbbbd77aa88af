use freehold_control::split;

/// Lines that become statements, each ended by a semicolon.
#[derive(Debug, Default)]
pub(super) struct Statements {
    pending: String,
}

impl Statements {
    /// Whether nothing waits for its end.
    pub(super) fn is_empty(&self) -> bool {
        split(&self.pending).is_empty()
    }

    /// Takes a line, and gives the statements it completes.
    pub(super) fn push(&mut self, line: &str) -> Vec<String> {
        self.pending.push_str(line);
        self.pending.push('\n');
        let statements = split(&self.pending);
        let end = statements.iter().filter_map(|statement| statement.end).max().unwrap_or(0);
        let complete = statements.iter().filter(|statement| statement.end.is_some());
        let complete = complete.map(|statement| statement.text.to_owned()).collect();
        self.pending.drain(..end);
        complete
    }

    /// What came after the last semicolon.
    pub(super) fn rest(self) -> Option<String> {
        split(&self.pending).first().map(|statement| statement.text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statements that each line completes, and what is left.
    fn read(lines: &[&str]) -> (Vec<Vec<String>>, Option<String>) {
        let mut statements = Statements::default();
        let read = lines.iter().map(|line| statements.push(line)).collect();
        (read, statements.rest())
    }

    #[test]
    fn a_statement_may_span_lines_and_ends_with_a_semicolon() {
        let (read, rest) = read(&["select 1,", "  ';' || 2;  select 2;", ";", "select 3"]);
        assert_eq!(read, [vec![], vec!["select 1,\n  ';' || 2".to_owned(), "select 2".into()], vec![], vec![]]);
        assert_eq!(rest.as_deref(), Some("select 3"));
    }

    #[test]
    fn a_semicolon_in_a_comment_or_a_text_ends_nothing() {
        let (read, rest) =
            read(&["delete from notes -- old ones;", "where id = 'a;", "b';", "/* delete from notes;", "*/"]);
        let delete = "delete from notes -- old ones;\nwhere id = 'a;\nb'".to_owned();
        assert_eq!(read, [vec![], vec![], vec![delete], vec![], vec![]]);
        assert_eq!(rest, None);
    }
}
