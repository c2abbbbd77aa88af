use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::InvalidApiKey;
use crate::Problem;

/// Longer tokens are not looked at. Those that issuers give out have one or two thousand bytes.
const LONGEST: usize = 8_192;

/// Why a bearer token is refused. Clients are told no more than that it is, and whether it has expired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// There is more than one `Authorization` header.
    #[error("there are two Authorization headers")]
    Ambiguous,
    /// It is longer than any token that is meant.
    #[error("the token has more than {LONGEST} bytes")]
    TooLong,
    /// It has not the form of a token.
    #[error("the token is malformed")]
    Malformed,
    /// It is no API key, although it begins like one.
    #[error("the API key is not valid")]
    ApiKey(#[from] InvalidApiKey),
    /// Its header demands something that is not offered (RFC 7515, section 4.1.11).
    #[error("the token's header has critical extensions")]
    Critical,
    /// Its issuer is none of those that were listed.
    #[error("the token's issuer is not one of those listed")]
    Issuer,
    /// Its issuer has no key of that id for that algorithm.
    #[error("the issuer has no such key for the token's algorithm")]
    Key,
    /// The signature is not of the issuer's key.
    #[error("the token's signature is wrong")]
    Signature,
    /// It was issued for somebody else than this application.
    #[error("the token is for another audience")]
    Audience,
    /// It is no longer valid, or does not say until when it is.
    #[error("the token has expired")]
    Expired,
    /// It is not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It does not name a tenant.
    #[error("the token names no tenant")]
    NoTenant,
    /// Its issuer may not name this tenant.
    #[error("the token's issuer has no say about this tenant")]
    ForeignTenant,
}

/// The challenge to a client that sent no token (RFC 6750, section 3).
pub(super) const NO_TOKEN: HeaderValue = HeaderValue::from_static("Bearer");
/// The challenge to one whose token is refused.
pub(super) const INVALID_TOKEN: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");

impl IntoResponse for InvalidToken {
    fn into_response(self) -> Response {
        let detail = match self {
            Self::Expired => "the token has expired: get a new one",
            Self::Ambiguous => "send one Authorization header",
            _ => "the token is not valid here",
        };
        unauthorized(Problem::new(StatusCode::UNAUTHORIZED, "invalid_token").detail(detail), INVALID_TOKEN)
    }
}

pub(super) fn unauthorized(problem: Problem, challenge: HeaderValue) -> Response {
    ([(WWW_AUTHENTICATE, challenge)], problem).into_response()
}

/// The token of `Authorization: Bearer`, if the request has one. Another scheme is somebody else's.
pub(super) fn bearer_token(request: &Parts) -> Result<Option<&str>, InvalidToken> {
    let mut values = request.headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.as_bytes(),
        // Whatever they are: who reads the first and who reads the last would disagree.
        (Some(_), Some(_)) => return Err(InvalidToken::Ambiguous),
    };
    let scheme_ends = value.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(scheme_ends);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    let token = rest.strip_prefix(b" ").ok_or(InvalidToken::Malformed)?.trim_ascii_start();
    if token.len() > LONGEST {
        return Err(InvalidToken::TooLong);
    }
    if token.is_empty() || !token.iter().all(|byte| is_token_byte(*byte)) {
        return Err(InvalidToken::Malformed);
    }
    std::str::from_utf8(token).map(Some).map_err(|_| InvalidToken::Malformed)
}

/// The characters of `b64token` (RFC 6750, section 2.1).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn token(values: &[&[u8]]) -> Result<Option<String>, InvalidToken> {
        let mut request = Request::builder().uri("/");
        for value in values {
            request = request.header(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        bearer_token(&request.body(()).unwrap().into_parts().0).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_others_are_left_alone() {
        for value in ["Bearer a.b_c", "bearer a.b_c", "BEARER   a.b_c"] {
            assert_eq!(token(&[value.as_bytes()]), Ok(Some("a.b_c".to_owned())), "{value}");
        }
        for value in ["Basic YTpi", "Bearers a", "Token a", ""] {
            assert_eq!(token(&[value.as_bytes()]), Ok(None), "{value}");
        }
        assert_eq!(token(&[]), Ok(None));
    }

    #[test]
    fn what_begins_like_a_bearer_token_and_is_none_is_refused() {
        for value in ["Bearer", "Bearer ", "Bearer\ta", "Bearer a b", "Bearer a, Bearer b", "Bearer a;b", "bearer=a"] {
            assert_eq!(token(&[value.as_bytes()]), Err(InvalidToken::Malformed), "{value}");
        }
        assert_eq!(token(&[b"Bearer \xe4"]), Err(InvalidToken::Malformed));
        assert_eq!(token(&[format!("Bearer {}", "a".repeat(LONGEST + 1)).as_bytes()]), Err(InvalidToken::TooLong));
    }

    #[test]
    fn two_authorization_headers_are_refused_even_where_they_agree() {
        assert_eq!(token(&[b"Bearer a", b"Bearer a"]), Err(InvalidToken::Ambiguous));
        assert_eq!(token(&[b"Basic YTpi", b"Bearer a"]), Err(InvalidToken::Ambiguous));
    }
}
