use askama::Template;
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;
use crate::import::read::stop;
use crate::import::rejections::{self, Rejection};
use crate::import::row::{self, Import, State};
use crate::input::Id;
use crate::web::{Browser, Frame, Notice, Page, Place, to};

/// Rejected records that the page shows.
const SHOWN: i64 = 100;

#[derive(Template)]
#[template(path = "imports/show.html")]
struct Show {
    frame: Frame,
    import: Import,
    rejections: Vec<Rejection>,
}

impl Show {
    const PLACE: Place = Place::Imports;
}

/// How far an import is, for a script to put in place.
#[derive(Template)]
#[template(path = "imports/state.html")]
struct Progress {
    frame: Frame,
    import: Import,
    rejections: Vec<Rejection>,
}

/// What became of an import, or how far it is.
pub(super) async fn show(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.read().await?;
    let import = row::find(&mut scope, id).await?.ok_or_else(Failure::not_found)?;
    let rejections = rejections::first(&mut scope, id, SHOWN).await?;
    if browser.wants_part() {
        return Ok(Page::of(Progress { frame, import, rejections }).into_response());
    }
    Ok(Page::of(Show { frame, import, rejections }).into_response())
}

/// Cancels an import. One that is over stays as it is, and its page says so.
pub(super) async fn cancel(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let address = format!("/imports/{id}");
    match stop(browser.visitor(), id).await {
        Ok(_) => to(&address, Notice::ImportCancelled),
        Err(Failure::Refused(problem)) if problem.code() == "import_over" => to(&address, None),
        Err(failure) => Err(failure),
    }
}
