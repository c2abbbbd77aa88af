use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use spki::der::asn1::UintRef;
use spki::der::{Decode, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

/// A secret of HS256 has at least as many bytes as its hash (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;
/// The moduli that ring verifies with, in bytes: 2,048 to 8,192 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ED25519_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A key that verifies tokens of one algorithm: HS256, RS256, ES256 or EdDSA (with Ed25519).
#[derive(Clone)]
pub struct Key {
    id: Option<Box<str>>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Hs256(hmac::Key),
    Rs256(RsaPublicKeyComponents<Box<[u8]>>),
    /// An uncompressed point.
    Es256([u8; 65]),
    EdDsa([u8; 32]),
}

/// Why something is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A secret that can be guessed.
    #[error("the secret has {length} bytes: HS256 needs {SHORTEST_SECRET} random ones")]
    ShortSecret {
        /// How many it has.
        length: usize,
    },
    /// Not a public key in PEM.
    #[error("this is no public key: it must begin with -----BEGIN PUBLIC KEY-----")]
    Pem,
    /// A public key that none of the algorithms has.
    #[error("the public key is not of RSA with 2,048 to 8,192 bits, of EC on P-256, or of Ed25519")]
    Unsupported,
}

impl Key {
    /// A secret of HS256, which whoever verifies tokens could also issue them with. Where the issuer is somebody else, use a
    /// public key.
    ///
    /// # Errors
    ///
    /// When it has fewer than 32 bytes.
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SHORTEST_SECRET {
            return Err(KeyError::ShortSecret { length: secret.len() });
        }
        Ok(Material::Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret)).into())
    }

    /// A public key in PEM (RFC 7468, section 13). What kind it is says the algorithm: RSA is RS256, EC is ES256, Ed25519 is
    /// EdDSA.
    ///
    /// # Errors
    ///
    /// When it is no public key, or one that none of these has.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::Pem)?;
        let info = SubjectPublicKeyInfoRef::from_der(&der).map_err(|_| KeyError::Pem)?;
        let bytes = info.subject_public_key.as_bytes().ok_or(KeyError::Pem)?;
        let material = match info.algorithm.oid {
            RSA => {
                let (modulus, exponent) = rsa_parts(bytes).map_err(|_| KeyError::Pem)?;
                Material::rs256(&modulus, &exponent)
            }
            EC if info.algorithm.parameters_oid() == Ok(P256) => Material::es256(bytes),
            ED25519_KEY => bytes.try_into().ok().map(Material::EdDsa),
            _ => None,
        };
        material.map(Self::from).ok_or(KeyError::Unsupported)
    }

    /// The key, for tokens that name this `kid`, or none.
    pub fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into().into()), ..self }
    }

    /// A key as issuers publish it (RFC 7517). `None` for one that is not meant to verify tokens by our algorithms.
    pub(super) fn published(jwk: &Jwk) -> Option<Self> {
        let decode = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_ref()?).ok();
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Material::rs256(&decode(&jwk.n)?, &decode(&jwk.e)?)?,
            ("EC", Some("P-256")) => {
                let (x, y) = (decode(&jwk.x)?, decode(&jwk.y)?);
                // Full-length coordinates, or a shorter x and a longer y would make another point of the right length.
                if x.len() != 32 {
                    return None;
                }
                Material::es256(&[&[4], x.as_slice(), y.as_slice()].concat())?
            }
            ("OKP", Some("Ed25519")) => Material::EdDsa(decode(&jwk.x)?.try_into().ok()?),
            // Among them secrets (`oct`): what is published is none.
            _ => return None,
        };
        let key = Self { id: jwk.kid.as_deref().map(Box::from), material };
        let for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        let to_verify = jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"));
        let fitting = jwk.alg.as_deref().is_none_or(|algorithm| algorithm == key.algorithm());
        (for_signatures && to_verify && fitting).then_some(key)
    }

    /// The only algorithm this key is for, as tokens name it.
    pub(super) fn algorithm(&self) -> &'static str {
        match self.material {
            Material::Hs256(_) => "HS256",
            Material::Rs256(_) => "RS256",
            Material::Es256(_) => "ES256",
            Material::EdDsa(_) => "EdDSA",
        }
    }

    /// Whether a token that names this key, or none, may be signed with it.
    pub(super) fn may_be(&self, id: Option<&str>) -> bool {
        match (&self.id, id) {
            (Some(own), Some(named)) => **own == *named,
            _ => true,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let by = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        match &self.material {
            Material::Hs256(key) => hmac::verify(key, message, signature).is_ok(),
            Material::Rs256(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok(),
            Material::Es256(point) => by(&ECDSA_P256_SHA256_FIXED, point),
            Material::EdDsa(key) => by(&ED25519, key),
        }
    }
}

impl Material {
    fn rs256(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let without_zeros = |bytes: &[u8]| -> Box<[u8]> {
            bytes.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &bytes[first..]).into()
        };
        let (n, e) = (without_zeros(modulus), without_zeros(exponent));
        (MODULUS.contains(&n.len()) && !e.is_empty()).then_some(Self::Rs256(RsaPublicKeyComponents { n, e }))
    }

    fn es256(point: &[u8]) -> Option<Self> {
        let point: [u8; 65] = point.try_into().ok()?;
        (point[0] == 4).then_some(Self::Es256(point))
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn rsa_parts(der: &[u8]) -> spki::der::Result<(Vec<u8>, Vec<u8>)> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|sequence| {
        let modulus = UintRef::decode(sequence)?.as_bytes().to_vec();
        Ok((modulus, UintRef::decode(sequence)?.as_bytes().to_vec()))
    })?;
    reader.finish(parts)
}

impl From<Material> for Key {
    fn from(material: Material) -> Self {
        Self { id: None, material }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

/// What is read of a published key.
#[derive(Debug, Deserialize)]
pub(super) struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}
