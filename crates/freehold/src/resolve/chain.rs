use std::fmt::Debug;
use std::sync::Arc;

use http::request::Parts;

use super::{Address, ResolveError};
use crate::directory::Directory;

/// Looks for the name of a tenant in one place of a request.
pub trait Resolver: Debug + Send + Sync + 'static {
    /// What this place says; [`Address::Unknown`] if it says nothing.
    ///
    /// # Errors
    ///
    /// When what it says cannot be a tenant, or cannot be trusted. The request is refused, whatever others say.
    fn resolve(&self, request: &Parts) -> Result<Address, ResolveError>;
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

    /// Whom the request is for. A tenant that any resolver names goes before the application itself. The directory says
    /// whether a slug and an id are of one tenant.
    ///
    /// # Errors
    ///
    /// When a resolver refuses the request, or two name different tenants.
    pub fn resolve(&self, request: &Parts, directory: &Directory) -> Result<Address, ResolveError> {
        let mut found = Address::Unknown;
        for resolver in self.0.iter() {
            found = match (found, resolver.resolve(request)?) {
                (Address::Tenant(first), Address::Tenant(second)) => {
                    if !first.tenant.agrees_with(&second.tenant, directory) {
                        return Err(ResolveError::Conflict { first: first.tenant, second: second.tenant });
                    }
                    Address::Tenant(first.joined(second))
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
    use std::sync::LazyLock;

    use http::{HeaderValue, Request, header};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::resolve::{ApiKeys, Claim, PathPrefix, Subdomain, TenantName};
    use crate::tenant::{Slug, Status, Tenant, TenantId};

    /// Hosts and addresses that were used to get past other resolvers, and their likes.
    const HOSTILE: &str = include_str!("hostile.txt");
    /// Authorizations that name a tenant without a proof, or begin like one that does.
    const HOSTILE_TOKENS: &str = include_str!("hostile_tokens.txt");

    /// Everybody's resolvers at once.
    static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
        let keys = ApiKeys::new("shelf").unwrap();
        let chain = Chain::new(Subdomain::of(["example.com"]).unwrap()).then(PathPrefix::new("t")).then(keys.clone());
        #[cfg(feature = "jwt")]
        let chain = {
            use crate::resolve::jwt::{Issuer, Jwt, Key, TenantClaim};
            let issuer = Issuer::new("https://id.example.com", Key::hs256(&rand::random::<[u8; 32]>()).unwrap());
            chain.then(Jwt::new("shelf", TenantClaim::Slug("tenant".into()), [issuer]).unwrap().beside(&keys))
        };
        chain
    });

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

    fn hostile_token() -> impl Strategy<Value = String> {
        let line = || select(HOSTILE_TOKENS.lines().collect::<Vec<_>>());
        prop_oneof![3 => line().prop_map(str::to_owned), 1 => (line(), hostile()).prop_map(|(line, end)| format!("{line}{end}"))]
    }

    static NOBODY: LazyLock<Directory> = LazyLock::new(Directory::new);

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whoever is named is named in plain letters, in the host's first label or in the segment behind the prefix.
        #[test]
        fn nobody_is_resolved_who_was_not_named(host in hostile(), uri in hostile(), token in prop::option::weighted(0.3, hostile_token())) {
            let Ok(host_value) = HeaderValue::from_str(&host) else { return Ok(()) };
            let mut request = Request::builder().uri(uri.as_str()).header(header::HOST, host_value);
            if let Some(token) = &token {
                request = request.header(header::AUTHORIZATION, token);
            }
            let Ok(request) = request.body(()) else { return Ok(()) };
            let request = request.into_parts().0;
            if let Ok(Address::Tenant(claim)) = CHAIN.resolve(&request, &NOBODY) {
                let name = &*claim.tenant.to_string();
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
        chain.resolve(&request.into_parts().0, &NOBODY)
    }

    #[test]
    fn two_resolvers_that_disagree_refuse_the_request() {
        assert!(matches!(resolve("/t/other/x", "acme.example.com"), Err(ResolveError::Conflict { .. })));
    }

    /// Names whomever it is told to.
    #[derive(Debug)]
    struct Says(TenantName);

    impl Resolver for Says {
        fn resolve(&self, _: &Parts) -> Result<Address, ResolveError> {
            Ok(Address::Tenant(Claim::of(self.0.clone())))
        }
    }

    #[test]
    fn a_slug_and_an_id_agree_while_the_tenant_of_that_id_has_that_slug() {
        let (acme, bert): (Slug, Slug) = ("acme".parse().unwrap(), "bert".parse().unwrap());
        let (a, b, nobody) = (TenantId::generate(), TenantId::generate(), TenantId::generate());
        let tenant = |id, slug: &Slug| Tenant {
            id,
            slug: slug.clone(),
            name: slug.to_string(),
            status: Status::Active,
            placement: None,
            plan: None,
        };
        let directory = Directory::new();
        directory.apply(vec![tenant(a, &acme), tenant(b, &bert)], &[], 1);
        let resolve = |slug: &Slug, id: TenantId| {
            let request = Request::new(()).into_parts().0;
            let names = || (Says(slug.clone().into()), Says(id.into()));
            let ((slug, id), (slug_behind, id_before)) = (names(), names());
            let found = [Chain::new(slug).then(id), Chain::new(id_before).then(slug_behind)]
                .map(|chain| chain.resolve(&request, &directory));
            assert_eq!(found[0].is_ok(), found[1].is_ok(), "the order decides: {found:?}");
            found.into_iter().next().unwrap()
        };
        let agreed = resolve(&acme, a);
        assert!(matches!(&agreed, Ok(Address::Tenant(claim)) if claim.tenant == TenantName::Id(a)), "{agreed:?}");
        for (slug, id) in
            [(&acme, b), (&acme, nobody), (&"nobody".parse().unwrap(), a), (&"nobody".parse().unwrap(), nobody)]
        {
            assert!(matches!(resolve(slug, id), Err(ResolveError::Conflict { .. })), "{slug} {id}");
        }
        // Whoever has the name next is not the tenant that the id means.
        directory.apply(vec![tenant(a, &"apex".parse().unwrap()), tenant(b, &acme)], &[], 3);
        assert!(matches!(resolve(&acme, a), Err(ResolveError::Conflict { .. })));
    }

    #[test]
    fn what_resolvers_hand_on_arrives_together() {
        #[derive(Clone, Debug, PartialEq)]
        struct Note(&'static str);
        #[derive(Clone, Debug, PartialEq)]
        struct Other(u8);
        let slug: Slug = "acme".parse().unwrap();
        let (mut first, mut second) = (Claim::of(slug.clone()), Claim::of(slug));
        first.extensions.insert(Note("first"));
        second.extensions.insert(Other(2));
        let joined = first.joined(second);
        assert_eq!(joined.extensions.get(), Some(&Note("first")));
        assert_eq!(joined.extensions.get(), Some(&Other(2)));
    }

    #[test]
    fn two_resolvers_that_agree_name_one_tenant() {
        let Ok(Address::Tenant(claim)) = resolve("/t/acme/x", "acme.example.com") else { panic!("no tenant") };
        assert_eq!(claim.rewritten.unwrap(), "/x");
    }

    #[test]
    fn a_tenant_goes_before_the_application_itself() {
        assert!(matches!(resolve("/t/acme/x", "example.com"), Ok(Address::Tenant(_))));
        assert!(matches!(resolve("/", "example.com"), Ok(Address::Base)));
    }

    #[test]
    fn an_unknown_host_is_nobodys_although_its_path_is_no_tenants() {
        let only_hosts = Chain::new(Subdomain::of(["example.com"]).unwrap());
        let request = Request::builder().uri("/").header(header::HOST, "elsewhere.org").body(()).unwrap();
        let address = only_hosts.resolve(&request.into_parts().0, &NOBODY);
        assert!(matches!(address, Ok(Address::Unknown)), "{address:?}");
    }
}
