//! The address of the application, and of each organisation below it.

use std::fmt;
use std::str::FromStr;

use freehold::tenant::Slug;
use http::Uri;
use http::uri::{PathAndQuery, Scheme};

/// Where people reach the application: scheme, domain and port, such as `http://localhost:8080`.
///
/// Organisations are at its subdomains. It comes from the configuration, never from a request, whose Host header anybody
/// can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    domain: String,
    port: Option<u16>,
}

/// A text that is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no origin: use one like http://localhost:8080 or https://example.com, without a path")]
pub struct InvalidOrigin(pub String);

impl Origin {
    /// The domain below which organisations are.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether it is reached by TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// What stands behind the slug in the address of an organisation: `example.com`, with a port where there is one.
    pub fn below(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.domain),
            None => self.domain.clone(),
        }
    }

    /// The addresses of all organisations, as content security policies write them.
    pub(crate) fn all(&self) -> String {
        Self { domain: format!("*.{}", self.domain), ..self.clone() }.to_string()
    }

    /// The address of an organisation.
    pub fn of(&self, slug: &Slug) -> String {
        Self { domain: format!("{slug}.{}", self.domain), ..self.clone() }.to_string()
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidOrigin(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(invalid()),
        };
        let has_path = uri.path_and_query().is_some_and(|path| path != &PathAndQuery::from_static("/"));
        match uri.authority() {
            Some(authority) if !has_path && !authority.as_str().contains('@') => {
                Ok(Self { secure, domain: authority.host().to_lowercase(), port: authority.port_u16() })
            }
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.domain)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations_are_below_the_origin() {
        let slug = "acme".parse().unwrap();
        for (text, acme) in [
            ("http://localhost:8080", "http://acme.localhost:8080"),
            ("https://Example.com/", "https://acme.example.com"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().of(&slug), acme);
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in ["", "localhost", "localhost:8080", "ftp://a", "http://a/b", "http://a?b", "http://u@a"] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin(text.into())));
        }
    }
}
