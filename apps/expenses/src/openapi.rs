//! The description of the API, made from the handlers.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use utoipa::openapi::{Content, Ref, RefOr, Response};
use utoipa::{OpenApi, ToSchema, openapi};

/// A document that is ready to be sent.
pub(crate) type Json = Arc<str>;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "expenses",
        description = "The expenses of many organisations. Sign up at the base host; everything else is at the organisation's own \
                       host, the `url` that the sign-up answers, and needs the cookie that `POST /api/login` sets, or a key in \
                       `Authorization: Bearer`, which the base host takes as well.\n\n\
                       Amounts and totals are strings with two decimals. Text is trimmed; no text is the empty string. Fields \
                       that are not described are ignored. Errors are `application/problem+json` (RFC 9457): `code` is for \
                       programs, `detail` for people.",
    ),
    components(schemas(ProblemBody)),
    tags(
        (name = "sign-up", description = "At the base host"),
        (name = "session", description = "At an organisation's host, as all that follows"),
        (name = "keys"), (name = "people"), (name = "expenses"), (name = "categories"), (name = "budgets"), (name = "reports"), (name = "import"),
    ),
)]
pub(crate) struct Document;

/// An error (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what freehold::Problem writes")]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: `code` tells problems apart.
    #[schema(rename = "type")]
    kind: String,
    /// The HTTP status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// For programs; it does not change.
    code: String,
    /// What is wrong and what to do, for people.
    detail: Option<String>,
}

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// What refuses a JSON body before a handler sees it.
const NO_JSON: [(&str, &str); 3] = [
    ("400", "The body is no JSON, or broke off"),
    ("413", "The body is too large"),
    ("415", "The body is not called application/json"),
];

/// One document out of several.
pub(crate) fn document(parts: impl IntoIterator<Item = openapi::OpenApi>) -> Json {
    let document = parts.into_iter().reduce(|mut all, part| {
        all.merge(part);
        all
    });
    let document = document.map(|mut document| {
        for path in document.paths.paths.values_mut() {
            let methods = [&mut path.get, &mut path.put, &mut path.post, &mut path.patch, &mut path.delete];
            methods.into_iter().flatten().for_each(complete);
        }
        document
    });
    document.and_then(|document| document.to_json().ok()).unwrap_or_default().into()
}

/// Adds what holds for every operation and is not repeated at each: how errors are sent, and what becomes of a bad body.
fn complete(operation: &mut openapi::path::Operation) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(body)) = &operation.request_body
        && body.content.contains_key(JSON)
    {
        for (status, description) in NO_JSON {
            let mut response = Response::new(description);
            let problem = Content::new(Some(Ref::from_schema_name("ProblemBody")));
            response.content.insert(JSON.to_owned(), problem.into());
            responses.entry(status.to_owned()).or_insert(response.into());
        }
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && let Some(problem) = response.content.swap_remove(JSON)
        {
            response.content.insert(PROBLEM.to_owned(), problem);
        }
    }
}

/// Where the document is, on both hosts.
pub(crate) fn route<S: Clone + Send + Sync + 'static>(document: &Json) -> Router<S> {
    let document = document.clone();
    Router::new().route("/api/openapi.json", get(async move || ([(CONTENT_TYPE, JSON)], document.to_string())))
}
