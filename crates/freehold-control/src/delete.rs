//! The end of a tenant: fenced first, then its rows, schema or database, and a record of what was erased.

use std::collections::BTreeMap;
use std::time::Duration;

use freehold::tenant::{Model, TenantId};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient, Row};
use uuid::Uuid;

use crate::audit::audit;
use crate::connection::connect;
use crate::install::quoted;
use crate::operation::Steps;
use crate::provision::Place;
use crate::{ControlError, ControlPlane};

pub(crate) async fn delete(control: &ControlPlane, steps: &Steps<'_>) -> Result<(), ControlError> {
    let tenant = steps.operation.tenant;
    // Without a place either nothing was created yet, or the last step was done and not noted.
    if let Some(place) = control.find_place(steps.catalog, tenant).await? {
        steps.step("fence", || fence(control, &place, tenant)).await?;
        let rows = steps.step("count", || count(&place, tenant)).await?;
        steps.step("erase", || erase(&place, tenant)).await?;
        steps.step("record", || record(steps, &place, &rows)).await?;
    }
    steps.step("forget", || forget(steps.catalog, tenant)).await?;
    Ok(())
}

/// From here on the database refuses every context of the tenant, and nothing that began before writes any more.
async fn fence(control: &ControlPlane, place: &Place, tenant: TenantId) -> Result<Value, ControlError> {
    let failed = ControlError::doing("fencing a tenant");
    control.end_guests_of(tenant).await?;
    if place.model == Model::Database {
        cut_off(place).await?;
    }
    if let Some(data) = open(place).await? {
        data.execute("delete from freehold.residents where tenant = $1", &[&Uuid::from(tenant)])
            .await
            .map_err(&failed)?;
        wait_for_writers(&data, place).await?;
    }
    Ok(json!({}))
}

/// Takes away a login, and ends what it runs.
async fn cut_off(place: &Place) -> Result<(), ControlError> {
    let failed = ControlError::doing("closing the login of a tenant");
    let server = connect(&place.server.to_database(&place.data)).await?;
    let id = place.id.as_str();
    if server.query_opt("select from pg_roles where rolname = $1", &[&id]).await.map_err(&failed)?.is_some() {
        // Only members of a role may end its sessions.
        let close = format!("alter role {id} nologin; grant {id} to freehold_control");
        server.batch_execute(&close).await.map_err(&failed)?;
        let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1";
        server.execute(end, &[&id]).await.map_err(&failed)?;
    }
    Ok(())
}

/// A statement that verified its context before the fence may still add rows. It holds the lock of a writer on its table,
/// so when those that are held now are gone, all that could come has come.
async fn wait_for_writers(data: &Client, place: &Place) -> Result<(), ControlError> {
    /// An application's transaction is shorter than this, or hangs.
    const PATIENCE: Duration = Duration::from_secs(20);
    const LOOK: Duration = Duration::from_millis(20);
    let failed = ControlError::doing("waiting for transactions that write");
    let writers = data
        .query(
            "select distinct l.virtualtransaction from pg_locks l join pg_class c on c.oid = l.relation \
             join pg_namespace n on n.oid = c.relnamespace \
             where l.mode = 'RowExclusiveLock' and n.nspname = $1 and c.relkind in ('r', 'p') and l.pid <> pg_backend_pid() \
               and l.database = (select oid from pg_database where datname = current_database())",
            &[&place.id.as_str()],
        )
        .await
        .map_err(&failed)?;
    let writers: Vec<String> = writers.iter().map(|row| row.get(0)).collect();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let open = "select count(*) from pg_locks where locktype = 'virtualxid' and virtualtransaction = any ($1)";
        let transactions: i64 = data.query_one(open, &[&writers]).await.map_err(&failed)?.get(0);
        if transactions == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(ControlError::StillWriting { transactions });
        }
        sleep(LOOK).await;
    }
}

/// The database a tenant lives in; none when a tenant database was not created yet, or was dropped already.
async fn open(place: &Place) -> Result<Option<Client>, ControlError> {
    match connect(&place.server.to_database(&place.database)).await {
        Ok(data) => Ok(Some(data)),
        Err(error) if place.model == Model::Database && is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error says that there is no such database.
pub(crate) fn is_missing(error: &ControlError) -> bool {
    matches!(error, ControlError::Connect { source, .. } if source.code() == Some(&SqlState::INVALID_CATALOG_NAME))
}

/// How many rows of each table will be erased. A step of its own, because afterwards nobody can tell.
async fn count(place: &Place, tenant: TenantId) -> Result<Value, ControlError> {
    let failed = ControlError::doing("counting a tenant's rows");
    let mut counts = BTreeMap::new();
    if let Some(data) = open(place).await? {
        all_rows(&data).await?;
        for table in tables(&data, place).await? {
            let count = format!("select count(*) from {} where tenant_id = $1", table.path);
            let rows: i64 = data.query_one(&count, &[&Uuid::from(tenant)]).await.map_err(&failed)?.get(0);
            counts.insert(table.name, rows);
        }
    }
    Ok(json!(counts))
}

/// As the control plane, past the policies; should one still hide a row, that is an error.
async fn all_rows(data: &Client) -> Result<(), ControlError> {
    data.batch_execute("set row_security = off").await.map_err(ControlError::doing("opening a tenant's tables"))
}

async fn erase(place: &Place, tenant: TenantId) -> Result<Value, ControlError> {
    let failed = ControlError::doing("erasing a tenant");
    let mut data = connect(&place.server.to_database(&place.data)).await?;
    let id = &place.id;
    match place.model {
        Model::Shared => erase_rows(&mut data, place, tenant).await?,
        Model::Schema => {
            let drop = format!(
                "begin; set local lock_timeout = '10s'; drop schema if exists {id} cascade; \
                 delete from freehold.ledger where placement = '{id}'; delete from freehold.placements where id = '{id}'; commit"
            );
            data.batch_execute(&drop).await.map_err(&failed)?;
        }
        Model::Database => {
            data.batch_execute(&format!("drop database if exists {id} with (force)")).await.map_err(&failed)?;
            data.batch_execute(&format!("drop role if exists {id}")).await.map_err(&failed)?;
        }
    }
    Ok(json!({}))
}

/// Deletes the tenant's rows, those first that refer to others, all or none.
///
/// Without setting off triggers, where that is allowed: one that keeps a history would write into it while it is emptied.
async fn erase_rows(data: &mut Client, place: &Place, tenant: TenantId) -> Result<(), ControlError> {
    let failed = ControlError::doing("erasing a tenant's rows");
    all_rows(data).await?;
    let transaction = data.transaction().await.map_err(&failed)?;
    let quiet = "select set_config('session_replication_role', 'replica', true) \
                 where has_parameter_privilege('session_replication_role', 'set')";
    transaction.execute(quiet, &[]).await.map_err(&failed)?;
    let path = format!("set local search_path = {}, pg_temp", place.id);
    transaction.batch_execute(&path).await.map_err(&failed)?;
    let tables = tables(&transaction, place).await?;
    let all: Vec<String> = tables.iter().map(|table| table.path.clone()).collect();
    for group in deletion_order(tables) {
        let deletions: Vec<String> = group
            .iter()
            .enumerate()
            .map(|(n, table)| format!("gone{n} as (delete from {} where tenant_id = $1)", table.path))
            .collect();
        // Foreign keys are checked at the end of a statement, so one statement erases a circle of them.
        let delete = format!("with {} select", deletions.join(", "));
        transaction.execute(&delete, &[&Uuid::from(tenant)]).await.map_err(&failed)?;
    }
    for table in all {
        let left = format!("select from {table} where tenant_id = $1 limit 1");
        if transaction.query_opt(&left, &[&Uuid::from(tenant)]).await.map_err(&failed)?.is_some() {
            return Err(ControlError::NotErased { table });
        }
    }
    transaction.commit().await.map_err(&failed)
}

/// A table with rows of tenants.
#[derive(Debug)]
struct Table {
    name: String,
    /// Its name for SQL.
    path: String,
    /// The tables whose foreign keys refer to it.
    referred_by: Vec<String>,
}

async fn tables(data: &impl GenericClient, place: &Place) -> Result<Vec<Table>, ControlError> {
    let rows = data
        .query(
            "select c.relname::text, coalesce(array_agg(distinct f.relname::text) filter (where f.oid <> c.oid), '{}') \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped \
             left join pg_constraint k on k.confrelid = c.oid and k.contype = 'f' \
             left join pg_class f on f.oid = k.conrelid and not f.relispartition \
             where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition group by c.oid, c.relname order by 1",
            &[&place.id.as_str()],
        )
        .await
        .map_err(ControlError::doing("listing the tables of a placement"))?;
    let table = |row: &Row| {
        let name: String = row.get(0);
        Table { path: format!("{}.{}", place.id, quoted(&name)), name, referred_by: row.get(1) }
    };
    Ok(rows.iter().map(table).collect())
}

/// Groups of tables, each before those it refers to. Tables that refer to each other in a circle make one group, with
/// what they refer to.
fn deletion_order(mut tables: Vec<Table>) -> Vec<Vec<Table>> {
    let mut order = Vec::new();
    while !tables.is_empty() {
        let left: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let is_free = |table: &Table| !table.referred_by.iter().any(|other| left.contains(other));
        let (free, bound): (Vec<_>, Vec<_>) = tables.into_iter().partition(is_free);
        if free.is_empty() {
            order.push(bound);
            break;
        }
        order.push(free);
        tables = bound;
    }
    order
}

/// The certificate of erasure: what, when, counts. Once, though the step may run twice.
async fn record(steps: &Steps<'_>, place: &Place, rows: &Value) -> Result<Value, ControlError> {
    let failed = ControlError::doing("recording an erasure");
    let operation = steps.operation.id.to_string();
    let recorded =
        "select from catalog.audit where tenant = $1 and action = 'tenant erased' and detail ->> 'operation' = $2";
    let recorded =
        steps.catalog.query_opt(recorded, &[&Uuid::from(steps.operation.tenant), &operation]).await.map_err(&failed)?;
    if recorded.is_none() {
        let detail = json!({ "operation": operation, "model": place.model.as_str(), "placement": place.id.as_str(), "rows": rows });
        audit(steps.catalog, "worker", "tenant erased", Some(steps.operation.tenant), "deletion was due", &detail)
            .await?;
    }
    Ok(json!({}))
}

async fn forget(catalog: &Client, tenant: TenantId) -> Result<Value, ControlError> {
    catalog
        .execute(
            "with left_behind as (select placement from catalog.tenants where id = $1), \
                  names as (delete from catalog.former_slugs where tenant = $1), \
                  gone as (update catalog.tenants set status = 'deleted', placement = null where id = $1 and status <> 'deleted') \
             update catalog.placements set dropped_at = now() \
             where id = (select placement from left_behind) and model <> 'shared'",
            &[&Uuid::from(tenant)],
        )
        .await
        .map_err(ControlError::doing("forgetting a tenant's placement"))?;
    Ok(json!({}))
}
