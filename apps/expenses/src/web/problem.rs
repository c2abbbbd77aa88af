use askama::Template;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use freehold::Problem;
use http::header::{ACCEPT, HeaderName, HeaderValue, REFERER, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode, Uri};

use super::assets::{ADDRESSES, Addresses};
use super::browser::Return;
use super::notice::Notice;
use super::page::{Page, to};

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");
/// What htmx sends with its requests.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'p> {
    assets: &'static Addresses,
    status: u16,
    title: &'p str,
    detail: &'p str,
}

/// Shows problems to people as pages, and sends whoever has to log in to where that is. The API's stay as they are.
pub(crate) async fn as_pages(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/api/") || !wants_page(request.headers()) {
        return next.run(request).await;
    }
    let back = way_back(request.method(), request.uri(), request.headers());
    let is_script = request.headers().contains_key(HX_REQUEST);
    let response = next.run(request).await;
    match response.extensions().get::<Problem>() {
        Some(problem) if problem.code() == "not_logged_in" => log_in(&back, is_script),
        Some(problem) => {
            let page = ProblemPage {
                assets: &ADDRESSES,
                status: problem.status().as_u16(),
                title: title(problem),
                detail: problem.detail_text().unwrap_or("Something is wrong."),
            };
            let mut page = Page::with_status(problem.status(), page).into_response();
            let retry_after = response.headers().get(RETRY_AFTER).cloned();
            page.headers_mut().extend(retry_after.map(|seconds| (RETRY_AFTER, seconds)));
            page
        }
        None => response,
    }
}

fn title(problem: &Problem) -> &'static str {
    match (problem.code(), problem.status()) {
        ("unknown_tenant", _) => "No such organisation",
        (_, StatusCode::NOT_FOUND) => "Not found",
        (_, StatusCode::FORBIDDEN) => "Not allowed",
        (_, StatusCode::GONE) => "Gone",
        (_, StatusCode::CONFLICT) => "Somebody was faster",
        ("suspended", _) => "Suspended",
        ("read_only", _) => "For reading only",
        (_, StatusCode::PAYLOAD_TOO_LARGE) => "Too large",
        (_, StatusCode::TOO_MANY_REQUESTS) => "Too many attempts",
        (_, status) if status.is_server_error() => "That did not work",
        _ => "That cannot be done",
    }
}

/// Browsers name HTML first, htmx alone; programs ask for JSON or for anything.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.trim_start().starts_with("text/html"))
}

/// Where to go on after logging in: the page that was asked for, or the one whose form was sent.
fn way_back(method: &Method, uri: &Uri, headers: &HeaderMap) -> Return {
    if method == Method::GET && !headers.contains_key(HX_REQUEST) {
        return Return::to(uri.path_and_query().map_or("/", |address| address.as_str()));
    }
    let from = headers.get(REFERER).and_then(|address| address.to_str().ok()?.parse::<Uri>().ok());
    Return::to(from.as_ref().and_then(Uri::path_and_query).map_or("/", |address| address.as_str()))
}

fn log_in(back: &Return, is_script: bool) -> Response {
    let address = format!("/login{}", back.query());
    let Ok(mut response) = to(&address, Notice::SessionOver) else { return StatusCode::UNAUTHORIZED.into_response() };
    if is_script && let Ok(address) = HeaderValue::try_from(address) {
        // A 303 would be followed by the script, and the login swapped into some corner of the page.
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert(HX_REDIRECT, address);
    }
    response
}
