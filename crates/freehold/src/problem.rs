//! Errors as clients see them: `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::ProvisionError;
use crate::isolation::{ErrorKind, ScopeError};

/// An error in the words a client may read.
///
/// What stands behind it (a database's message, a path, another tenant's value) stays in the log: nothing gets in here
/// that was not put in on purpose.
///
/// The answer carries the problem in its extensions too, so that a layer of an application can show it to people as a page of
/// its own.
///
/// ```
/// use freehold::Problem;
/// use http::StatusCode;
///
/// let problem = Problem::new(StatusCode::CONFLICT, "slug_taken").detail("the name `acme` is taken: choose another");
/// assert_eq!(problem.status(), StatusCode::CONFLICT);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Option<Cow<'static, str>>,
    retry_after_seconds: Option<u32>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl Problem {
    /// A problem with a stable `code` for programs.
    pub fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code, detail: None, retry_after_seconds: None }
    }

    /// Says what is wrong and what to do, for people.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says when trying again may help.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// A refusal in axum's words. They speak of nothing but the request, unless the fault is the application's.
    fn refused(status: StatusCode, code: &'static str, text: String) -> Self {
        if status.is_server_error() {
            tracing::error!(error = text, "an extractor does not fit its route");
            return Self::internal();
        }
        Self::new(status, code).detail(text)
    }

    fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").detail("something went wrong on our side")
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong and what to do, if it was said.
    pub fn detail_text(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.as_deref(),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// A body that [`axum::Json`] refuses: `malformed_json`, `invalid` (JSON of another shape), `unsupported_media_type`, `too_large`
/// or `broken_body`.
///
/// ```
/// use axum::Json;
/// use axum::extract::{FromRequest, Request};
/// use freehold::Problem;
/// use serde::de::DeserializeOwned;
///
/// struct Body<T>(T);
///
/// impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
///     type Rejection = Problem;
///
///     async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
///         let Json(body) = Json::from_request(request, state).await?;
///         Ok(Self(body))
///     }
/// }
/// ```
impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection {
            JsonRejection::JsonDataError(_) => "invalid",
            JsonRejection::JsonSyntaxError(_) => "malformed_json",
            JsonRejection::MissingJsonContentType(_) => "unsupported_media_type",
            _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            _ => "broken_body",
        };
        Self::refused(rejection.status(), code, rejection.body_text())
    }
}

/// Parameters that [`axum::extract::Query`] refuses: `invalid`.
impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::refused(rejection.status(), "invalid", rejection.body_text())
    }
}

/// Part of a path that [`axum::extract::Path`] refuses: `invalid`. Where it stands for a thing, 404 is the better answer.
impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::refused(rejection.status(), "invalid", rejection.body_text())
    }
}

impl From<&ScopeError> for Problem {
    fn from(error: &ScopeError) -> Self {
        match error.kind() {
            ErrorKind::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy")
                .detail("too many requests at once: try again")
                .retry_after(1),
            ErrorKind::Unavailable => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
                .detail("the database cannot be reached: try again")
                .retry_after(1),
            ErrorKind::Timeout => Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout").detail("the request took too long"),
            ErrorKind::Stale => Self::new(StatusCode::SERVICE_UNAVAILABLE, "moved")
                .detail("the organisation is being moved: try again")
                .retry_after(0),
            ErrorKind::ReadOnly => Self::new(StatusCode::PAYMENT_REQUIRED, "read_only")
                .detail("the organisation can be read, but not changed"),
            ErrorKind::Conflict => {
                Self::new(StatusCode::CONFLICT, "conflict").detail("somebody else changed the same: try again")
            }
            ErrorKind::Constraint => {
                Self::new(StatusCode::CONFLICT, "constraint").detail("the change contradicts what is there")
            }
            ErrorKind::Value => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "value")
                .detail("a value is missing, out of range or not of its kind: check what was sent"),
            ErrorKind::Fault => Self::internal(),
        }
    }
}

impl IntoResponse for ScopeError {
    /// The [`Problem`] for the client; the error itself goes to the log.
    fn into_response(self) -> Response {
        let problem = Problem::from(&self);
        if problem.status().is_server_error() {
            tracing::error!(
                error = &self as &dyn std::error::Error,
                error.kind = self.kind().as_str(),
                "a scope failed"
            );
        } else {
            tracing::debug!(error = &self as &dyn std::error::Error, "a scope was refused something");
        }
        problem.into_response()
    }
}

impl From<&ProvisionError> for Problem {
    fn from(error: &ProvisionError) -> Self {
        match error {
            ProvisionError::SlugTaken { slug } => Self::new(StatusCode::CONFLICT, "slug_taken")
                .detail(format!("the slug {slug} is taken: choose another")),
            ProvisionError::KeyTaken { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key_taken")
                .detail("the key of this request names another one: each has a key of its own"),
            ProvisionError::Length => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "length")
                .detail("the organisation's name and the key of the request have 1 to 200 characters each"),
            ProvisionError::NotActive { slug, status } => Self::new(StatusCode::CONFLICT, "not_active")
                .detail(format!("the organisation {slug} is there, and {status}")),
            ProvisionError::NoWorker
            | ProvisionError::TimedOut { .. }
            | ProvisionError::Failed { .. }
            | ProvisionError::Catalog(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_provisioned")
                .detail("the organisation is not set up yet: repeat the same request")
                .retry_after(5),
        }
    }
}

impl IntoResponse for ProvisionError {
    /// The [`Problem`] for the client; the error itself goes to the log.
    fn into_response(self) -> Response {
        let problem = Problem::from(&self);
        if problem.status().is_server_error() {
            tracing::error!(error = &self as &dyn std::error::Error, "a tenant was not provisioned");
        }
        problem.into_response()
    }
}
