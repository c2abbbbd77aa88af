//! The pages of expenses.

mod change;
mod export;
mod list;
mod submit;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The pages, and what their forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/expenses", get(list::list).post(submit::submit))
        .route("/expenses/new", get(submit::new))
        .route("/expenses.csv", get(export::csv))
        .route("/expenses.json", get(export::json))
        .route("/expenses/{id}", get(change::show).post(change::save))
        .route("/expenses/{id}/edit", get(change::edit))
        .route("/expenses/{id}/status", post(change::decide))
        .route("/expenses/{id}/delete", post(change::delete))
}
