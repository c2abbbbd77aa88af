use askama::Template;
use freehold::isolation::{Access, Scope, Sqlx};
use http::StatusCode;

use crate::approvals::Rules;
use crate::expenses::cursor::Cursor;
use crate::expenses::row::{Expense, Status};
use crate::expenses::search::{Order, Search};
use crate::failure::Failure;
use crate::names::{self, Choices};
use crate::web::{Browser, Frame, Page, Place, Query};

/// Expenses of a page.
const ROWS: u16 = 50;

#[derive(Template)]
#[template(path = "expenses/list.html")]
pub(crate) struct List {
    frame: Frame,
    /// What is looked for, as it was typed.
    query: Query,
    choices: Choices,
    rules: Rules,
    items: Vec<Expense>,
    next: Option<Cursor>,
}

impl List {
    const PLACE: Place = Place::Expenses;

    fn is_filtered(&self) -> bool {
        ["q", "status", "supplier", "category", "unit", "from", "to"]
            .iter()
            .any(|name| !self.query.value(name).is_empty())
    }

    /// The address of the list with another order; its pages begin anew.
    fn ordered(&self, order: &str) -> String {
        self.query.with("/expenses", &[("order", order), ("after", "")])
    }

    fn order(&self) -> Order {
        Order::try_from(self.query.value("order").to_owned()).unwrap_or_default()
    }

    /// The address of a file with what is listed.
    fn file(&self, address: &str) -> String {
        self.query.with(address, &[("after", "")])
    }
}

/// Expenses: looked for, filtered, in an order, a page at a time.
pub(super) async fn list(browser: Browser, mut query: Query) -> Result<Page<List>, Failure> {
    let search = search(&mut query);
    let after = query.read_if_filled::<Cursor>("after");
    let (mut scope, frame) = browser.read().await?;
    let choices = names::choices(&mut scope).await?;
    let rules = Rules::load(&mut scope).await?;
    let (items, next) = find(&mut scope, &query, search, after).await?;
    let status = if query.is_valid() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(Page::with_status(status, List { frame, query, choices, rules, items, next }))
}

async fn find<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    query: &Query,
    search: Search,
    after: Option<Cursor>,
) -> Result<(Vec<Expense>, Option<Cursor>), sqlx::Error> {
    // A filter that cannot be read is not left out: the list would show what was not asked for.
    if query.is_valid() { search.run(scope, after, ROWS).await } else { Ok((Vec::new(), None)) }
}

/// What the fields of the page look for. An empty field looks for nothing.
pub(super) fn search(query: &mut Query) -> Search {
    let filled = |query: &Query, name: &str| Some(query.value(name).to_owned()).filter(|text| !text.trim().is_empty());
    Search {
        text: filled(query, "q"),
        status: query.read_if_filled::<Status>("status"),
        supplier: filled(query, "supplier"),
        category: filled(query, "category"),
        unit: filled(query, "unit"),
        from: query.read_if_filled("from"),
        to: query.read_if_filled("to"),
        order: query.read_if_filled::<Order>("order").unwrap_or_default(),
    }
}
