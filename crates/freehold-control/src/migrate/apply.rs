use std::time::Duration;

use tokio_postgres::error::{ErrorPosition, SqlState};
use tokio_postgres::{Client, GenericClient};

use super::DATABASE;
use crate::ControlError;
use crate::migrations::Migration;

/// How long a migration may wait for a lock before it makes way: everybody else queues behind it.
const LOCK_TIMEOUT: &str = "2s";
/// How often it tries again, each time after a longer pause.
const ATTEMPTS: u32 = 5;

/// Applies one migration to one placement, and notes it: both or neither.
pub(super) async fn apply(data: &mut Client, placement: &str, migration: &Migration) -> Result<(), ControlError> {
    let mut attempt = 1;
    loop {
        let result = if migration.no_transaction {
            outside_transaction(data, placement, migration).await
        } else {
            in_transaction(data, placement, migration).await
        };
        match result {
            Err(ControlError::Migration { ref source, .. })
                if attempt < ATTEMPTS && source.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) =>
            {
                tracing::info!(placement, migration = migration.file_name(), attempt, "a lock was not free; trying again");
                tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(attempt)).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn in_transaction(data: &mut Client, placement: &str, migration: &Migration) -> Result<(), ControlError> {
    let failed = ControlError::doing("applying a migration");
    let transaction = data.transaction().await.map_err(&failed)?;
    transaction.batch_execute(&settings("local", placement, migration)).await.map_err(&failed)?;
    transaction.batch_execute(&migration.sql).await.map_err(|source| explain(source, placement, migration))?;
    transaction.batch_execute("reset role").await.map_err(&failed)?;
    refuse_unprotected(&transaction, placement).await?;
    note(&transaction, placement, migration).await?;
    transaction.commit().await.map_err(|source| explain(source, placement, migration))
}

/// For what PostgreSQL refuses in a transaction (`create index concurrently`). Killed in the middle it runs again from the
/// start, so such a file should say `if not exists`.
async fn outside_transaction(data: &Client, placement: &str, migration: &Migration) -> Result<(), ControlError> {
    let failed = ControlError::doing("applying a migration");
    data.batch_execute(&settings("session", placement, migration)).await.map_err(&failed)?;
    let result = data.batch_execute(&migration.sql).await.map_err(|source| explain(source, placement, migration));
    data.batch_execute("reset role; reset search_path; reset lock_timeout; reset row_security").await.map_err(&failed)?;
    result?;
    refuse_unprotected(data, placement).await?;
    note(data, placement, migration).await
}

/// The role that will own what is created, and the one schema to work in. A backfill sees all rows, and a policy that
/// would hide some is an error.
fn settings(reach: &str, placement: &str, migration: &Migration) -> String {
    let schema = if placement == DATABASE { "global" } else { placement };
    let role = if migration.backfill { "freehold_control" } else { "freehold_owner" };
    let row_security = if migration.backfill { "off" } else { "on" };
    format!(
        "set {reach} lock_timeout = '{LOCK_TIMEOUT}'; set {reach} search_path = {schema}, pg_temp; \
         set {reach} row_security = {row_security}; set {reach} role {role}"
    )
}

async fn note(client: &impl GenericClient, placement: &str, migration: &Migration) -> Result<(), ControlError> {
    client
        .execute(
            "insert into freehold.ledger (placement, version, name, checksum) values ($1, $2, $3, $4)",
            &[&placement, &migration.version, &migration.name, &migration.checksum],
        )
        .await
        .map(drop)
        .map_err(ControlError::doing("writing the ledger"))
}

/// A table with a column `tenant_id` and without our policies was forgotten.
async fn refuse_unprotected(client: &impl GenericClient, placement: &str) -> Result<(), ControlError> {
    let forgotten = client
        .query_opt(
            "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped \
             where n.nspname = $1 and c.relkind in ('r', 'p') \
               and not (c.relrowsecurity and c.relforcerowsecurity \
                        and (select count(*) from pg_policy p where p.polrelid = c.oid and p.polname like 'freehold\\_%') = 5) \
             order by 1 limit 1",
            &[&placement],
        )
        .await
        .map_err(ControlError::doing("checking the tables of a placement"))?;
    forgotten.map_or(Ok(()), |row| Err(ControlError::Unprotected { table: row.get(0) }))
}

fn explain(source: tokio_postgres::Error, placement: &str, migration: &Migration) -> ControlError {
    let database = source.as_db_error();
    let line = database.and_then(|error| match error.position() {
        Some(ErrorPosition::Original(position)) => {
            Some(1 + migration.sql.chars().take(*position as usize - 1).filter(|c| *c == '\n').count())
        }
        _ => None,
    });
    ControlError::Migration {
        file: migration.file_name(),
        placement: placement.to_owned(),
        position: line.map(|line| format!(", line {line}")).unwrap_or_default(),
        message: database.map_or_else(|| source.to_string(), |error| error.message().to_owned()),
        hint: database.and_then(|error| error.hint()).map(|hint| format!("\nhint: {hint}")).unwrap_or_default(),
        source,
    }
}
