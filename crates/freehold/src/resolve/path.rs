use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;

use super::{Address, Claim, ResolveError, Resolver};
use crate::tenant::Slug;

/// Resolves `/t/acme/expenses` to `acme`, for the prefix `/t`; the handler sees `/expenses`. Any other path is the application's own.
///
/// All tenants of a path prefix share one origin, so a browser gives scripts of one tenant the cookies and storage of
/// another. Use it where every page comes from the application itself.
#[derive(Clone, Debug)]
pub struct PathPrefix {
    prefix: String,
}

impl PathPrefix {
    /// A resolver for paths that begin with `prefix`; slashes around it do not matter.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.trim_matches('/').to_owned() }
    }
}

impl Resolver for PathPrefix {
    fn resolve(&self, request: &Parts) -> Result<Address, ResolveError> {
        let path = request.uri.path();
        let mut below = path.strip_prefix('/');
        if !self.prefix.is_empty() {
            below =
                below.and_then(|path| path.strip_prefix(self.prefix.as_str())).and_then(|path| path.strip_prefix('/'));
        }
        let Some(below) = below else { return Ok(Address::Base) };
        let (label, rest) = below.split_once('/').unwrap_or((below, ""));
        if label.is_empty() {
            return Ok(Address::Base);
        }
        let slug: Slug = label.parse().map_err(|_| ResolveError::NoSlug)?;
        let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let rewritten = rewrite(&request.uri, &format!("/{rest}{query}")).ok_or(ResolveError::NoSlug)?;
        Ok(Address::Tenant(Claim { rewritten: Some(rewritten), ..Claim::of(slug) }))
    }
}

fn rewrite(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn resolve(prefix: &str, uri: &str) -> Result<Option<(String, String)>, ResolveError> {
        let request = Request::builder().uri(uri).body(()).unwrap().into_parts().0;
        Ok(match PathPrefix::new(prefix).resolve(&request)? {
            Address::Tenant(claim) => Some((claim.tenant.to_string(), claim.rewritten.unwrap().to_string())),
            Address::Base | Address::Unknown => None,
        })
    }

    #[test]
    fn the_segment_behind_the_prefix_names_the_tenant_and_is_taken_off() {
        assert_eq!(resolve("/t/", "/t/acme/expenses?page=2"), Ok(Some(("acme".into(), "/expenses?page=2".into()))));
        assert_eq!(resolve("t", "/t/acme"), Ok(Some(("acme".into(), "/".into()))));
        assert_eq!(resolve("", "/acme/x"), Ok(Some(("acme".into(), "/x".into()))));
    }

    #[test]
    fn other_paths_name_nobody() {
        for uri in ["/", "/t", "/t/", "/tt/acme", "/login"] {
            assert_eq!(resolve("t", uri), Ok(None), "{uri}");
        }
        assert_eq!(resolve("t", "/t/%61cme/x"), Err(ResolveError::NoSlug));
        assert_eq!(resolve("t", "/t/../x"), Err(ResolveError::NoSlug));
    }

    #[test]
    fn a_double_slash_behind_the_tenant_does_not_become_another_host() {
        assert_eq!(resolve("t", "/t/acme//evil.example/x"), Ok(Some(("acme".into(), "//evil.example/x".into()))));
    }
}
