//! From a request to a tenant.
//!
//! A [`Chain`] of resolvers looks at a request. Each may name a tenant or say nothing; those that name one must agree, or
//! the request is refused. Nothing a client can choose freely (a header, a cookie, a query parameter) names a tenant,
//! unless a resolver for it was added on purpose, and [`TrustedHeader`] believes only proxies that were listed.
//!
//! A host and a path are what a client asks for, not what it may have: who is logged in is the application's to check, in the
//! tenant's own tables. So is the secret of an [`ApiKey`]. Of all resolvers only `Jwt` (with the feature `jwt`) brings a
//! proof along.

mod api_key;
mod bearer;
mod chain;
mod claim;
mod error;
mod header;
mod host;
#[cfg(feature = "jwt")]
pub mod jwt;
mod path;
mod subdomain;

pub use api_key::{ApiKey, ApiKeys, InvalidApiKey, InvalidKeyPrefix, KeyDigest, NoApiKey, PresentedKey};
pub use bearer::InvalidToken;
pub use chain::{Chain, Resolver};
pub use claim::{Address, Claim, TenantName};
pub use error::ResolveError;
pub use header::{Network, TrustedHeader, UnknownNetwork};
pub use host::{Host, InvalidHost};
#[cfg(feature = "jwt")]
pub use jwt::{Jwt, TokenClaims};
pub use path::PathPrefix;
pub use subdomain::{InvalidBaseDomain, Subdomain};
