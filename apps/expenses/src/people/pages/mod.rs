//! The pages of people: who is in the organisation, one's own account, and where links in mail lead.

mod account;
mod confirm;
mod join;
mod members;
mod password;
mod welcome;

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderValue, Uri};

use crate::app::App;
use crate::failure::Failure;
use crate::web::{Notice, Outside, Page, to};

/// The pages, and what their forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/people", get(members::list))
        .route("/people/{id}/role", post(members::change_role))
        .route("/people/{id}/remove", post(members::remove))
        .route("/people/invitations", post(members::invite))
        .route("/people/invitations/{id}/repeat", post(members::repeat))
        .route("/people/invitations/{id}/withdraw", post(members::withdraw))
        .route("/invitations/{secret}", get(join::offer).post(join::join))
        .route("/account", get(account::show).post(account::rename))
        .route("/account/password", post(account::change_password))
        .route("/account/confirmation", post(account::send_confirmation))
        .route("/confirm/{secret}", get(confirm::ask).post(confirm::confirm))
        .route("/password", get(password::ask).post(password::send))
        .route("/password/{secret}", get(password::form).post(password::choose))
        .route("/welcome/{secret}", get(welcome::enter))
}

/// The secret at the end of a link, whatever was typed there, and where forms behind the link are sent.
struct Link {
    secret: String,
    address: Uri,
}

impl<S: Send + Sync> FromRequestParts<S> for Link {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let secret = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Failure::not_found())?;
        Ok(Self { secret: secret.0, address: parts.uri.clone() })
    }
}

/// Says that a link does not work, and what does.
#[derive(Template)]
#[template(path = "people/link_over.html")]
struct LinkOver {
    outside: Outside,
    title: &'static str,
    words: String,
    /// What can be done about it: an address, and what is there.
    way_on: (&'static str, &'static str),
}

impl LinkOver {
    /// A link that leads nowhere here, or not any more; which of the two is not known.
    fn unknown(outside: Outside, words: &str, way_on: (&'static str, &'static str)) -> Response {
        let title = "This link does not work";
        Page::with_status(StatusCode::NOT_FOUND, Self { outside, title, words: words.to_owned(), way_on })
            .into_response()
    }

    /// A link that led somewhere once.
    fn gone(outside: Outside, title: &'static str, words: String, way_on: (&'static str, &'static str)) -> Response {
        Page::with_status(StatusCode::GONE, Self { outside, title, words, way_on }).into_response()
    }
}

/// Leads somebody on who has just got a session.
fn let_in(address: &str, notice: Notice, cookie: HeaderValue) -> Result<Response, Failure> {
    let mut response = to(address, notice)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}
