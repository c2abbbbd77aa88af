use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{Extensions, HeaderName};

use super::{Address, Claim, ResolveError, Resolver};
use crate::tenant::Slug;

/// Resolves a header that a proxy sets, and believes only proxies that were listed.
///
/// From anybody else the header says nothing. The application must be served with the peer's address
/// (`into_make_service_with_connect_info::<SocketAddr>()`), or no header is believed.
#[derive(Clone, Debug)]
pub struct TrustedHeader {
    name: HeaderName,
    proxies: Vec<Network>,
}

/// An address, or all addresses that share its first bits: `10.0.0.7` or `10.0.0.0/8` (RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network: use an address like 10.0.0.7, or a block like 10.0.0.0/8")]
pub struct UnknownNetwork(pub String);

impl TrustedHeader {
    /// A resolver for header `name` as sent by `proxies`.
    pub fn new(name: HeaderName, proxies: impl IntoIterator<Item = Network>) -> Self {
        Self { name, proxies: proxies.into_iter().collect() }
    }
}

impl Resolver for TrustedHeader {
    fn resolve(&self, request: &Parts) -> Result<Address, ResolveError> {
        if !Network::is_peer_of(&self.proxies, &request.extensions) {
            return Ok(Address::Unknown);
        }
        let mut values = request.headers.get_all(&self.name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(Address::Unknown),
            (Some(value), None) => {
                let slug: Slug = value.to_str().ok().and_then(|text| text.parse().ok()).ok_or(ResolveError::NoSlug)?;
                Ok(Address::Tenant(Claim::of(slug)))
            }
            (Some(_), Some(_)) => Err(ResolveError::NoSlug),
        }
    }
}

impl Network {
    /// Whether a request comes straight from one of these networks, as far as the server has noted its peer.
    pub(crate) fn is_peer_of(networks: &[Self], request: &Extensions) -> bool {
        let peer = request.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
        peer.is_some_and(|peer| networks.iter().any(|network| network.contains(peer)))
    }

    fn contains(&self, peer: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let ((own, own_length), (peer, peer_length)) = (bits(self.address), bits(peer));
        let differing = (own ^ peer).checked_shr(128 - u32::from(self.prefix)).unwrap_or(0);
        own_length == peer_length && differing == 0
    }
}

impl FromStr for Network {
    type Err = UnknownNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| unknown())?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| unknown())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest { Err(unknown()) } else { Ok(Self { address, prefix }) }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn resolve(peer: Option<&str>, values: &[&str]) -> Result<Option<String>, ResolveError> {
        let mut request = Request::builder().uri("/");
        for value in values {
            request = request.header("x-tenant", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        if let Some(peer) = peer {
            parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        }
        let networks = ["10.0.0.0/8", "::1"].map(|text| text.parse().unwrap());
        let resolver = TrustedHeader::new(HeaderName::from_static("x-tenant"), networks);
        Ok(match resolver.resolve(&parts)? {
            Address::Tenant(claim) => Some(claim.tenant.to_string()),
            Address::Base | Address::Unknown => None,
        })
    }

    #[test]
    fn a_listed_proxy_is_believed_and_nobody_else() {
        assert_eq!(resolve(Some("10.9.8.7"), &["acme"]), Ok(Some("acme".into())));
        assert_eq!(resolve(Some("::ffff:10.0.0.1"), &["acme"]), Ok(Some("acme".into())));
        assert_eq!(resolve(Some("::1"), &["acme"]), Ok(Some("acme".into())));
        assert_eq!(resolve(Some("11.0.0.1"), &["acme"]), Ok(None));
        assert_eq!(resolve(Some("::2"), &["acme"]), Ok(None));
        assert_eq!(resolve(None, &["acme"]), Ok(None));
    }

    #[test]
    fn a_header_said_twice_or_without_a_slug_is_refused() {
        assert_eq!(resolve(Some("10.0.0.1"), &["acme", "acme"]), Err(ResolveError::NoSlug));
        assert_eq!(resolve(Some("10.0.0.1"), &["a b"]), Err(ResolveError::NoSlug));
        assert_eq!(resolve(Some("10.0.0.1"), &[]), Ok(None));
    }

    #[test]
    fn a_network_is_an_address_or_a_block() {
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("1.2.3.4".parse().unwrap()));
        for text in ["", "10", "10.0.0.0/33", "10.0.0.0/x", "::/129"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
