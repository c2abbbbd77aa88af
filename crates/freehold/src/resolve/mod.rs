//! From a request to a tenant.
//!
//! A [`Chain`] of resolvers looks at a request. Each may name a tenant or say nothing; those that name one must agree, or
//! the request is refused. Nothing a client can choose freely (a header, a cookie, a query parameter) names a tenant,
//! unless a resolver for it was added on purpose, and [`TrustedHeader`] believes only proxies that were listed.

mod header;
mod host;
mod path;
mod subdomain;

use std::fmt::Debug;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, Uri};

pub use header::{Network, TrustedHeader, UnknownNetwork};
pub use host::{Host, InvalidHost};
pub use path::PathPrefix;
pub use subdomain::{InvalidBaseDomain, Subdomain};

use crate::Problem;
use crate::tenant::Slug;

/// What a resolver found in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The tenant that is named.
    pub slug: Slug,
    /// The URI without what named the tenant, if the handler is not to see that.
    pub rewritten: Option<Uri>,
}

/// Looks for the name of a tenant in one place of a request.
pub trait Resolver: Debug + Send + Sync + 'static {
    /// What this place says, if it says anything.
    ///
    /// # Errors
    ///
    /// When what it says cannot be a tenant, or cannot be trusted. The request is refused, whatever others say.
    fn resolve(&self, request: &Parts) -> Result<Option<Claim>, ResolveError>;
}

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
        first: Slug,
        /// What the later one found.
        second: Slug,
    },
}

impl IntoResponse for ResolveError {
    fn into_response(self) -> Response {
        match self {
            Self::Host(_) => Problem::new(StatusCode::BAD_REQUEST, "invalid_host").detail("send one valid Host header"),
            Self::NoSlug => Problem::new(StatusCode::NOT_FOUND, "unknown_tenant").detail("there is no organisation at this address"),
            Self::Conflict { .. } => {
                Problem::new(StatusCode::BAD_REQUEST, "tenant_conflict").detail("the request names two different organisations")
            }
        }
        .into_response()
    }
}

/// Resolvers in their declared order. All of them are asked.
///
/// ```
/// use freehold::resolve::{Chain, Subdomain};
///
/// let chain = Chain::new(Subdomain::of(["example.com"])?);
/// # Ok::<(), freehold::resolve::InvalidBaseDomain>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chain(Arc<[Arc<dyn Resolver>]>);

impl Chain {
    /// A chain of one resolver.
    pub fn new(resolver: impl Resolver) -> Self {
        Self(Arc::new([Arc::new(resolver)]))
    }

    /// The chain with one more resolver behind.
    pub fn then(self, resolver: impl Resolver) -> Self {
        Self(self.0.iter().cloned().chain([Arc::new(resolver) as Arc<dyn Resolver>]).collect())
    }

    /// The tenant the request names, or `None` if it names none.
    ///
    /// # Errors
    ///
    /// When a resolver refuses the request, or two disagree.
    pub fn resolve(&self, request: &Parts) -> Result<Option<Claim>, ResolveError> {
        let mut found: Option<Claim> = None;
        for resolver in self.0.iter() {
            let Some(claim) = resolver.resolve(request)? else { continue };
            match &mut found {
                None => found = Some(claim),
                Some(first) if first.slug != claim.slug => {
                    return Err(ResolveError::Conflict { first: first.slug.clone(), second: claim.slug });
                }
                Some(first) => first.rewritten = first.rewritten.take().or(claim.rewritten),
            }
        }
        Ok(found)
    }
}
