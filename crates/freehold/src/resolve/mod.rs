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

/// Whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A tenant.
    Tenant(Claim),
    /// The application itself: its front page, its sign-up.
    Base,
    /// Nobody that is known.
    Unknown,
}

/// Looks for the name of a tenant in one place of a request.
pub trait Resolver: Debug + Send + Sync + 'static {
    /// What this place says; [`Address::Unknown`] if it says nothing.
    ///
    /// # Errors
    ///
    /// When what it says cannot be a tenant, or cannot be trusted. The request is refused, whatever others say.
    fn resolve(&self, request: &Parts) -> Result<Address, ResolveError>;
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
            Self::NoSlug => {
                Problem::new(StatusCode::NOT_FOUND, "unknown_tenant").detail("there is no organisation at this address")
            }
            Self::Conflict { .. } => Problem::new(StatusCode::BAD_REQUEST, "tenant_conflict")
                .detail("the request names two different organisations"),
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

    /// Whom the request is for. A tenant that any resolver names goes before the application itself.
    ///
    /// # Errors
    ///
    /// When a resolver refuses the request, or two name different tenants.
    pub fn resolve(&self, request: &Parts) -> Result<Address, ResolveError> {
        let mut found = Address::Unknown;
        for resolver in self.0.iter() {
            found = match (found, resolver.resolve(request)?) {
                (Address::Tenant(first), Address::Tenant(second)) if first.slug != second.slug => {
                    return Err(ResolveError::Conflict { first: first.slug, second: second.slug });
                }
                (Address::Tenant(first), Address::Tenant(second)) => {
                    Address::Tenant(Claim { slug: first.slug, rewritten: first.rewritten.or(second.rewritten) })
                }
                (Address::Tenant(claim), _) | (_, Address::Tenant(claim)) => Address::Tenant(claim),
                (Address::Base, _) | (_, Address::Base) => Address::Base,
                (Address::Unknown, Address::Unknown) => Address::Unknown,
            };
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request, header};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Hosts and addresses that were used to get past other resolvers, and their likes.
    const HOSTILE: &str = include_str!("hostile.txt");

    /// One of those, a piece of one, or two of them joined.
    fn hostile() -> impl Strategy<Value = String> {
        let line = || select(HOSTILE.lines().collect::<Vec<_>>());
        prop_oneof![
            3 => line().prop_map(str::to_owned),
            2 => (line(), line(), any::<prop::sample::Index>()).prop_map(|(first, second, place)| {
                let at = first.char_indices().map(|(at, _)| at).nth(place.index(first.chars().count())).unwrap_or(0);
                format!("{}{second}", &first[..at])
            }),
            1 => "\\PC{0,300}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whoever is named is named in plain letters, in the host's first label or in the segment behind the prefix.
        #[test]
        fn nobody_is_resolved_who_was_not_named(host in hostile(), uri in hostile()) {
            let Ok(host_value) = HeaderValue::from_str(&host) else { return Ok(()) };
            let Ok(request) = Request::builder().uri(uri.as_str()).header(header::HOST, host_value).body(()) else { return Ok(()) };
            let chain = Chain::new(Subdomain::of(["example.com"]).unwrap()).then(PathPrefix::new("t"));
            let request = request.into_parts().0;
            if let Ok(Address::Tenant(claim)) = chain.resolve(&request) {
                let name = claim.slug.as_str();
                let authority = request.uri.authority().map_or("", |authority| authority.as_str()).to_lowercase();
                let is_host = |text: &str| text.strip_prefix(name).is_some_and(|rest| rest.starts_with(".example.com"));
                let is_path = request.uri.path().split('/').nth(2).is_some_and(|segment| segment.eq_ignore_ascii_case(name));
                prop_assert!(is_host(&host.to_lowercase()) || is_host(&authority) || is_path, "{host:?} {uri:?} is {name}");
            }
        }
    }

    fn resolve(uri: &str, host: &str) -> Result<Address, ResolveError> {
        let chain = Chain::new(Subdomain::of(["example.com"]).unwrap()).then(PathPrefix::new("t"));
        let request = Request::builder().uri(uri).header(header::HOST, host).body(()).unwrap();
        chain.resolve(&request.into_parts().0)
    }

    #[test]
    fn two_resolvers_that_disagree_refuse_the_request() {
        assert!(matches!(resolve("/t/other/x", "acme.example.com"), Err(ResolveError::Conflict { .. })));
    }

    #[test]
    fn two_resolvers_that_agree_name_one_tenant() {
        let Ok(Address::Tenant(claim)) = resolve("/t/acme/x", "acme.example.com") else { panic!("no tenant") };
        assert_eq!(claim.rewritten.unwrap(), "/x");
    }

    #[test]
    fn a_tenant_goes_before_the_application_itself() {
        assert!(matches!(resolve("/t/acme/x", "example.com"), Ok(Address::Tenant(_))));
        assert_eq!(resolve("/", "example.com"), Ok(Address::Base));
    }

    #[test]
    fn an_unknown_host_is_nobodys_although_its_path_is_no_tenants() {
        let only_hosts = Chain::new(Subdomain::of(["example.com"]).unwrap());
        let request = Request::builder().uri("/").header(header::HOST, "elsewhere.org").body(()).unwrap();
        assert_eq!(only_hosts.resolve(&request.into_parts().0), Ok(Address::Unknown));
    }
}
