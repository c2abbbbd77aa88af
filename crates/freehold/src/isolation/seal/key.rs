use std::fmt;
use std::str::FromStr;

use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};

use crate::tenant::PlacementId;

const BLOCK: usize = 64;

/// The secret from which every key of a deployment is derived: 32 random bytes, written as 64 hex digits.
///
/// The application and the control plane hold it; no server does. It never prints.
///
/// ```
/// use freehold::isolation::MasterKey;
///
/// let key: MasterKey = "8f".repeat(32).parse()?;
/// assert_eq!(format!("{key:?}"), format!("MasterKey({})", key.fingerprint()));
/// # Ok::<(), freehold::isolation::MasterKeyError>(())
/// ```
pub struct MasterKey(SecretBox<[u8; 32]>);

/// A text that is no master key. The text is not in the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the master key is not 64 hex digits (it has {length} characters): create one with `freehold init`")]
pub struct MasterKeyError {
    length: usize,
}

/// What a seal key is derived for: one database of one server, one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealIdentity {
    /// The server's system identifier (`pg_control_system()`), which a copy of its files shares but no other server.
    pub system: String,
    /// The database's name.
    pub database: String,
    /// Counts rotations; part of every token.
    pub generation: i32,
    /// Random, kept beside the key in the database, so that a new database of an old name has other keys.
    pub salt: [u8; 32],
}

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(SecretBox::new(Box::new(rand::random())))
    }

    /// The key as hex digits, for the file that keeps it.
    pub fn to_secret_hex(&self) -> secrecy::SecretString {
        hex::encode(self.0.expose_secret()).into()
    }

    /// A short public name of this key, to tell which key something was sealed with.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.derive::<8>(b"", &[b"freehold fingerprint v1"]))
    }

    /// The key that seals contexts for one database.
    pub fn seal_key(&self, identity: &SealIdentity) -> SealKey {
        let key = self.derive::<32>(
            &identity.salt,
            &[
                b"freehold seal v1",
                identity.system.as_bytes(),
                identity.database.as_bytes(),
                &identity.generation.to_be_bytes(),
            ],
        );
        SealKey::new(identity.generation, &key)
    }

    /// The password of the login that alone may reach a database of its own.
    pub fn login_password(&self, login: &PlacementId) -> secrecy::SecretString {
        hex::encode(self.derive::<32>(b"", &[b"freehold login v1", login.as_str().as_bytes()])).into()
    }

    /// HKDF-SHA256. Every part of `info` is preceded by its length, so that no two lists of parts run together alike.
    fn derive<const N: usize>(&self, salt: &[u8], info: &[&[u8]]) -> [u8; N] {
        let info: Vec<u8> = info
            .iter()
            .flat_map(|part| (part.len() as u32).to_be_bytes().into_iter().chain(part.iter().copied()))
            .collect();
        let mut output = [0; N];
        Hkdf::<Sha256>::new(Some(salt), self.0.expose_secret())
            .expand(&info, &mut output)
            .expect("HKDF-SHA256 yields up to 8160 bytes");
        output
    }
}

impl FromStr for MasterKey {
    type Err = MasterKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut key = Box::new([0; 32]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice())
            .map_err(|_| MasterKeyError { length: text.trim().chars().count() })?;
        Ok(Self(SecretBox::new(key)))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.fingerprint())
    }
}

/// The key that seals contexts for one database, in the form HMAC uses it: padded, once inside and once outside.
///
/// The database keeps the two pads in `freehold.seal_keys`, which nobody but the view `freehold.context` reads. It never
/// prints.
#[derive(Clone)]
pub struct SealKey {
    generation: i32,
    inner_pad: [u8; BLOCK],
    outer_pad: [u8; BLOCK],
    /// SHA-256 after the pads, so that sealing a token does not hash them again.
    inner: Sha256,
    outer: Sha256,
}

impl SealKey {
    fn new(generation: i32, key: &[u8; 32]) -> Self {
        let pad = |with: u8| {
            let mut pad = [with; BLOCK];
            pad.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
            pad
        };
        let (inner_pad, outer_pad) = (pad(0x36), pad(0x5c));
        Self {
            generation,
            inner_pad,
            outer_pad,
            inner: Sha256::new_with_prefix(inner_pad),
            outer: Sha256::new_with_prefix(outer_pad),
        }
    }

    /// Which rotation this key belongs to.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// The key XOR `0x36...`: what the inner hash begins with. A secret, for `freehold.seal_keys` alone.
    pub fn inner_pad(&self) -> &[u8] {
        &self.inner_pad
    }

    /// The key XOR `0x5c...`: what the outer hash begins with. A secret, for `freehold.seal_keys` alone.
    pub fn outer_pad(&self) -> &[u8] {
        &self.outer_pad
    }

    /// HMAC-SHA256 of `message`.
    pub(super) fn mac(&self, message: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(message).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey(generation {})", self.generation)
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};

    use super::*;

    fn identity() -> SealIdentity {
        SealIdentity { system: "7".into(), database: "d".into(), generation: 1, salt: [7; 32] }
    }

    #[test]
    fn the_mac_is_hmac_sha256() {
        let master: MasterKey = "11".repeat(32).parse().unwrap();
        let key = master.seal_key(&identity());
        let plain: Vec<u8> = key.inner_pad().iter().take(32).map(|byte| byte ^ 0x36).collect();
        let expected = Hmac::<Sha256>::new_from_slice(&plain).unwrap().chain_update(b"message").finalize();
        assert_eq!(key.mac(b"message"), <[u8; 32]>::from(expected.into_bytes()));
    }

    #[test]
    fn every_part_of_the_identity_changes_the_key() {
        let master = MasterKey::generate();
        let changed = [
            SealIdentity { system: "8".into(), ..identity() },
            SealIdentity { database: "e".into(), ..identity() },
            SealIdentity { generation: 2, ..identity() },
            SealIdentity { salt: [8; 32], ..identity() },
            SealIdentity { system: "7d".into(), database: "".into(), ..identity() },
        ];
        let pad = master.seal_key(&identity()).inner_pad().to_vec();
        assert_eq!(pad, master.seal_key(&identity()).inner_pad());
        for identity in changed {
            assert_ne!(pad, master.seal_key(&identity).inner_pad(), "{identity:?}");
        }
        assert_ne!(pad, MasterKey::generate().seal_key(&identity()).inner_pad());
    }

    #[test]
    fn keys_do_not_print() {
        let text = "ab".repeat(32);
        let master: MasterKey = text.parse().unwrap();
        let shown = format!("{master:?} {:?}", master.seal_key(&identity()));
        assert!(!shown.contains("abab"), "{shown}");
        let error = "abababab".parse::<MasterKey>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("abab"));
    }
}
