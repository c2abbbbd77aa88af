use http::request::Parts;

use super::{Address, Claim, Host, ResolveError, Resolver};
use crate::tenant::Slug;

/// Resolves `acme.example.com` to `acme`, where `example.com` is one of the application's own domains.
///
/// A host that is one of these domains names no tenant: it is the application's front page. A host below a tenant's
/// (`a.acme.example.com`) is nobody's.
#[derive(Clone, Debug)]
pub struct Subdomain {
    base_domains: Vec<String>,
}

/// A base domain that is no host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no domain name: use one like example.com, without scheme and port")]
pub struct InvalidBaseDomain(pub String);

impl Subdomain {
    /// A resolver for the subdomains of these domains.
    ///
    /// # Errors
    ///
    /// When one of them is no host name.
    pub fn of<D: AsRef<str>>(base_domains: impl IntoIterator<Item = D>) -> Result<Self, InvalidBaseDomain> {
        let parse = |domain: D| {
            let text = domain.as_ref();
            match Host::parse(text) {
                Ok(host) if !text.contains(':') && !host.is_address() => Ok(host.as_str().to_owned()),
                _ => Err(InvalidBaseDomain(text.to_owned())),
            }
        };
        let mut base_domains: Vec<_> = base_domains.into_iter().map(parse).collect::<Result<_, _>>()?;
        // Where one lies below another, a host is of the longer.
        base_domains.sort_by_key(|base| std::cmp::Reverse(base.len()));
        Ok(Self { base_domains })
    }
}

impl Resolver for Subdomain {
    fn resolve(&self, request: &Parts) -> Result<Address, ResolveError> {
        let host = Host::of(request)?;
        if self.base_domains.iter().any(|base| base == host.as_str()) {
            return Ok(Address::Base);
        }
        let label = self.base_domains.iter().find_map(|base| host.as_str().strip_suffix(base)?.strip_suffix('.'));
        match label {
            Some(label) => {
                let slug: Slug = label.parse().map_err(|_| ResolveError::NoSlug)?;
                Ok(Address::Tenant(Claim::of(slug)))
            }
            None => Ok(Address::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, header};

    use super::*;

    fn resolve(host: &str) -> Result<String, ResolveError> {
        let request = Request::builder().uri("/").header(header::HOST, host).body(()).unwrap().into_parts().0;
        let resolver = Subdomain::of(["example.com", "localhost"]).unwrap();
        resolver.resolve(&request).map(|address| match address {
            Address::Tenant(claim) => format!("tenant {}", claim.tenant),
            Address::Base => "base".into(),
            Address::Unknown => "unknown".into(),
        })
    }

    #[test]
    fn the_label_in_front_of_a_base_domain_names_the_tenant() {
        assert_eq!(resolve("ACME.example.com:8080"), Ok("tenant acme".into()));
        assert_eq!(resolve("acme.localhost"), Ok("tenant acme".into()));
        assert_eq!(resolve("example.com."), Ok("base".into()));
        assert_eq!(resolve("elsewhere.org"), Ok("unknown".into()));
        assert_eq!(resolve("notexample.com"), Ok("unknown".into()));
    }

    #[test]
    fn a_host_below_two_base_domains_is_of_the_longer() {
        let request = Request::builder().uri("/").header(header::HOST, "acme.eu.example.com").body(()).unwrap();
        for bases in [["example.com", "eu.example.com"], ["eu.example.com", "example.com"]] {
            let address = Subdomain::of(bases).unwrap().resolve(&request.clone().into_parts().0);
            assert!(
                matches!(&address, Ok(Address::Tenant(claim)) if claim.tenant.to_string() == "acme"),
                "{address:?}"
            );
        }
    }

    #[test]
    fn reserved_nested_and_malformed_labels_are_nobodys() {
        assert_eq!(resolve("www.example.com"), Err(ResolveError::NoSlug));
        assert_eq!(resolve("a.acme.example.com"), Err(ResolveError::NoSlug));
        assert!(matches!(resolve("acme..example.com"), Err(ResolveError::Host(_))));
    }

    #[test]
    fn a_base_domain_must_be_a_domain() {
        for text in ["http://example.com", "example.com:80", "127.0.0.1", ""] {
            assert_eq!(Subdomain::of([text]).unwrap_err(), InvalidBaseDomain(text.into()));
        }
    }
}
