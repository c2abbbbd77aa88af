use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use super::notice::Notice;
use crate::failure::{Failure, internal_problem};

/// A page, or a part of one, made from its template.
#[derive(Debug)]
pub(crate) struct Page<T> {
    status: StatusCode,
    template: T,
}

impl<T: Template> Page<T> {
    /// A page that shows what was asked for.
    pub(crate) fn of(template: T) -> Self {
        Self { status: StatusCode::OK, template }
    }

    /// A form shown again, because of what is wrong with it.
    pub(crate) fn refusing(template: T) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, template }
    }

    /// A page with another status.
    pub(crate) fn with_status(status: StatusCode, template: T) -> Self {
        Self { status, template }
    }
}

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.template.render() {
            Ok(html) => (self.status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a template failed");
                internal_problem().into_response()
            }
        }
    }
}

/// Sends the browser to another page (303: it is to get it, whatever it sent here), with something to say there.
pub(crate) fn to(address: &str, notice: impl Into<Option<Notice>>) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(address).map_err(|error| Failure::internal(&error))?;
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    if let Some(notice) = notice.into() {
        response.headers_mut().append(SET_COOKIE, notice.cookie());
    }
    Ok(response)
}
