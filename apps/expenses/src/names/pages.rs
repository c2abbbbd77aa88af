use askama::Template;
use axum::Router;
use axum::routing::get;
use http::StatusCode;

use super::choices::suppliers_like;
use super::list::{self, List, Listed, ROWS};
use crate::app::App;
use crate::failure::Failure;
use crate::web::{Browser, Frame, Page, Place, Query};

/// The lists of names, and what helps to type one.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/suppliers", get(suppliers))
        .route("/suppliers/like", get(suppliers_like))
        .route("/units", get(units))
}

/// What a list is of.
struct Kind {
    list: List,
    title: &'static str,
    address: &'static str,
    /// The filter of the list of expenses that takes such a name.
    filter: &'static str,
    /// Where they come from.
    words: &'static str,
}

const SUPPLIERS: Kind = Kind {
    list: List::SUPPLIERS,
    title: "Suppliers",
    address: "/suppliers",
    filter: "supplier",
    words: "Whom expenses name as paid.",
};
const UNITS: Kind = Kind {
    list: List::UNITS,
    title: "Units",
    address: "/units",
    filter: "unit",
    words: "Parts of the organisation that expenses name.",
};

#[derive(Template)]
#[template(path = "names/list.html")]
struct Names {
    frame: Frame,
    kind: Kind,
    query: Query,
    items: Vec<Listed>,
    next: Option<list::Place>,
}

impl Names {
    const PLACE: Place = Place::Expenses;

    fn expenses(&self, item: &Listed) -> String {
        Query::default().with("/expenses", &[(self.kind.filter, item.name.as_str())])
    }
}

async fn suppliers(browser: Browser, query: Query) -> Result<Page<impl Template>, Failure> {
    names(&browser, query, SUPPLIERS).await
}

async fn units(browser: Browser, query: Query) -> Result<Page<impl Template>, Failure> {
    names(&browser, query, UNITS).await
}

async fn names(browser: &Browser, mut query: Query, kind: Kind) -> Result<Page<Names>, Failure> {
    let after = query.read_if_filled("after");
    let (mut scope, frame) = browser.read().await?;
    if !query.is_valid() {
        let names = Names { frame, kind, query, items: Vec::new(), next: None };
        return Ok(Page::with_status(StatusCode::UNPROCESSABLE_ENTITY, names));
    }
    let (items, next) = kind.list.run(&mut scope, query.value("q"), after).await?;
    Ok(Page::of(Names { frame, kind, query, items, next }))
}
