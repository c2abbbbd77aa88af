use std::borrow::Cow;
use std::io;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::list::search;
use crate::expenses::cursor::Cursor;
use crate::expenses::row::Expense;
use crate::expenses::search::Search;
use crate::failure::Failure;
use crate::session::Visitor;
use crate::web::Query;

/// Expenses that are read at a time. In between no connection is kept: the client reads as slowly as it likes.
const ROWS: u16 = 1_000;

const COLUMNS: &str = "Date,Amount,Currency,Supplier,Category,Unit,Description,Status\r\n";

/// What the list shows, all of its pages, as a CSV file (RFC 4180).
pub(super) async fn csv(visitor: Visitor, query: Query) -> Result<Response, Failure> {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"expenses.csv\""),
    ];
    let body = export(visitor, query, |items, is_first, _| {
        let mut text = if is_first { COLUMNS.to_owned() } else { String::new() };
        items.iter().for_each(|expense| push_record(&mut text, expense));
        text
    });
    Ok((headers, body.await?).into_response())
}

/// The same as a JSON array, of objects like the API's.
pub(super) async fn json(visitor: Visitor, query: Query) -> Result<Response, Failure> {
    let headers = [(CONTENT_TYPE, "application/json"), (CONTENT_DISPOSITION, "attachment; filename=\"expenses.json\"")];
    let body = export(visitor, query, |items, is_first, is_last| {
        let mut text = if is_first { "[" } else { "" }.to_owned();
        for (number, expense) in items.iter().enumerate() {
            text.push_str(if is_first && number == 0 { "\n" } else { ",\n" });
            // An expense is made of texts and numbers, which are never refused.
            text.push_str(&serde_json::to_string(expense).unwrap_or_default());
        }
        text + if is_last { "\n]\n" } else { "" }
    });
    Ok((headers, body.await?).into_response())
}

/// A body that is written while it is sent. The first rows are read before the answer begins, so that what is wrong with the
/// request, or with us, is told by its status.
async fn export(
    visitor: Visitor,
    mut query: Query,
    write: impl Fn(&[Expense], bool, bool) -> String + Send + 'static,
) -> Result<Body, Failure> {
    let search = search(&mut query);
    if let Some((name, fault)) = query.faults().next() {
        return Err(Failure::invalid(format!("{name}: {fault}")));
    }
    let (items, next) = rows(&visitor, &search, None).await?;
    let first = Bytes::from(write(&items, true, next.is_none()));
    let state = (visitor, search, write, Some(first), next);
    let body = stream::unfold(state, async |(visitor, search, write, first, next)| {
        if let Some(first) = first {
            return Some((Ok(first), (visitor, search, write, None, next)));
        }
        match rows(&visitor, &search, Some(next?)).await {
            Ok((items, next)) => {
                let text = write(&items, false, next.is_none());
                Some((Ok(Bytes::from(text)), (visitor, search, write, None, next)))
            }
            // The file ends without its end, which every client notices.
            Err(failure) => {
                tracing::warn!(?failure, "an export broke off");
                Some((Err(io::Error::other("the export broke off")), (visitor, search, write, None, None)))
            }
        }
    });
    Ok(Body::from_stream(body))
}

async fn rows(
    visitor: &Visitor,
    search: &Search,
    after: Option<Cursor>,
) -> Result<(Vec<Expense>, Option<Cursor>), Failure> {
    let (mut scope, _) = visitor.read().await?;
    Ok(search.run(&mut scope, after, ROWS).await?)
}

fn push_record(text: &mut String, expense: &Expense) {
    let Expense { date, amount, currency, supplier, category, unit, description, status, .. } = expense;
    text.push_str(&format!("{date},{amount},{currency}"));
    for field in [supplier, category, unit, description] {
        text.push(',');
        text.push_str(&field_of(field));
    }
    text.push_str(&format!(",{}\r\n", status.name()));
}

/// A field. Spreadsheets take a text that begins like a formula for one, so an apostrophe goes in front of it
/// (OWASP, CSV Injection).
fn field_of(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !text.contains([',', '"', '\r', '\n']) {
        return text.into();
    }
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\"")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_must_be_and_never_a_formula() {
        for (text, field) in [
            ("", ""),
            ("Café, Ltd", "\"Café, Ltd\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("@sum", "\"'@sum\""),
            ("-5", "\"'-5\""),
        ] {
            assert_eq!(field_of(text), field, "{text}");
        }
    }
}
