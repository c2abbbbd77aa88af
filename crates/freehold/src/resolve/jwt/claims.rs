use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::bearer::{INVALID_TOKEN, NO_TOKEN, unauthorized};
use crate::Problem;

/// The claims of a token that was verified. Only this module can make one.
#[derive(Clone, Debug)]
pub(super) struct Verified(pub(super) Arc<Value>);

/// The claims of the token that a request was resolved by, as an axum extractor. Verified in full.
///
/// ```
/// use freehold::resolve::TokenClaims;
///
/// #[derive(serde::Deserialize)]
/// struct Person {
///     sub: String,
/// }
///
/// async fn whoami(TokenClaims(person): TokenClaims<Person>) -> String {
///     person.sub
/// }
/// ```
///
/// `Option<TokenClaims<T>>` is for handlers that let clients in without a token too.
#[derive(Clone, Copy, Debug)]
pub struct TokenClaims<T>(pub T);

/// A handler asked for claims that the request does not have.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClaims {
    /// The request has no token.
    #[error("the request has no token")]
    NoToken,
    /// The token is valid, and does not say what the handler needs to know.
    #[error("the token lacks a claim that is needed")]
    Claims(#[from] serde_json::Error),
}

impl IntoResponse for InvalidClaims {
    fn into_response(self) -> Response {
        let (code, detail, challenge) = match self {
            Self::NoToken => ("token_required", "send a token: Authorization: Bearer ...", NO_TOKEN),
            Self::Claims(_) => {
                tracing::debug!(error = &self as &dyn std::error::Error, "the claims of a token were refused");
                ("invalid_token", "the token does not say what is needed here", INVALID_TOKEN)
            }
        };
        unauthorized(Problem::new(StatusCode::UNAUTHORIZED, code).detail(detail), challenge)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for TokenClaims<T> {
    type Rejection = InvalidClaims;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let Verified(claims) = parts.extensions.get::<Verified>().ok_or(InvalidClaims::NoToken)?;
        Ok(Self(T::deserialize(&**claims)?))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequestParts<S> for TokenClaims<T> {
    type Rejection = InvalidClaims;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Self::Rejection> {
        if parts.extensions.get::<Verified>().is_none() {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}
