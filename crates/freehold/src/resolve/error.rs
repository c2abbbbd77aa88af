use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::bearer::InvalidToken;
use super::{InvalidHost, TenantName};
use crate::Problem;

/// Why a request names no tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The host of the request is missing, said twice, or no host name.
    #[error("the request has no valid host")]
    Host(#[from] InvalidHost),
    /// What names the tenant is no slug, so no tenant has it.
    #[error("the request names no possible tenant")]
    NoSlug,
    /// Two places name different tenants.
    #[error("the request names tenant {first} in one place and {second} in another")]
    Conflict {
        /// What the earlier resolver found.
        first: TenantName,
        /// What the later one found.
        second: TenantName,
    },
    /// The request has a bearer token, and that is not valid here.
    #[error("the bearer token is not valid")]
    Token(#[from] InvalidToken),
    /// The request has a token, and nobody can say yet whether it is valid: its issuer's keys are not there.
    #[error("the keys of issuer {issuer:?} are not there yet")]
    KeysUnavailable {
        /// The issuer.
        issuer: String,
    },
}

impl IntoResponse for ResolveError {
    fn into_response(self) -> Response {
        match self {
            Self::Host(_) => Problem::new(StatusCode::BAD_REQUEST, "invalid_host").detail("send one valid Host header"),
            Self::NoSlug => {
                Problem::new(StatusCode::NOT_FOUND, "unknown_tenant").detail("there is no organisation at this address")
            }
            Self::Conflict { .. } => Problem::new(StatusCode::BAD_REQUEST, "tenant_conflict")
                .detail("the request names two different organisations"),
            Self::Token(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a bearer token was refused");
                return error.into_response();
            }
            Self::KeysUnavailable { .. } => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable")
                .detail("the token cannot be verified at the moment: try again")
                .retry_after(1),
        }
        .into_response()
    }
}
