use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use freehold::gate::CurrentTenant;
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue};

use super::login::{Credentials, Door};
use super::{Cookies, Visitor};
use crate::failure::Failure;
use crate::web::{Form, Notice, Outside, Page, Query, Return, Stranger, to};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

#[derive(Template)]
#[template(path = "session/login.html")]
struct Login {
    outside: Outside,
    form: Form,
    next: Return,
}

/// The page to log in on, or for those who are logged in the one behind it.
pub(crate) async fn login_page(
    visitor: Result<Visitor, Failure>,
    stranger: Stranger,
    query: Query,
) -> Result<Response, Failure> {
    let next = Return::to(query.value("next"));
    if let Ok(visitor) = visitor
        && visitor.read().await.is_ok()
    {
        return to(next.as_str(), None);
    }
    let outside = stranger.outside().await?;
    Ok(Page::of(Login { outside, form: Form::default(), next }).into_response())
}

/// Logs in. Whether the address or the password was wrong is not told.
pub(crate) async fn enter(
    stranger: Stranger,
    CurrentTenant(tenant): CurrentTenant,
    State(door): State<Door>,
    mut form: Form,
) -> Result<Response, Failure> {
    let next = Return::to(form.value("next"));
    let person = match form.read("email") {
        Some(email) => {
            let credentials = Credentials { email, password: form.value("password").into() };
            door.recognise(&tenant, &stranger.db, &credentials).await?
        }
        None => None,
    };
    let Some(person) = person else {
        form.refuse("password", "The e-mail address or the password is wrong.");
        return Ok(Page::refusing(Login { outside: stranger.outside().await?, form, next }).into_response());
    };
    let mut scope = stranger.db.write();
    let cookie = door.open(&mut scope, person).await?;
    scope.commit().await?;
    let mut response = to(next.as_str(), None)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// Logs out. Whose session is over already is logged out too.
pub(crate) async fn leave(
    visitor: Result<Visitor, Failure>,
    State(cookies): State<Cookies>,
) -> Result<Response, Failure> {
    if let Ok(visitor) = visitor {
        match visitor.leave().await {
            Ok(()) => {}
            Err(Failure::Refused(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let mut response = to("/login", Notice::LoggedOut)?;
    let cookie = cookies.clear().map_err(|error| Failure::internal(&error))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    // Pages that browsers keep for the back button are gone too.
    response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
    Ok(response)
}
