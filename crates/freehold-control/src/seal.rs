//! Keys: sealing a database, and changing its key while it is in use.

use freehold::isolation::{MasterKey, SealIdentity};
use tokio_postgres::{Client, GenericClient};

use crate::ControlError;

/// Generations that are valid at a time: the newest, and the one before it, which open connections still seal with.
const VALID: i32 = 2;

/// Gives a database its first key. A database that has one with our fingerprint is left alone.
pub(crate) async fn seal_database(client: &Client, master: &MasterKey) -> Result<(), ControlError> {
    let newest = client
        .query_opt("select fingerprint, current_database()::text from freehold.hello where generation is not null", &[])
        .await
        .map_err(ControlError::doing("reading the seal"))?;
    let Some(newest) = newest else { return insert_key(client, master, 1).await };
    let (sealed_with, database): (String, String) = (newest.get(0), newest.get(1));
    let configured = master.fingerprint();
    if sealed_with == configured { Ok(()) } else { Err(ControlError::WrongKey { database, sealed_with, configured }) }
}

/// Adds a new generation and drops all but the one before it. Returns the new generation.
pub(crate) async fn rotate(client: &mut Client, master: &MasterKey) -> Result<i32, ControlError> {
    let failed = ControlError::doing("rotating the seal");
    let transaction = client.transaction().await.map_err(&failed)?;
    transaction.batch_execute("lock table freehold.seal_keys in share row exclusive mode").await.map_err(&failed)?;
    let row = transaction.query_one("select coalesce(max(generation), 0) from freehold.seal_keys", &[]).await.map_err(&failed)?;
    let generation: i32 = row.get::<_, i32>(0) + 1;
    insert_key(&transaction, master, generation).await?;
    transaction
        .execute("delete from freehold.seal_keys where generation <= $1", &[&(generation - VALID)])
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
