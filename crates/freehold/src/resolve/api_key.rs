use std::fmt;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::bearer::{InvalidToken, NO_TOKEN, bearer_token, unauthorized};
use super::{Address, Claim, ResolveError, Resolver};
use crate::Problem;
use crate::tenant::TenantId;

/// Bytes of a secret: far beyond guessing, so that a plain digest of it is as good as a slow one.
const SECRET: usize = 20;
/// Bytes of the checksum behind it.
const CHECKSUM: usize = 4;

/// An application's API keys, and the resolver for them: `Authorization: Bearer shelf_<tenant>_<secret>`.
///
/// The key's text says whose it is, by the tenant's id: so a key outlives a rename and tells nobody a name. Like a subdomain,
/// that is what the client *says*. Whether the key is one that was given out is for the tenant's own table to say, which
/// holds a digest of each: extract [`PresentedKey`] and look it up, in a scope of the tenant. A key of another tenant is then
/// simply not there. A request without a key of this kind is left to other resolvers.
///
/// ```
/// use freehold::resolve::ApiKeys;
/// use freehold::tenant::TenantId;
///
/// let keys = ApiKeys::new("shelf")?;
/// let tenant = TenantId::generate();
/// let key = keys.generate(tenant);
/// assert_eq!(keys.parse(key.expose_secret())?.tenant(), tenant);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ApiKeys {
    /// With the underscore behind it.
    prefix: Box<str>,
}

/// A text that cannot begin an application's keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot begin API keys: use 2 to 20 of a-z and 0-9, a letter first")]
pub struct InvalidKeyPrefix(pub String);

/// Why a text is no API key. The messages do not repeat it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApiKey {
    /// It does not begin with the application's prefix.
    #[error("it does not begin with {expected:?}")]
    Prefix {
        /// How keys begin.
        expected: Box<str>,
    },
    /// The parts behind the prefix are not those of a key.
    #[error("it does not have the parts of a key: copy all of it")]
    Form,
    /// The checksum does not fit the rest.
    #[error("its checksum is wrong: a character of it was changed")]
    Checksum,
    /// It is a key in form, and the tenant it names has no such key. For the application to say, which looks it up.
    #[error("the tenant has no such key")]
    Unknown,
}

impl IntoResponse for InvalidApiKey {
    fn into_response(self) -> Response {
        InvalidToken::ApiKey(self).into_response()
    }
}

impl ApiKeys {
    /// Keys that begin with `prefix` and an underscore. A prefix of its own lets scanners recognise the application's keys
    /// where they should not be.
    ///
    /// # Errors
    ///
    /// When the prefix is not 2 to 20 small letters and digits, a letter first.
    pub fn new(prefix: &str) -> Result<Self, InvalidKeyPrefix> {
        let valid = (2..=20).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && prefix.starts_with(|first: char| first.is_ascii_lowercase());
        if valid {
            Ok(Self { prefix: format!("{prefix}_").into() })
        } else {
            Err(InvalidKeyPrefix(prefix.chars().take(80).collect()))
        }
    }

    /// A new key for `tenant`. Show it once, and keep its [digest](ApiKey::digest).
    pub fn generate(&self, tenant: TenantId) -> ApiKey {
        let secret: [u8; SECRET] = rand::rng().random();
        let mut text = format!("{}{}_{}", self.prefix, tenant.as_uuid().simple(), hex::encode(secret));
        text.push_str(&checksum_of(&text));
        ApiKey { tenant, text: text.into() }
    }

    /// Reads a key. What it says is not verified, but for its checksum.
    ///
    /// # Errors
    ///
    /// See [`InvalidApiKey`].
    pub fn parse(&self, text: &str) -> Result<ApiKey, InvalidApiKey> {
        let Some(parts) = text.strip_prefix(&*self.prefix) else {
            return Err(InvalidApiKey::Prefix { expected: self.prefix.clone() });
        };
        let (tenant, secret) = parts.split_once('_').ok_or(InvalidApiKey::Form)?;
        // One key has one spelling: what reads `A` as `a` makes two texts of it, with two digests.
        let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if tenant.len() != 32 || secret.len() != 2 * (SECRET + CHECKSUM) || !is_hex(tenant) || !is_hex(secret) {
            return Err(InvalidApiKey::Form);
        }
        let tenant = Uuid::try_parse(tenant).map_err(|_| InvalidApiKey::Form)?;
        let (covered, checksum) = text.split_at(text.len() - 2 * CHECKSUM);
        if checksum_of(covered) != checksum {
            return Err(InvalidApiKey::Checksum);
        }
        Ok(ApiKey { tenant: tenant.into(), text: text.into() })
    }

    /// Whether a bearer token is meant to be one of these keys.
    pub(super) fn is_meant(&self, token: &str) -> bool {
        token.starts_with(&*self.prefix)
    }
}

/// A checksum tells a mistyped key from one that is unknown. It is made of public text, and proves nothing.
fn checksum_of(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..CHECKSUM])
}

impl Resolver for ApiKeys {
    fn resolve(&self, request: &Parts) -> Result<Address, ResolveError> {
        let Some(token) = bearer_token(request)?.filter(|token| self.is_meant(token)) else {
            return Ok(Address::Unknown);
        };
        let key = self.parse(token).map_err(|error| ResolveError::Token(error.into()))?;
        let mut claim = Claim::of(key.tenant());
        claim.extensions.insert(PresentedKey { digest: key.digest() });
        Ok(Address::Tenant(claim))
    }
}

/// An API key: `<prefix>_<tenant>_<secret>`, with a checksum at its end. `Debug` does not show it.
#[derive(Clone)]
pub struct ApiKey {
    tenant: TenantId,
    text: SecretString,
}

impl ApiKey {
    /// The tenant it names.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What the tenant's table holds of it. The key cannot be had back from it.
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(self.expose_secret()).into())
    }

    /// The key itself, to be shown to whoever asked for it, once.
    pub fn expose_secret(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// The SHA-256 digest of an API key: the value of a `bytea` column.
///
/// A key is 160 random bits, which no list of passwords has, so its digest needs neither salt nor slowness. An index may
/// find it: what the time of that search tells is about digests, and of a digest nobody can make the key.
#[derive(Clone)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `stored` is this digest; takes the same time wherever they differ.
    pub fn matches(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}

/// The API key that a request was resolved by, as an axum extractor: not verified yet.
///
/// `Option<PresentedKey>` is for handlers that let other clients in too.
#[derive(Clone, Debug)]
pub struct PresentedKey {
    digest: KeyDigest,
}

impl PresentedKey {
    /// What to look for in the tenant's table.
    pub fn digest(&self) -> &KeyDigest {
        &self.digest
    }
}

/// A handler asked for the API key of a request that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has no API key")]
pub struct NoApiKey;

impl IntoResponse for NoApiKey {
    fn into_response(self) -> Response {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "api_key_required");
        unauthorized(problem.detail("send an API key: Authorization: Bearer ..."), NO_TOKEN)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PresentedKey {
    type Rejection = NoApiKey;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or(NoApiKey)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for PresentedKey {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, header};
    use proptest::prelude::*;

    use super::*;
    use crate::resolve::TenantName;

    fn keys() -> ApiKeys {
        ApiKeys::new("shelf").unwrap()
    }

    fn resolve(authorization: &str) -> Result<Option<TenantName>, ResolveError> {
        let request = Request::builder().uri("/").header(header::AUTHORIZATION, authorization).body(()).unwrap();
        Ok(match keys().resolve(&request.into_parts().0)? {
            Address::Tenant(claim) => Some(claim.tenant),
            Address::Base | Address::Unknown => None,
        })
    }

    #[test]
    fn a_key_names_its_tenant_and_is_like_no_other() {
        let tenant = TenantId::generate();
        let (one, other) = (keys().generate(tenant), keys().generate(tenant));
        assert_eq!(resolve(&format!("Bearer {}", one.expose_secret())), Ok(Some(TenantName::Id(tenant))));
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert!(!one.digest().matches(other.digest().as_bytes()));
    }

    #[test]
    fn tokens_of_others_are_left_to_others() {
        for authorization in ["Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer shelfie_x", "Basic c2hlbGZfOg=="] {
            assert_eq!(resolve(authorization), Ok(None), "{authorization}");
        }
    }

    #[test]
    fn a_text_that_begins_like_a_key_and_is_none_is_refused() {
        let key = keys().generate(TenantId::generate());
        let text = key.expose_secret();
        let (short, long, shouted) = (&text[..text.len() - 1], format!("{text}0"), text.to_uppercase());
        let braced = format!("shelf_{{{}}}_{}", &text[6..38], &text[39..]);
        for malformed in
            ["shelf_", "shelf__", "shelf_acme_x", short, &long, &braced, &shouted.replace("SHELF", "shelf")]
        {
            assert_eq!(keys().parse(malformed).unwrap_err(), InvalidApiKey::Form, "{malformed}");
        }
        assert!(matches!(resolve(&format!("Bearer {short}")), Err(ResolveError::Token(_))));
        assert!(matches!(keys().parse("other_x"), Err(InvalidApiKey::Prefix { .. })));
    }

    #[test]
    fn a_digest_is_of_the_whole_key_and_is_compared_with_all_of_it() {
        let key = keys().generate(TenantId::generate());
        let digest = key.digest();
        assert_eq!(digest.as_bytes(), Sha256::digest(key.expose_secret()).as_slice());
        assert!(digest.matches(digest.as_bytes()));
        assert!(!digest.matches(&digest.as_bytes()[..31]));
        assert!(!digest.matches(&[]));
    }

    #[test]
    fn neither_the_key_nor_its_digest_is_shown_by_accident() {
        let key = keys().generate(TenantId::generate());
        let shown = format!("{key:?} {:?} {:?}", key.digest(), keys().parse("shelf_secret").unwrap_err());
        assert!(!shown.contains("secret"), "{shown}");
        assert!(!shown.contains(&key.expose_secret()[39..]), "{shown}");
        assert!(!shown.contains(&hex::encode(key.digest().as_bytes())), "{shown}");
    }

    #[test]
    fn a_prefix_is_one_word() {
        for prefix in ["", "s", "1s", "she_lf", "Shelf", "shelf-", "a".repeat(21).as_str()] {
            assert!(ApiKeys::new(prefix).is_err(), "{prefix}");
        }
    }

    proptest! {
        /// One changed character is noticed before anything is looked up, and never names another tenant.
        #[test]
        fn a_mistyped_key_is_no_key(place in any::<prop::sample::Index>(), character in "[0-9a-zA-Z_.-]") {
            let key = keys().generate(TenantId::generate());
            let mut text: Vec<char> = key.expose_secret().chars().collect();
            let place = place.index(text.len());
            prop_assume!(text[place] != character.chars().next().unwrap());
            text[place] = character.chars().next().unwrap();
            let text: String = text.into_iter().collect();
            prop_assert!(keys().parse(&text).is_err(), "{}", text);
        }
    }
}
