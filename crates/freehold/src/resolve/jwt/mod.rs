//! The tenant from a claim of a verified JSON Web Token (RFC 7519): `Authorization: Bearer`.
//!
//! A [`Jwt`] lists issuers, each with its own keys: fixed ones, or those the issuer publishes at a URL (RFC 7517). What a
//! token says about keys (`jku`, `x5u`, `jwk`, `x5c`) is not read. Each key is for one algorithm, which follows from what kind
//! of key it is, so the token does not choose: `none`, or HS256 with the text of a public key as its secret, finds no key.
//!
//! A token that is there and is not valid refuses the request, also where a host names a tenant. One that is valid and
//! names another tenant than the host does is a [conflict](super::ResolveError::Conflict).
//!
//! Signatures are verified by ring, which the library's TLS uses anyway. The usual crate for tokens, `jsonwebtoken`, has
//! its cryptography chosen for a whole process, by its features or by whoever comes first: a library that made this choice
//! would make it for the application. The tests compare the two.

mod claims;
mod issuer;
mod key;
mod published;
mod resolver;
#[cfg(test)]
mod tests;
mod token;

pub use claims::{InvalidClaims, TokenClaims};
pub use issuer::{Issuer, Keys};
pub use key::{Key, KeyError};
pub use published::{PublishedKeys, PublishedKeysError};
pub use resolver::{Jwt, JwtError, TenantClaim};
