use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use freehold::Problem;
use http::StatusCode;
use parking_lot::Mutex;
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use crate::failure::Failure;

/// A password somebody chose: 8 to 200 characters.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = Password, min_length = 8, max_length = 200)]
pub(crate) struct NewPassword(SecretString);

impl NewPassword {
    /// The password.
    pub(crate) fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// A password that cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has 8 to 200 characters")]
pub(crate) struct UnfitPassword;

impl TryFrom<String> for NewPassword {
    type Error = UnfitPassword;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if (8..=200).contains(&text.chars().count()) { Ok(Self(text.into())) } else { Err(UnfitPassword) }
    }
}

/// The hash of a password nobody has, of the same cost as every other.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$3l8LHEKYAKTvuRnBQZwulrhKv4qkZDntNQLCHKXKo0s";

/// Hashes passwords with Argon2id, as many at a time as there are processors.
///
/// Each takes 19 MiB and some ten milliseconds on purpose: without a bound, a flood of logins would take the memory. What
/// they worked in is kept for the next, because an allocator may not give back blocks of that size.
#[derive(Clone, Debug)]
pub(crate) struct Passwords(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    turns: Arc<Semaphore>,
    waiting: Semaphore,
    memory: Mutex<Vec<Vec<Block>>>,
}

impl Passwords {
    /// Further ones are refused at once.
    const WAITING: usize = 100;

    pub(crate) fn new() -> Self {
        let turns = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Shared {
            turns: Arc::new(Semaphore::new(turns)),
            waiting: Semaphore::new(Self::WAITING),
            memory: Mutex::default(),
        }))
    }

    /// The hash to store: a PHC string with a random salt.
    pub(crate) async fn hash(&self, password: &SecretString) -> Result<String, Failure> {
        let salt: [u8; 16] = rand::rng().random();
        let hash = self.derive(password, salt.to_vec()).await?;
        let (m, t, p) = (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST, Params::DEFAULT_P_COST);
        let (salt, hash) = (BASE64_STANDARD_NO_PAD.encode(salt), BASE64_STANDARD_NO_PAD.encode(hash));
        Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}"))
    }

    /// Whether the password is the one of this hash. Without a hash the answer is no, and takes as long.
    pub(crate) async fn verify(&self, password: &SecretString, stored: Option<String>) -> Result<bool, Failure> {
        let hash =
            PasswordHash::new(stored.as_deref().unwrap_or(NOBODYS)).map_err(|error| Failure::internal(&error))?;
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
            return Ok(false);
        };
        // The cost is that of the hash, which may be older than the default.
        let cost = Params::try_from(&hash).map_err(|error| Failure::internal(&error))?;
        let found = self.work(password, salt.to_vec(), cost).await?;
        // Compared in constant time, by the type of `expected`.
        let matches = Output::new(&found).is_ok_and(|found| found == expected);
        Ok(matches && stored.is_some())
    }

    /// What only who knows the password can derive, always the same for one password and salt.
    pub(crate) async fn derive(&self, password: &SecretString, salt: Vec<u8>) -> Result<[u8; 32], Failure> {
        self.work(password, salt, Params::default()).await
    }

    async fn work(&self, password: &SecretString, salt: Vec<u8>, cost: Params) -> Result<[u8; 32], Failure> {
        let Ok(_place) = self.0.waiting.try_acquire() else {
            let busy =
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy").detail("too many logins at once: try again");
            return Err(busy.retry_after(1).into());
        };
        let turn = self.0.turns.clone().acquire_owned().await.map_err(|error| Failure::internal(&error))?;
        let (shared, password) = (self.0.clone(), password.clone());
        let derived = spawn_blocking(move || {
            // The turn goes with the work, which goes on when the request is dropped.
            let _turn = turn;
            let mut memory = shared.memory.lock().pop().unwrap_or_default();
            memory.resize(cost.block_count(), Block::new());
            let mut derived = [0; 32];
            let password = password.expose_secret().as_bytes();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
            let done = argon2.hash_password_into_with_memory(password, &salt, &mut derived, &mut memory);
            shared.memory.lock().push(memory);
            done.map(|()| derived)
        });
        derived.await.map_err(|error| Failure::internal(&error))?.map_err(|error| Failure::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_verified_against_its_own_hash_alone() {
        let passwords = Passwords::new();
        let hash = passwords.hash(&"correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify(&"correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(&"battery staple".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify(&"correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_derived_key_depends_on_password_and_purpose() {
        let passwords = Passwords::new();
        let key = passwords.derive(&"correct horse".into(), vec![1; 32]).await.unwrap();
        assert_eq!(key, passwords.derive(&"correct horse".into(), vec![1; 32]).await.unwrap());
        assert_ne!(key, passwords.derive(&"correct horse".into(), vec![2; 32]).await.unwrap());
        assert_ne!(key, passwords.derive(&"battery staple".into(), vec![1; 32]).await.unwrap());
    }

    #[tokio::test]
    async fn a_login_of_nobody_costs_what_any_login_costs() {
        let stored = Passwords::new().hash(&"correct horse".into()).await.unwrap();
        let [stored, nobodys] = [&stored, NOBODYS].map(|hash| PasswordHash::new(hash).unwrap());
        assert_eq!(
            (stored.algorithm, stored.version, stored.params),
            (nobodys.algorithm, nobodys.version, nobodys.params)
        );
    }

    #[test]
    fn a_password_is_neither_too_short_nor_endless_and_never_shown() {
        assert!(NewPassword::try_from("1234567".to_owned()).is_err());
        assert!(NewPassword::try_from("é".repeat(201)).is_err());
        let password = NewPassword::try_from("12345678".to_owned()).unwrap();
        assert!(!format!("{password:?}").contains("12345678"));
    }
}
