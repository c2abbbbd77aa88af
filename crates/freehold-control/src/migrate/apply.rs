use std::time::Duration;

use tokio_postgres::error::{DbError, ErrorPosition, SqlState};
use tokio_postgres::{Client, GenericClient};

use super::DATABASE;
use crate::ControlError;
use crate::migrations::{Migration, Statement, line_at, split};

/// How long a migration may wait for a lock before it makes way: everybody else queues behind it.
const LOCK_TIMEOUT: &str = "2s";
/// How often it tries again, each time after a longer pause.
const ATTEMPTS: u32 = 5;
/// How often another run that is at the same placement is looked after.
const LOOK: Duration = Duration::from_millis(50);

/// Applies one migration to one placement, and notes it: both or neither. `false`: another run was faster.
pub(super) async fn apply(data: &mut Client, placement: &str, migration: &Migration) -> Result<bool, ControlError> {
    let mut attempt = 1;
    loop {
        let result = if migration.no_transaction {
            outside_transaction(data, placement, migration).await
        } else {
            in_transaction(data, placement, migration).await
        };
        match result {
            Err(ControlError::Migration { ref source, .. }) if attempt < ATTEMPTS && gave_way(source) => {
                tracing::info!(
                    placement,
                    migration = migration.file_name(),
                    attempt,
                    "a lock was not free; trying again"
                );
                tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(attempt)).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

fn gave_way(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// The key of the advisory lock under which a placement is migrated. Runs on different placements do not meet.
const LOCK_KEY: &str = "hashtextextended('freehold migrate ' || $1, 0)";

async fn in_transaction(data: &mut Client, placement: &str, migration: &Migration) -> Result<bool, ControlError> {
    let failed = ControlError::doing("applying a migration");
    let transaction = data.transaction().await.map_err(&failed)?;
    let lock = format!("select pg_advisory_xact_lock({LOCK_KEY})");
    transaction.execute(&lock, &[&placement]).await.map_err(&failed)?;
    if is_applied(&transaction, placement, migration).await? {
        return Ok(false);
    }
    transaction.batch_execute(&settings("local", placement, migration)).await.map_err(&failed)?;
    transaction.batch_execute(&migration.sql).await.map_err(|source| explain(source, placement, migration, 0))?;
    transaction.batch_execute("reset role").await.map_err(&failed)?;
    refuse_unprotected(&transaction, placement, migration).await?;
    note(&transaction, placement, migration).await?;
    transaction.commit().await.map_err(|source| explain(source, placement, migration, 0))?;
    Ok(true)
}

/// For what PostgreSQL refuses in a transaction (`create index concurrently`): one statement at a time. Cut off in the middle
/// it runs again from the start, so such a file has to say `if not exists`; an index that was left invalid is dropped first.
async fn outside_transaction(data: &Client, placement: &str, migration: &Migration) -> Result<bool, ControlError> {
    let failed = ControlError::doing("applying a migration");
    // Waiting inside the server would hold a snapshot, and what builds an index concurrently waits for every snapshot.
    let try_lock = format!("select pg_try_advisory_lock({LOCK_KEY})");
    while !data.query_one(&try_lock, &[&placement]).await.map_err(&failed)?.get::<_, bool>(0) {
        tokio::time::sleep(LOOK).await;
    }
    let result = alone_outside_transaction(data, placement, migration).await;
    data.execute(&format!("select pg_advisory_unlock({LOCK_KEY})"), &[&placement]).await.map_err(&failed)?;
    result
}

async fn alone_outside_transaction(
    data: &Client,
    placement: &str,
    migration: &Migration,
) -> Result<bool, ControlError> {
    let failed = ControlError::doing("applying a migration");
    if is_applied(data, placement, migration).await? {
        return Ok(false);
    }
    if migration.may_create_routines() {
        // Until they are noted, every routine counts.
        data.execute("update freehold.installation set interpreters = 'callable'", &[]).await.map_err(&failed)?;
    }
    drop_invalid_indexes(data, placement).await?;
    data.batch_execute(&settings("session", placement, migration)).await.map_err(&failed)?;
    let result = each_statement(data, placement, migration).await;
    data.batch_execute("reset role; reset search_path; reset lock_timeout; reset row_security")
        .await
        .map_err(&failed)?;
    result?;
    if let Some((index, _)) = invalid_indexes(data, placement).await?.into_iter().next() {
        return Err(ControlError::InvalidIndex { file: migration.file_name(), placement: placement.to_owned(), index });
    }
    refuse_unprotected(data, placement, migration).await?;
    note(data, placement, migration).await?;
    Ok(true)
}

async fn each_statement(data: &Client, placement: &str, migration: &Migration) -> Result<(), ControlError> {
    for Statement { text, offset, .. } in split(&migration.sql) {
        // What runs concurrently lets others pass while it waits, for transactions that may be long.
        let patient = is_concurrent(text);
        if patient {
            set_lock_timeout(data, "0").await?;
        }
        data.batch_execute(text).await.map_err(|source| explain(source, placement, migration, offset))?;
        if patient {
            set_lock_timeout(data, LOCK_TIMEOUT).await?;
        }
    }
    Ok(())
}

fn is_concurrent(statement: &str) -> bool {
    statement.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("concurrently"))
}

async fn set_lock_timeout(data: &Client, timeout: &str) -> Result<(), ControlError> {
    let set = format!("set lock_timeout = '{timeout}'");
    data.batch_execute(&set).await.map_err(ControlError::doing("applying a migration"))
}

/// Drops what a `create index concurrently` left behind that was cut off, but nothing that is being built.
async fn drop_invalid_indexes(data: &Client, placement: &str) -> Result<(), ControlError> {
    for (index, in_work) in invalid_indexes(data, placement).await? {
        if !in_work {
            tracing::info!(placement, index, "dropping an index that was never finished");
            let drop = format!("drop index concurrently if exists {index}");
            data.batch_execute(&drop).await.map_err(ControlError::doing("dropping an unfinished index"))?;
        }
    }
    Ok(())
}

/// Indexes that cannot be used, and whether one may be in the making on their table. A partitioned index is invalid until
/// each partition has its own, which is on purpose.
async fn invalid_indexes(data: &Client, placement: &str) -> Result<Vec<(String, bool)>, ControlError> {
    data.query(
        "select format('%I.%I', n.nspname, c.relname), \
                exists (select from pg_locks l where l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock' and l.granted \
                          and l.database = (select oid from pg_database where datname = current_database())) \
         from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname = $1 and c.relkind = 'i' and not i.indisvalid order by 1",
        &[&schema_of(placement)],
    )
    .await
    .map(|rows| rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    .map_err(ControlError::doing("looking for unfinished indexes"))
}

fn schema_of(placement: &str) -> &str {
    if placement == DATABASE { "global" } else { placement }
}

/// The role that will own what is created, and the one schema to work in. Rows are touched with sight of all of them, as a
/// backfill does, or not at all: under a policy that hides some, a change would pass for done.
fn settings(reach: &str, placement: &str, migration: &Migration) -> String {
    let schema = schema_of(placement);
    let role = if migration.backfill { "freehold_control" } else { "freehold_owner" };
    format!(
        "set {reach} lock_timeout = '{LOCK_TIMEOUT}'; set {reach} search_path = {schema}, pg_temp; \
         set {reach} row_security = off; set {reach} role {role}"
    )
}

async fn is_applied(client: &impl GenericClient, placement: &str, migration: &Migration) -> Result<bool, ControlError> {
    client
        .query_opt(
            "select from freehold.ledger where placement = $1 and version = $2",
            &[&placement, &migration.version],
        )
        .await
        .map(|row| row.is_some())
        .map_err(ControlError::doing("reading the ledger"))
}

async fn note(client: &impl GenericClient, placement: &str, migration: &Migration) -> Result<(), ControlError> {
    client
        .execute(
            "insert into freehold.ledger (placement, version, name, checksum) values ($1, $2, $3, $4)",
            &[&placement, &migration.version, &migration.name, &migration.checksum],
        )
        .await
        .map_err(ControlError::doing("writing the ledger"))?;
    if !migration.may_create_routines() {
        return Ok(());
    }
    client
        .execute("select freehold.note_interpreters()", &[])
        .await
        .map(drop)
        .map_err(ControlError::doing("noting which routines run text"))
}

/// A table with a column `tenant_id` and without our policies was forgotten.
async fn refuse_unprotected(
    client: &impl GenericClient,
    placement: &str,
    migration: &Migration,
) -> Result<(), ControlError> {
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
    forgotten.map_or(Ok(()), |row| Err(ControlError::Unprotected { file: migration.file_name(), table: row.get(0) }))
}

/// `offset`: where in the file the text began that PostgreSQL counts positions in.
fn explain(source: tokio_postgres::Error, placement: &str, migration: &Migration, offset: usize) -> ControlError {
    let database = source.as_db_error();
    let line = database.and_then(|error| match error.position() {
        Some(ErrorPosition::Original(position)) => {
            let text = &migration.sql[offset..];
            let before = text.char_indices().nth(*position as usize - 1).map_or(text.len(), |(at, _)| at);
            Some(line_at(&migration.sql, offset + before))
        }
        _ => None,
    });
    ControlError::Migration {
        file: migration.file_name(),
        placement: placement.to_owned(),
        line,
        message: database.map_or_else(
            || source.to_string(),
            |error| format!("{} (SQLSTATE {})", error.message(), error.code().code()),
        ),
        hint: database.and_then(hint_for).map(|hint| format!("\nhint: {hint}")).unwrap_or_default(),
        source,
    }
}

/// What PostgreSQL advises, except to take the policies off; and what we do where it says nothing.
fn hint_for(error: &DbError) -> Option<&str> {
    const TENANT_IN_KEYS: &str =
        "keys of tenant tables lead with tenant_id: foreign key (tenant_id, x_id) references x (tenant_id, id)";
    const ROWS: &str = "this reads or changes rows of tenants, as a foreign key does that is added to them: \
                        move it to a file that begins with `-- freehold: backfill`";
    match *error.code() {
        SqlState::INSUFFICIENT_PRIVILEGE if error.message().contains("row-level security policy") => Some(ROWS),
        SqlState::INVALID_FOREIGN_KEY => error.hint().or(Some(TENANT_IN_KEYS)),
        _ => error.hint(),
    }
}
