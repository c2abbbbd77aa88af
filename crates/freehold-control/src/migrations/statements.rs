//! Where one statement ends and the next begins (PostgreSQL: Lexical Structure).

/// A statement of a text, and where in the text it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// From its first word on, without its semicolon.
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub offset: usize,
    /// Where what follows its semicolon begins; nothing if it has none.
    pub end: Option<usize>,
}

impl Statement<'_> {
    /// Whether it begins or ends a transaction.
    pub fn controls_transaction(&self) -> bool {
        let word = self.text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
        matches!(word.as_str(), "begin" | "start" | "commit" | "end" | "rollback" | "abort")
    }
}

/// Splits a text at the semicolons that end statements: not those in quotes, comments, parentheses and the bodies of SQL
/// functions (`begin atomic ... end`).
///
/// ```
/// let statements = freehold_control::split("select ';'; -- two;\nselect 2");
/// assert_eq!(statements.iter().map(|statement| statement.text).collect::<Vec<_>>(), ["select ';'", "select 2"]);
/// ```
pub fn split(sql: &str) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let mut start = None;
    let mut open = Open::default();
    let mut at = 0;
    while at < sql.len() {
        let (piece, length) = next_piece(&sql[at..]);
        match piece {
            Piece::Blank => {}
            Piece::Other(b';') if open.is_nothing() => {
                statements.extend(start.take().map(|offset| Statement {
                    text: sql[offset..at].trim_end(),
                    offset,
                    end: Some(at + 1),
                }));
                open = Open::default();
            }
            Piece::Word | Piece::Quoted | Piece::Other(_) => {
                start.get_or_insert(at);
                open.read(&piece, &sql[at..at + length]);
            }
        }
        at += length;
    }
    statements.extend(start.map(|offset| Statement { text: sql[offset..].trim_end(), offset, end: None }));
    statements
}

/// What a semicolon is inside of.
#[derive(Default)]
struct Open {
    parentheses: usize,
    blocks: usize,
    after_begin: bool,
}

impl Open {
    fn is_nothing(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    fn read(&mut self, piece: &Piece, text: &str) {
        let is = |keyword: &str| matches!(piece, Piece::Word) && text.eq_ignore_ascii_case(keyword);
        match piece {
            Piece::Other(b'(') => self.parentheses += 1,
            Piece::Other(b')') => self.parentheses = self.parentheses.saturating_sub(1),
            _ if self.after_begin && is("atomic") || self.blocks > 0 && is("case") => self.blocks += 1,
            _ if is("end") => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
        self.after_begin = is("begin");
    }
}

enum Piece {
    /// White space or a comment.
    Blank,
    /// A string or a quoted name.
    Quoted,
    Word,
    Other(u8),
}

/// The first piece of a text that is not empty, and its length in bytes. What never ends, ends with the text.
fn next_piece(text: &str) -> (Piece, usize) {
    let bytes = text.as_bytes();
    let through = |end: Option<usize>| end.unwrap_or(text.len());
    match bytes[0] {
        b'-' if text.starts_with("--") => (Piece::Blank, through(text.find('\n'))),
        b'/' if text.starts_with("/*") => (Piece::Blank, comment(bytes)),
        b if b.is_ascii_whitespace() => (Piece::Blank, 1),
        b'e' | b'E' if bytes.get(1) == Some(&b'\'') => (Piece::Quoted, 1 + quoted(&bytes[1..], true)),
        b'\'' | b'"' => (Piece::Quoted, quoted(bytes, false)),
        b'$' => match dollar_tag(text) {
            Some(tag) => (Piece::Quoted, through(text[tag.len()..].find(tag).map(|end| end + 2 * tag.len()))),
            None => (Piece::Other(b'$'), 1),
        },
        b if is_word(b) => (Piece::Word, through(bytes.iter().position(|b| !is_word(*b) && *b != b'$'))),
        b => (Piece::Other(b), 1),
    }
}

/// A byte of a name or number. All of a character beyond ASCII counts, so no piece ends inside one.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The length of a quoted text. A doubled quote opens the next one at once, which comes to the same.
fn quoted(bytes: &[u8], escapes: bool) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            b if b == bytes[0] && escapes && bytes.get(at + 1) == Some(&b) => at += 2,
            b if b == bytes[0] => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of a comment, in which others may nest.
fn comment(bytes: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < bytes.len() {
        match &bytes[at..bytes.len().min(at + 2)] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" if depth == 1 => return at + 2,
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `$$` or `$name$` at the beginning of a text.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = 1 + text[1..].find('$')?;
    let name = &text[1..end];
    let fits = name.bytes().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit());
    fits.then(|| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql).into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn statements_end_at_semicolons_and_say_where_they_begin() {
        let statements = split("select 1 ;\n-- two\nselect 2");
        assert_eq!(statements[0], Statement { text: "select 1", offset: 0, end: Some(10) });
        assert_eq!(statements[1], Statement { text: "select 2", offset: 18, end: None });
        assert!(split(" ; ;; -- nothing\n/* ; */").is_empty());
    }

    #[test]
    fn semicolons_that_end_nothing_are_passed_over() {
        for statement in [
            "select ';', 'it''s;', \"a;\"\"b;\"",
            r"select e'\';', E'\\', 'plain\'",
            "do $$ begin; perform ';'; end $$",
            "do $body$ select $$;$$; $body$",
            "select $1, a$b; -- no".trim_end_matches("; -- no"),
            "select /* ; /* ; */ ; */ 1",
            "select 1 -- ; here\n + 1",
            "create rule r as on insert to t do (select 1; select 2)",
            "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
            "select 'ü;', ü",
        ] {
            assert_eq!(texts(&format!("{statement}; select 2")), [statement, "select 2"], "{statement}");
        }
    }

    #[test]
    fn what_begins_or_ends_a_transaction_is_told_from_what_only_looks_like_it() {
        for statement in ["begin", "COMMIT and chain", "start transaction", "end", "rollback to s"] {
            assert!(split(statement)[0].controls_transaction(), "{statement}");
        }
        for statement in ["select 'commit'", "create function f() returns int begin atomic select 1; end", "beginning"]
        {
            assert!(!split(statement)[0].controls_transaction(), "{statement}");
        }
    }

    #[test]
    fn what_never_ends_ends_with_the_file() {
        for sql in ["select '", "select e'\\", "select $$", "select /*", "select \"", "select $a", "$"] {
            assert_eq!(split(sql).len(), 1, "{sql}");
        }
    }
}
