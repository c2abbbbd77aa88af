//! People who run the deployment, for its API and its console to let in. A tenant's own people are none of these: they are rows
//! of the application's tables.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use freehold::isolation::ExposeSecret;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio_postgres::error::SqlState;

use crate::audit::audit;
use crate::connection::password;
use crate::{ControlError, ControlPlane};

/// An operator, as the catalog has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "User")]
#[non_exhaustive]
pub struct OperatorRow {
    /// The name to log in by, unique ignoring case.
    pub name: String,
    /// Since when, in RFC 3339.
    pub created_at: String,
}

/// Who is to become an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperator {
    /// The name to log in by.
    pub name: String,
    /// Where the password is: `env:NAME` or `file:PATH`. Without it, one is made.
    pub password: Option<String>,
}

/// A hash of a password that nobody has, of the same cost as every other.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$3l8LHEKYAKTvuRnBQZwulrhKv4qkZDntNQLCHKXKo0s";

impl ControlPlane {
    /// Creates an operator. Returns the password if one was made: it is kept nowhere.
    ///
    /// # Errors
    ///
    /// [`ControlError::OperatorName`], [`ControlError::OperatorTaken`], [`ControlError::UnfitPassword`],
    /// [`ControlError::Password`], [`ControlError::Unexplained`].
    pub async fn create_operator(
        &self,
        new: &NewOperator,
        actor: &str,
        reason: &str,
    ) -> Result<Option<SecretString>, ControlError> {
        let failed = ControlError::doing("creating an operator");
        let (secret, made) = match &new.password {
            Some(reference) => (SecretString::from(password(reference)?), None),
            None => {
                let made = SecretString::from(hex::encode(rand::random::<[u8; 16]>()));
                (made.clone(), Some(made))
            }
        };
        if !(12..=200).contains(&secret.expose_secret().chars().count()) {
            return Err(ControlError::UnfitPassword);
        }
        let hash = hash(secret).await?;
        let mut catalog = self.catalog().await?;
        let transaction = catalog.transaction().await.map_err(&failed)?;
        transaction
            .execute("insert into catalog.operators (name, password) values ($1, $2)", &[&new.name, &hash])
            .await
            .map_err(|source| match source.code() {
                Some(&SqlState::UNIQUE_VIOLATION) => ControlError::OperatorTaken { name: new.name.clone() },
                Some(&SqlState::CHECK_VIOLATION | &SqlState::CHARACTER_NOT_IN_REPERTOIRE) => {
                    ControlError::OperatorName { name: new.name.clone() }
                }
                _ => failed(source),
            })?;
        audit(&transaction, actor, "operator created", None, reason, &json!({ "name": new.name })).await?;
        transaction.commit().await.map_err(&failed)?;
        Ok(made)
    }

    /// Every operator, by name.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be read.
    pub async fn operators(&self) -> Result<Vec<OperatorRow>, ControlError> {
        let rows = self
            .catalog()
            .await?
            .query(
                "select name, to_char(created_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
                 from catalog.operators order by name",
                &[],
            )
            .await
            .map_err(ControlError::doing("listing operators"))?;
        Ok(rows.iter().map(|row| OperatorRow { name: row.get(0), created_at: row.get(1) }).collect())
    }

    /// Removes an operator.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownOperator`], [`ControlError::Unexplained`].
    pub async fn remove_operator(&self, name: &str, actor: &str, reason: &str) -> Result<(), ControlError> {
        let failed = ControlError::doing("removing an operator");
        let mut catalog = self.catalog().await?;
        let transaction = catalog.transaction().await.map_err(&failed)?;
        audit(&transaction, actor, "operator removed", None, reason, &json!({ "name": name })).await?;
        let removed = "delete from catalog.operators where lower(name) = lower($1)";
        if transaction.execute(removed, &[&name]).await.map_err(&failed)? == 0 {
            return Err(ControlError::UnknownOperator { name: name.to_owned() });
        }
        transaction.commit().await.map_err(failed)
    }

    /// Whether this is the password of an operator of this name. Who is none takes as long to refuse.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be read, or holds a hash that is none.
    pub async fn is_operator(&self, name: &str, password: &SecretString) -> Result<bool, ControlError> {
        let row = self
            .catalog()
            .await?
            .query_opt("select password from catalog.operators where lower(name) = lower($1)", &[&name])
            .await
            .map_err(ControlError::doing("finding an operator"))?;
        let known = row.is_some();
        let hash = row.map_or_else(|| NOBODYS.to_owned(), |row| row.get(0));
        Ok(verify(password.clone(), hash).await? && known)
    }
}

/// Hashing takes some ten milliseconds on purpose, so a thread of its own does it.
async fn hash(password: SecretString) -> Result<String, ControlError> {
    let hash = spawn_blocking(move || Argon2::default().hash_password(password.expose_secret().as_bytes()));
    let hash: PasswordHash = finished(hash.await).map_err(ControlError::Hash)?;
    Ok(hash.to_string())
}

async fn verify(password: SecretString, hash: String) -> Result<bool, ControlError> {
    use argon2::password_hash::Error;

    let verified = spawn_blocking(move || {
        let hash = PasswordHash::new(&hash).map_err(Error::from)?;
        Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash)
    });
    match finished(verified.await) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(ControlError::Hash(error)),
    }
}

/// What a thread came to; a panic in it goes on here.
fn finished<T>(result: Result<T, tokio::task::JoinError>) -> T {
    result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
