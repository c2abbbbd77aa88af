use std::net::IpAddr;

use http::header;
use http::request::Parts;

/// The longest host name (RFC 1035, section 2.3.4).
const LONGEST: usize = 253;

/// The host a request is for: in lower case, without port and trailing dot.
///
/// One request may name its host in several ways: an absolute URI (and HTTP/2's `:authority`) and the `Host` header
/// (RFC 9112, section 3.2). They must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(String);

/// Why a request has no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHost {
    /// Neither header nor URI names one.
    #[error("no host is named")]
    Missing,
    /// Named more than once, and not alike.
    #[error("two hosts are named")]
    Ambiguous,
    /// Not a host name of RFC 1034, nor an address.
    #[error("the host is not a valid name")]
    Malformed,
}

impl Host {
    /// The host of a request. Its cost is bounded by the length of a host name, whatever was sent.
    ///
    /// # Errors
    ///
    /// See [`InvalidHost`].
    pub fn of(request: &Parts) -> Result<Self, InvalidHost> {
        let mut headers = request.headers.get_all(header::HOST).iter();
        let from_header = match (headers.next(), headers.next()) {
            (Some(value), None) => Some(Self::parse(value.to_str().map_err(|_| InvalidHost::Malformed)?)?),
            (Some(_), Some(_)) => return Err(InvalidHost::Ambiguous),
            (None, _) => None,
        };
        let from_uri = request.uri.authority().map(|authority| Self::parse(authority.as_str())).transpose()?;
        match (from_uri, from_header) {
            (Some(uri), Some(header)) if uri != header => Err(InvalidHost::Ambiguous),
            (Some(host), _) | (None, Some(host)) => Ok(host),
            (None, None) => Err(InvalidHost::Missing),
        }
    }

    /// Reads `host[:port]`.
    ///
    /// ```
    /// use freehold::resolve::Host;
    ///
    /// assert_eq!(Host::parse("Acme.Example.COM.:8080")?.as_str(), "acme.example.com");
    /// assert!(Host::parse("acme@example.com").is_err());
    /// # Ok::<(), freehold::resolve::InvalidHost>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidHost::Malformed`]. An internationalised name must come as its A-labels (RFC 5890), as browsers send it.
    pub fn parse(text: &str) -> Result<Self, InvalidHost> {
        // A port, its colon and a trailing dot on top.
        if text.is_empty() || text.len() > LONGEST + 7 {
            return Err(InvalidHost::Malformed);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or(InvalidHost::Malformed)?;
            let valid =
                address.parse::<std::net::Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port.strip_prefix(':')));
            return if valid { Ok(Self(address.to_ascii_lowercase())) } else { Err(InvalidHost::Malformed) };
        }
        let name = match text.split_once(':') {
            Some((name, port)) if is_port(Some(port)) => name,
            Some(_) => return Err(InvalidHost::Malformed),
            None => text,
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.len() > LONGEST || !name.split('.').all(is_label) {
            return Err(InvalidHost::Malformed);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// The host in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an address, which has no subdomains.
    pub fn is_address(&self) -> bool {
        self.0.parse::<IpAddr>().is_ok()
    }
}

fn is_port(text: Option<&str>) -> bool {
    text.is_some_and(|port| {
        (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
    })
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    fn parts(uri: &str, hosts: &[&str]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_host_is_read_without_case_port_and_trailing_dot() {
        for text in
            ["acme.example.com", "ACME.example.com", "acme.example.com.", "acme.example.com:443", "acme.example.com.:1"]
        {
            assert_eq!(Host::parse(text).unwrap().as_str(), "acme.example.com");
        }
        assert!(Host::parse("127.0.0.1:8080").unwrap().is_address());
        assert!(Host::parse("[::1]:8080").unwrap().is_address());
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "a b",
            "a/b",
            "a@b",
            "a:b",
            "a:99999",
            "a:",
            "a\u{e4}.b",
            "[::1",
            "[x]",
            "a_b",
            "a,b",
        ] {
            assert_eq!(Host::parse(text), Err(InvalidHost::Malformed), "{text:?}");
        }
        assert!(Host::parse(&"a.".repeat(200)).is_err());
    }

    #[test]
    fn two_hosts_that_disagree_are_refused_and_two_that_agree_are_one() {
        assert_eq!(Host::of(&parts("/", &[])), Err(InvalidHost::Missing));
        assert_eq!(Host::of(&parts("/", &["a.b", "a.b"])), Err(InvalidHost::Ambiguous));
        assert_eq!(Host::of(&parts("http://a.b/", &["c.b"])), Err(InvalidHost::Ambiguous));
        assert_eq!(Host::of(&parts("http://a.b/", &["A.b:80"])).unwrap().as_str(), "a.b");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_idempotent(text in "\\PC{0,300}") {
            if let Ok(host) = Host::parse(&text) {
                prop_assert_eq!(&host, &if host.as_str().contains(':') { host.clone() } else { Host::parse(host.as_str()).unwrap() });
            }
        }
    }
}
