//! The pages of imports.

mod list;
mod rejections;
mod send;
mod show;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::app::App;

/// The pages, and what their forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/imports", get(list::list))
        // A file may be of any size: it is read as it comes in.
        .route("/imports/{id}", get(show::show).post(send::send).layer(DefaultBodyLimit::disable()))
        .route("/imports/{id}/cancel", post(show::cancel))
        .route("/imports/{id}/rejections.csv", get(rejections::csv))
}
