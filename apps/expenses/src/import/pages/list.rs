use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use uuid::Uuid;

use crate::failure::Failure;
use crate::import::read::{Imports, PAGE};
use crate::import::row;
use crate::web::{Browser, Frame, Page, Place, Query, capitalised};

#[derive(Template)]
#[template(path = "imports/list.html")]
struct List {
    frame: Frame,
    imports: Imports,
    is_first: bool,
    /// The id that the next import will have, so that sending its form twice imports once.
    id: Uuid,
    /// What is wrong with a file that was sent.
    fault: Option<String>,
}

impl List {
    const PLACE: Place = Place::Imports;
}

/// The form to send a file with, and what became of those before.
pub(super) async fn list(browser: Browser, query: Query) -> Result<Response, Failure> {
    let after = query.value("after").parse().ok();
    page(&browser, after, StatusCode::OK, None).await
}

/// The form again, with what is wrong with the file that was sent.
pub(super) async fn refusing(browser: &Browser, status: StatusCode, fault: &str) -> Result<Response, Failure> {
    page(browser, None, status, Some(fault)).await
}

async fn page(
    browser: &Browser,
    after: Option<Uuid>,
    status: StatusCode,
    fault: Option<&str>,
) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.read().await?;
    let imports = Imports::of(row::list(&mut scope, after, PAGE as i64 + 1).await?);
    let fault = fault.map(capitalised);
    let list = List { frame, imports, is_first: after.is_none(), id: Uuid::now_v7(), fault };
    Ok(Page::with_status(status, list).into_response())
}
