//! EXPLAIN shows estimates, which the planner draws from statistics over the rows of every tenant: whoever may ask often
//! enough learns which values are frequent in other tenants' rows.

/// Whether a statement is an EXPLAIN, the one statement whose answer has estimates in it. What stands before its first word
/// is skipped as the server skips it: white space, comments, and the semicolons of empty statements (PostgreSQL: Lexical
/// Structure).
pub(super) fn is_explain(sql: &str) -> bool {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}', ';']);
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.find(['\n', '\r']).map_or("", |end| &comment[end..])
        } else if let Some(comment) = rest.strip_prefix("/*") {
            behind_comment(comment)
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            return rest[..end].eq_ignore_ascii_case("explain");
        };
    }
}

/// What follows the end of a comment, which may have comments in it.
fn behind_comment(mut rest: &str) -> &str {
    let mut depth = 1;
    while depth > 0 {
        let Some(at) = rest.find(['*', '/']) else { return "" };
        let (length, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        rest = &rest[at + length..];
        depth += change;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explain_is_known_whatever_stands_before_it() {
        for sql in [
            "explain select 1",
            "EXPLAIN (analyze) select 1",
            " \t\r\n\u{b}\u{c};;explain select 1",
            "-- a comment\nexplain select 1",
            "-- one\r--two\nexplain select 1",
            "/* one /* inside */ still */ -- and\n explain/**/select 1",
            "/***/explain(verbose)select 1",
            "explain",
        ] {
            assert!(is_explain(sql), "{sql}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for sql in [
            "",
            "select 'explain'",
            "-- explain",
            "/* explain",
            "/* /* */ explain",
            "explained",
            "explain_all",
            "\"explain\"",
            "select 1; explain select 1",
            "ëxplain",
        ] {
            assert!(!is_explain(sql), "{sql}");
        }
    }
}
