//! Tokens that another implementation signed, `jsonwebtoken`, are read as it reads them; and what is no valid token is refused.

mod mutations;
mod published;
mod verification;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, header};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};

use super::{Issuer, Jwt, Key, Keys, TenantClaim};
use crate::resolve::bearer::InvalidToken;
use crate::resolve::{Address, ResolveError, Resolver, TenantName};

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "shelf";
const SECRET: &[u8] = b"thirty-two bytes that nobody knows";
/// Of no use but here.
const RSA_PRIVATE: &str = include_str!("rsa.pem");
const RSA_PUBLIC: &str = include_str!("rsa.pub.pem");

/// Somebody who signs tokens.
struct Signer {
    algorithm: Algorithm,
    private: EncodingKey,
    id: Option<String>,
    public: Key,
    /// The public key as issuers publish it.
    published: Value,
}

impl Signer {
    fn hs256() -> Self {
        Self::new(Algorithm::HS256, EncodingKey::from_secret(SECRET), Key::hs256(SECRET).unwrap())
    }

    fn new(algorithm: Algorithm, private: EncodingKey, public: Key) -> Self {
        let published = serde_json::to_value(Jwk::from_encoding_key(&private, algorithm).unwrap()).unwrap();
        Self { algorithm, private, id: None, public, published }
    }

    /// Always the same key: to make one takes long.
    fn rs256() -> Self {
        let private = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
        Self::new(Algorithm::RS256, private, Key::from_pem(RSA_PUBLIC).unwrap())
    }

    /// A new key.
    fn es256() -> Self {
        let pair = KeyPair::generate().unwrap();
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self::new(Algorithm::ES256, private, Key::from_pem(&pair.public_key_pem()).unwrap())
    }

    /// A new key.
    fn eddsa() -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let private = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).unwrap();
        let point = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
        let published = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": point});
        let public = Key::from_pem(&pair.public_key_pem()).unwrap();
        Self { algorithm: Algorithm::EdDSA, private, id: None, public, published }
    }

    fn every_kind() -> [Self; 4] {
        [Self::hs256(), Self::rs256(), Self::es256(), Self::eddsa()]
    }

    fn named(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), public: self.public.with_id(id), ..self }
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = self.id.clone();
        encode(&header, claims, &self.private).unwrap()
    }

    fn jwk(&self) -> Value {
        let mut jwk = self.published.clone();
        if let Some(id) = &self.id {
            jwk["kid"] = json!(id);
        }
        jwk
    }
}

/// The claims of a valid token, and instead of some of them these.
fn claims(instead: Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": now() + 300, "tenant": "acme"});
    for (name, value) in instead.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

/// A resolver that knows one issuer.
fn knowing(keys: impl Into<Keys>) -> Jwt {
    Jwt::new(AUDIENCE, TenantClaim::Slug("tenant".into()), [Issuer::new(ISSUER, keys)]).unwrap()
}

fn named(slug: &str) -> TenantName {
    TenantName::Slug(slug.parse().unwrap())
}

/// The tenant that a request with this token is for.
fn resolve(jwt: &Jwt, token: &str) -> Result<TenantName, ResolveError> {
    let request =
        Request::builder().uri("/").header(header::AUTHORIZATION, format!("Bearer {token}")).body(()).unwrap();
    match jwt.resolve(&request.into_parts().0)? {
        Address::Tenant(claim) => Ok(claim.tenant),
        other => panic!("a request with a token is nobody's: {other:?}"),
    }
}

fn refusal(jwt: &Jwt, token: &str) -> InvalidToken {
    match resolve(jwt, token) {
        Err(ResolveError::Token(error)) => error,
        other => panic!("{token} was not refused, but {other:?}"),
    }
}
