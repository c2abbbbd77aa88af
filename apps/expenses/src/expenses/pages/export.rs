use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::list::search;
use crate::expenses::cursor::Cursor;
use crate::expenses::row::Expense;
use crate::expenses::search::Search;
use crate::failure::Failure;
use crate::session::Visitor;
use crate::web::{Parts, Query, csv_field, export};

/// Expenses that are read at a time.
const ROWS: u16 = 1_000;

const COLUMNS: &str = "Date,Amount,Currency,Supplier,Category,Unit,Description,Status\r\n";

/// What the list shows, all of its pages, as a CSV file (RFC 4180).
pub(super) async fn csv(visitor: Visitor, query: Query) -> Result<Response, Failure> {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"expenses.csv\""),
    ];
    let found = Found::of(visitor, query, |items, is_first, _| {
        let mut text = if is_first { COLUMNS.to_owned() } else { String::new() };
        items.iter().for_each(|expense| push_record(&mut text, expense));
        text
    });
    Ok((headers, export(found?).await?).into_response())
}

/// The same as a JSON array, of objects like the API's.
pub(super) async fn json(visitor: Visitor, query: Query) -> Result<Response, Failure> {
    let headers = [(CONTENT_TYPE, "application/json"), (CONTENT_DISPOSITION, "attachment; filename=\"expenses.json\"")];
    let found = Found::of(visitor, query, |items, is_first, is_last| {
        let mut text = if is_first { "[" } else { "" }.to_owned();
        for (number, expense) in items.iter().enumerate() {
            text.push_str(if is_first && number == 0 { "\n" } else { ",\n" });
            // An expense is made of texts and numbers, which are never refused.
            text.push_str(&serde_json::to_string(expense).unwrap_or_default());
        }
        text + if is_last { "\n]\n" } else { "" }
    });
    Ok((headers, export(found?).await?).into_response())
}

/// Where an export is.
enum Place {
    Start,
    Behind(Cursor),
    End,
}

/// What was found, to be written as a file.
struct Found<W> {
    visitor: Visitor,
    search: Search,
    write: W,
    place: Place,
}

impl<W> Found<W>
where
    W: Fn(&[Expense], bool, bool) -> String,
{
    fn of(visitor: Visitor, mut query: Query, write: W) -> Result<Self, Failure> {
        let search = search(&mut query);
        match query.faults().next() {
            Some((name, fault)) => Err(Failure::invalid(format!("{name}: {fault}"))),
            None => Ok(Self { visitor, search, write, place: Place::Start }),
        }
    }
}

impl<W> Parts for Found<W>
where
    W: Fn(&[Expense], bool, bool) -> String + Send + Sync + 'static,
{
    async fn next(&mut self) -> Result<Option<String>, Failure> {
        let after = match self.place {
            Place::Start => None,
            Place::Behind(cursor) => Some(cursor),
            Place::End => return Ok(None),
        };
        let (mut scope, _) = self.visitor.read().await?;
        let (items, next) = self.search.run(&mut scope, after, ROWS).await?;
        self.place = next.map_or(Place::End, Place::Behind);
        Ok(Some((self.write)(&items, after.is_none(), next.is_none())))
    }
}

fn push_record(text: &mut String, expense: &Expense) {
    let Expense { date, amount, currency, supplier, category, unit, description, status, .. } = expense;
    text.push_str(&format!("{date},{amount},{currency}"));
    for field in [supplier, category, unit, description] {
        text.push(',');
        text.push_str(&csv_field(field));
    }
    text.push_str(&format!(",{}\r\n", status.name()));
}
