use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::super::bearer::InvalidToken;

/// By how much the clocks of an issuer and of this machine may differ.
pub(super) const SKEW: Duration = Duration::from_secs(60);

/// A token in its compact form (RFC 7515, section 3.1), read and not verified.
pub(super) struct Token<'a> {
    pub(super) header: Header,
    pub(super) claims: Map<String, Value>,
    /// What the signature is over.
    pub(super) signed: &'a [u8],
    pub(super) signature: Vec<u8>,
}

/// What is read of a token's header. That names of keys' places are not read is on purpose.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, InvalidToken> {
        let (signed, signature) = text.rsplit_once('.').ok_or(InvalidToken::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(InvalidToken::Malformed)?;
        // A further dot is no character of base64url, so a token of five parts (an encrypted one) ends here.
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidToken::Malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| InvalidToken::Malformed)?;
        if header.crit.is_some() {
            return Err(InvalidToken::Critical);
        }
        let claims = serde_json::from_slice(&decode(claims)?).map_err(|_| InvalidToken::Malformed)?;
        Ok(Self { header, claims, signed: signed.as_bytes(), signature: decode(signature)? })
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// Whether the token is for `audience`, which it names alone or among others (RFC 7519, section 4.1.3).
    pub(super) fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(only)) => only == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        }
    }

    /// Whether the token is valid at `now`: `exp` must be there; `nbf`, if it is, must be past.
    pub(super) fn check_times(&self, now: SystemTime) -> Result<(), InvalidToken> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| InvalidToken::NotYetValid)?.as_secs_f64();
        let skew = SKEW.as_secs_f64();
        let expires = self.claims.get("exp").and_then(seconds).ok_or(InvalidToken::Expired)?;
        if expires + skew <= now {
            return Err(InvalidToken::Expired);
        }
        match self.claims.get("nbf").map(seconds) {
            None => Ok(()),
            Some(Some(begins)) if begins - skew <= now => Ok(()),
            // Also one that is no time: it was meant to say something.
            Some(_) => Err(InvalidToken::NotYetValid),
        }
    }
}

/// A time (RFC 7519, section 2: `NumericDate`).
fn seconds(value: &Value) -> Option<f64> {
    value.as_f64().filter(|seconds| *seconds >= 0.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn check(claims: Value) -> Result<(), InvalidToken> {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}.", encode(&json!({"alg": "HS256"})), encode(&claims));
        Token::parse(&text)?.check_times(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
    }

    #[test]
    fn a_token_is_valid_until_its_end_and_a_little_longer() {
        assert_eq!(check(json!({"exp": NOW + 1})), Ok(()));
        assert_eq!(check(json!({"exp": NOW - 59})), Ok(()));
        assert_eq!(check(json!({"exp": NOW as f64 - 59.5})), Ok(()));
        assert_eq!(check(json!({"exp": NOW - 60})), Err(InvalidToken::Expired));
        assert_eq!(check(json!({"exp": 0})), Err(InvalidToken::Expired));
    }

    #[test]
    fn a_token_without_an_end_or_with_one_that_is_no_number_is_refused() {
        for exp in [json!(null), json!("1900000000"), json!([1_900_000_000]), json!({}), json!(true), json!(-1)] {
            assert_eq!(check(json!({"exp": exp})), Err(InvalidToken::Expired), "{exp}");
        }
        assert_eq!(check(json!({})), Err(InvalidToken::Expired));
    }

    #[test]
    fn a_token_is_not_valid_before_its_beginning() {
        assert_eq!(check(json!({"exp": NOW + 100, "nbf": NOW + 60})), Ok(()));
        for nbf in [json!(NOW + 61), json!(null), json!("1"), json!([0]), json!(-1)] {
            assert_eq!(check(json!({"exp": NOW + 100, "nbf": nbf})), Err(InvalidToken::NotYetValid), "{nbf}");
        }
    }

    #[test]
    fn what_is_no_token_in_compact_form_is_malformed() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        for text in [
            String::new(),
            "a".to_owned(),
            "..".to_owned(),
            format!("{header}.e30"),
            format!("{header}.e30.a.b.c"),
            format!("{header}.e30.*"),
            format!("{header}=.e30."),
            format!("{header}.bnVsbA."),
            format!("{header}.W10."),
            format!("{header}.e31."),
            format!("{}.e30.", URL_SAFE_NO_PAD.encode("{}")),
            format!("{}.e30.", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","alg":"none"}"#)),
            format!("{}.e30.", URL_SAFE_NO_PAD.encode("[".repeat(5_000))),
        ] {
            assert!(matches!(Token::parse(&text), Err(InvalidToken::Malformed)), "{text}");
        }
    }

    #[test]
    fn a_header_that_demands_something_is_refused() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#);
        assert!(matches!(Token::parse(&format!("{header}.e30.")), Err(InvalidToken::Critical)));
    }
}
