use askama::Template;
use freehold::isolation::{Access, Scope, Sqlx};
use sqlx::FromRow;

use crate::failure::Failure;
use crate::web::{Browser, Page, Query};

/// Names to choose from, in a form.
#[derive(Debug, FromRow)]
pub(crate) struct Choices {
    pub(crate) categories: Vec<String>,
    pub(crate) units: Vec<String>,
}

/// The first categories and units by name, as many as a list in a page can have. Others can be typed.
pub(crate) async fn choices<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Choices, sqlx::Error> {
    let select = "select array(select name from categories where length(name) <= 200 order by name limit 500) as categories, \
                  array(select name from units where length(name) <= 200 order by name limit 500) as units";
    sqlx::query_as(select).fetch_one(scope).await
}

#[derive(Template)]
#[template(path = "names/options.html")]
struct Options {
    names: Vec<String>,
}

/// Suppliers whose names contain what is being typed.
pub(super) async fn suppliers_like(browser: Browser, query: Query) -> Result<Page<impl Template>, Failure> {
    let (mut scope, _) = browser.read().await?;
    let select = "select name from suppliers where length(name) <= 200 and position(lower($1) in lower(name)) > 0 \
                  order by position(lower($1) in lower(name)), name limit 20";
    let names = sqlx::query_scalar(select).bind(query.value("supplier")).fetch_all(&mut scope).await?;
    Ok(Page::of(Options { names }))
}
