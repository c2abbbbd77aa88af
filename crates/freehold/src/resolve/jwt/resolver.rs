use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use http::request::Parts;
use serde_json::Value;

use super::super::bearer::{InvalidToken, bearer_token};
use super::super::{Address, ApiKeys, Claim, ResolveError, Resolver, TenantName};
use super::claims::Verified;
use super::issuer::{Issuer, Source};
use super::key::Key;
use super::published::Followed;
use super::token::Token;

/// Resolves the tenant that a claim of a verified token names.
///
/// ```
/// use freehold::resolve::jwt::{Issuer, Jwt, Key, TenantClaim};
/// use freehold::resolve::{Chain, Subdomain};
///
/// let key = Key::hs256(b"thirty-two bytes that nobody knows")?;
/// let issuer = Issuer::new("https://id.example.com", key);
/// let tokens = Jwt::new("shelf", TenantClaim::Id("tenant_id".into()), [issuer])?;
/// let chain = Chain::new(Subdomain::of(["example.com"])?).then(tokens);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A token is verified in full: its signature by a key of the issuer that it names, `aud`, `exp` (which must be there) and
/// `nbf`; 60 seconds are allowed for clocks that differ. Handlers get at its claims with [`TokenClaims`](super::TokenClaims).
#[derive(Debug)]
pub struct Jwt {
    audience: Box<str>,
    tenant: TenantClaim,
    issuers: HashMap<Box<str>, Listed>,
    /// Whose tokens are not looked at.
    beside: Vec<ApiKeys>,
}

/// The claim that names the tenant, and how it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantClaim {
    /// The claim of this name has the tenant's slug.
    Slug(String),
    /// The claim of this name has the tenant's id. It stays right when the tenant is renamed, and its slug given to another
    /// one, in the life of a token.
    Id(String),
}

/// Why there is no resolver for tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// No audience, or an empty name: tokens for any other application would do.
    #[error("{0} is empty: tokens must say it")]
    Empty(&'static str),
    /// No issuer, so no token is valid.
    #[error("no issuer is listed: name at least one")]
    NoIssuer,
    /// Two issuers with one name.
    #[error("issuer {0:?} is listed twice: give one of that name all its keys")]
    Twice(String),
    /// An issuer without a key.
    #[error("issuer {0:?} has no key")]
    NoKey(String),
    /// An issuer for tenants that its tokens cannot name.
    #[error("issuer {issuer:?} is for tenant {tenant}, and tokens name tenants in another way: list them as tokens do")]
    OtherName {
        /// The issuer.
        issuer: String,
        /// The tenant.
        tenant: TenantName,
    },
}

#[derive(Debug)]
struct Listed {
    keys: Keyring,
    only: Option<std::collections::HashSet<TenantName>>,
}

#[derive(Debug)]
enum Keyring {
    Fixed(Arc<[Key]>),
    Followed(Arc<Followed>),
}

impl Jwt {
    /// Tokens of these issuers that are for `audience`. Begins to fetch the keys that issuers publish.
    ///
    /// # Errors
    ///
    /// See [`JwtError`].
    ///
    /// # Panics
    ///
    /// If an issuer publishes its keys and this is called outside a tokio runtime.
    pub fn new(
        audience: impl Into<String>,
        tenant: TenantClaim,
        issuers: impl IntoIterator<Item = Issuer>,
    ) -> Result<Self, JwtError> {
        let audience = audience.into().into_boxed_str();
        if audience.is_empty() {
            return Err(JwtError::Empty("the audience"));
        }
        if tenant.name().is_empty() {
            return Err(JwtError::Empty("the name of the tenant's claim"));
        }
        let mut listed = HashMap::new();
        for issuer in issuers {
            let name = issuer.name.clone();
            let issuer = Listed::new(issuer, &tenant)?;
            if listed.insert(name.clone(), issuer).is_some() {
                return Err(JwtError::Twice(name.into()));
            }
        }
        if listed.is_empty() {
            return Err(JwtError::NoIssuer);
        }
        Ok(Self { audience, tenant, issuers: listed, beside: Vec::new() })
    }

    /// The resolver, for a chain that has `keys` too: a bearer token that begins with their prefix is theirs. Without this,
    /// an API key would be refused as a token that is not valid.
    pub fn beside(mut self, keys: &ApiKeys) -> Self {
        self.beside.push(keys.clone());
        self
    }

    fn verified(&self, text: &str) -> Result<Claim, ResolveError> {
        let token = Token::parse(text)?;
        let name = token.issuer().ok_or(InvalidToken::Issuer)?;
        let issuer = self.issuers.get(name).ok_or(InvalidToken::Issuer)?;
        issuer.verify(&token, name)?;
        if !token.is_for(&self.audience) {
            return Err(InvalidToken::Audience.into());
        }
        token.check_times(SystemTime::now())?;
        let tenant = self.tenant.read(&token).ok_or(InvalidToken::NoTenant)?;
        if issuer.only.as_ref().is_some_and(|only| !only.contains(&tenant)) {
            return Err(InvalidToken::ForeignTenant.into());
        }
        let mut claim = Claim::of(tenant);
        claim.extensions.insert(Verified(Arc::new(Value::Object(token.claims))));
        Ok(claim)
    }
}

impl Resolver for Jwt {
    fn resolve(&self, request: &Parts) -> Result<Address, ResolveError> {
        match bearer_token(request)? {
            Some(token) if !self.beside.iter().any(|keys| keys.is_meant(token)) => {
                self.verified(token).map(Address::Tenant)
            }
            _ => Ok(Address::Unknown),
        }
    }
}

impl TenantClaim {
    fn name(&self) -> &str {
        match self {
            Self::Slug(name) | Self::Id(name) => name,
        }
    }

    fn read(&self, token: &Token<'_>) -> Option<TenantName> {
        let text = token.claims.get(self.name())?.as_str()?;
        match self {
            Self::Slug(_) => text.parse().ok().map(TenantName::Slug),
            Self::Id(_) => text.parse().ok().map(TenantName::Id),
        }
    }

    fn is_such(&self, name: &TenantName) -> bool {
        matches!((self, name), (Self::Slug(_), TenantName::Slug(_)) | (Self::Id(_), TenantName::Id(_)))
    }
}

impl Listed {
    fn new(issuer: Issuer, claim: &TenantClaim) -> Result<Self, JwtError> {
        let Issuer { name, keys, only } = issuer;
        if name.is_empty() {
            return Err(JwtError::Empty("the name of an issuer"));
        }
        if let Some(tenant) = only.iter().flatten().find(|tenant| !claim.is_such(tenant)) {
            return Err(JwtError::OtherName { issuer: name.into(), tenant: tenant.clone() });
        }
        let keys = match keys.0 {
            Source::Fixed(keys) if keys.is_empty() => return Err(JwtError::NoKey(name.into())),
            Source::Fixed(keys) => Keyring::Fixed(keys.into()),
            Source::Published(keys) => Keyring::Followed(keys.follow()),
        };
        Ok(Self { keys, only })
    }

    /// Whether one of the issuer's keys signed the token.
    fn verify(&self, token: &Token<'_>, name: &str) -> Result<(), ResolveError> {
        let unavailable = || ResolveError::KeysUnavailable { issuer: name.to_owned() };
        let keys = match &self.keys {
            Keyring::Fixed(keys) => keys.clone(),
            Keyring::Followed(followed) => followed.keys().ok_or_else(unavailable)?,
        };
        let mut tried = false;
        for key in
            keys.iter().filter(|key| key.algorithm() == token.header.alg && key.may_be(token.header.kid.as_deref()))
        {
            if key.verifies(token.signed, &token.signature) {
                return Ok(());
            }
            tried = true;
        }
        if tried {
            return Err(InvalidToken::Signature.into());
        }
        match &self.keys {
            // The issuer may have a new key. Until that is known, the token is neither valid nor invalid.
            Keyring::Followed(followed) if followed.look_again() => Err(unavailable()),
            _ => Err(InvalidToken::Key.into()),
        }
    }
}
