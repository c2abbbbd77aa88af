//! What a handler answers when it does not do what was asked.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use freehold::Problem;
use freehold::isolation::ScopeError;
use http::StatusCode;

/// A refusal in words the client may read, or a scope that failed, whose words stay in the log.
#[derive(Debug)]
pub(crate) enum Failure {
    Refused(Problem),
    Scope(ScopeError),
}

impl Failure {
    /// What the client asked for cannot be done with these values.
    pub(crate) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid").detail(detail).into()
    }

    /// The person's role does not allow it.
    pub(crate) fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Problem::new(StatusCode::FORBIDDEN, "forbidden").detail(detail).into()
    }

    /// Nothing is at this address: for this organisation, which is all a client may know.
    pub(crate) fn not_found() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not_found").detail("there is nothing at this address").into()
    }

    /// Something here failed; the log knows what.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        internal_problem().into()
    }
}

/// What a client may know of a fault on our side.
pub(crate) fn internal_problem() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").detail("something went wrong on our side")
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(problem) => problem.into_response(),
            Self::Scope(error) => error.into_response(),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<ScopeError> for Failure {
    fn from(error: ScopeError) -> Self {
        Self::Scope(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Scope(error.into())
    }
}
