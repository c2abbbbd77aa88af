//! Keys: sealing a database, and changing its key while it is in use.

use freehold::isolation::{ExposeSecret, MasterKey, SealIdentity};
use freehold::tenant::PlacementId;
use tokio_postgres::{Client, GenericClient};

use crate::ControlError;

/// Generations that are valid at a time: the newest, and the one before it, which open connections still seal with.
const VALID: i32 = 2;

/// Gives a database its first key. A database that has one of ours is left alone.
pub(crate) async fn seal_database(client: &Client, master: &MasterKey) -> Result<(), ControlError> {
    if verify(client, master).await? { Ok(()) } else { insert_key(client, master, 1).await }
}

/// Whether a database has a key. One that is not derived from `master` for this very database is an error: the library
/// would seal contexts that the database does not take.
pub(crate) async fn verify(client: &impl GenericClient, master: &MasterKey) -> Result<bool, ControlError> {
    let newest = client
        .query_opt(
            "select h.system, h.database, k.generation, k.salt, k.fingerprint, k.inner_pad \
             from freehold.hello h join freehold.seal_keys k using (generation)",
            &[],
        )
        .await
        .map_err(ControlError::doing("reading the seal"))?;
    let Some(newest) = newest else { return Ok(false) };
    let (database, sealed_with): (String, String) = (newest.get(1), newest.get(4));
    let configured = master.fingerprint();
    if sealed_with != configured {
        return Err(ControlError::WrongKey { database, sealed_with, configured });
    }
    let salt = <[u8; 32]>::try_from(newest.get::<_, &[u8]>(3)).unwrap_or_default();
    let identity = SealIdentity { system: newest.get(0), database: database.clone(), generation: newest.get(2), salt };
    if master.seal_key(&identity).inner_pad() == newest.get::<_, &[u8]>(5) {
        Ok(true)
    } else {
        Err(ControlError::Copy { database })
    }
}

/// Adds a new generation and drops all but the one before it. Returns the new generation.
///
/// A key before it that is not ours, as a copy of a database has it, is dropped too: whoever holds it could go on sealing.
/// One that derives from another master key is taken away by force alone: applications may be using it.
pub(crate) async fn rotate(client: &mut Client, master: &MasterKey, force: bool) -> Result<i32, ControlError> {
    let failed = ControlError::doing("rotating the seal");
    let transaction = client.transaction().await.map_err(&failed)?;
    transaction.batch_execute("lock table freehold.seal_keys in share row exclusive mode").await.map_err(&failed)?;
    let kept = match verify(&transaction, master).await {
        Ok(_) => VALID,
        Err(ControlError::Copy { .. }) => 1,
        Err(ControlError::WrongKey { .. }) if force => 1,
        Err(error) => return Err(error),
    };
    let row = transaction
        .query_one("select coalesce(max(generation), 0) from freehold.seal_keys", &[])
        .await
        .map_err(&failed)?;
    let generation: i32 = row.get::<_, i32>(0) + 1;
    insert_key(&transaction, master, generation).await?;
    transaction
        .execute("delete from freehold.seal_keys where generation <= $1", &[&(generation - kept)])
        .await
        .map_err(&failed)?;
    transaction.commit().await.map_err(&failed)?;
    Ok(generation)
}

async fn insert_key(client: &impl GenericClient, master: &MasterKey, generation: i32) -> Result<(), ControlError> {
    let failed = ControlError::doing("writing a seal key");
    let row = client.query_one("select system, database from freehold.hello", &[]).await.map_err(&failed)?;
    let salt: [u8; 32] = rand::random();
    let identity = SealIdentity { system: row.get(0), database: row.get(1), generation, salt };
    let key = master.seal_key(&identity);
    client
        .execute(
            "insert into freehold.seal_keys (generation, salt, fingerprint, inner_pad, outer_pad) values ($1, $2, $3, $4, $5)",
            &[&generation, &&salt[..], &master.fingerprint(), &key.inner_pad(), &key.outer_pad()],
        )
        .await
        .map_err(&failed)?;
    Ok(())
}

/// The password of a tenant's own login as servers store it: a SCRAM verifier (RFC 5802). The password itself is sent
/// nowhere.
pub(crate) fn login_verifier(master: &MasterKey, login: &PlacementId) -> String {
    let password = master.login_password(login);
    postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes())
}

/// Gives a tenant's own login the password that derives from this master key.
pub(crate) async fn renew_login(
    client: &impl GenericClient,
    master: &MasterKey,
    login: &PlacementId,
) -> Result<(), ControlError> {
    let alter = format!("alter role {login} password '{}'", login_verifier(master, login));
    client.batch_execute(&alter).await.map_err(ControlError::doing("renewing the password of a tenant's login"))
}
