//! The end of a tenant: fenced first, then its rows, schema or database, and a record of what was erased.

use std::collections::BTreeMap;

use freehold::tenant::{Model, TenantId};
use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient, Transaction};
use uuid::Uuid;

use crate::connection::{connect, with_database};
use crate::operation::Steps;
use crate::provision::Place;
use crate::{ControlError, ControlPlane};

pub(crate) async fn delete(control: &ControlPlane, steps: &Steps<'_>) -> Result<(), ControlError> {
    let tenant = steps.operation.tenant;
    let Some(place) = control.find_place(steps.catalog, tenant).await? else {
        // The last step is done and the placement forgotten; nothing else is left to do.
        return Ok(());
    };
    steps.step("fence", || fence(&place, tenant)).await?;
    let erased = steps.step("erase", || erase(&place, tenant)).await?;
    steps.step("record", || record(steps, &place, &erased)).await?;
    steps.step("forget", || forget(steps.catalog, &place, tenant)).await?;
    Ok(())
}

/// From here on the database refuses every context of the tenant.
async fn fence(place: &Place, tenant: TenantId) -> Result<Value, ControlError> {
    match connect(&with_database(&place.server, &place.database)).await {
        Ok(data) => {
            data.execute("delete from freehold.residents where tenant = $1", &[&Uuid::from(tenant)])
                .await
                .map_err(ControlError::doing("fencing a tenant"))?;
        }
        // A tenant database that an earlier run dropped.
        Err(error) if place.model == Model::Database && is_missing(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(json!({}))
}

fn is_missing(error: &ControlError) -> bool {
    matches!(error, ControlError::Connect { source, .. }
        if source.code() == Some(&tokio_postgres::error::SqlState::INVALID_CATALOG_NAME))
}

async fn erase(place: &Place, tenant: TenantId) -> Result<Value, ControlError> {
    let failed = ControlError::doing("erasing a tenant");
    let mut data = connect(&with_database(&place.server, &place.data)).await?;
    let id = &place.id;
    match place.model {
        Model::Shared => return erase_rows(&mut data, place, tenant).await,
        Model::Schema => {
            let drop = format!(
                "begin; drop schema if exists {id} cascade; delete from freehold.ledger where placement = '{id}'; \
                 delete from freehold.placements where id = '{id}'; commit"
            );
            data.batch_execute(&drop).await.map_err(&failed)?;
        }
        Model::Database => {
            data.batch_execute(&format!("drop database if exists {id} with (force)")).await.map_err(&failed)?;
            data.batch_execute(&format!("drop role if exists {id}")).await.map_err(&failed)?;
        }
    }
    Ok(json!({ "dropped": place.model.as_str() }))
}

/// Deletes the tenant's rows table by table, those first that refer to others, all or none.
async fn erase_rows(data: &mut Client, place: &Place, tenant: TenantId) -> Result<Value, ControlError> {
    let failed = ControlError::doing("erasing a tenant's rows");
    let transaction = data.transaction().await.map_err(&failed)?;
    // As the control plane, past the policies; should one still hide a row, that is an error.
    transaction.batch_execute("set local row_security = off").await.map_err(&failed)?;
    let mut counts = BTreeMap::new();
    for table in deletion_order(&transaction, place).await? {
        let delete = format!("delete from {}.{} where tenant_id = $1", place.id, crate::install::quoted(&table));
        let rows = transaction.execute(&delete, &[&Uuid::from(tenant)]).await.map_err(&failed)?;
        counts.insert(table, rows);
    }
    transaction.commit().await.map_err(&failed)?;
    Ok(json!({ "rows": counts }))
}

/// The tables of a placement, each before those it refers to.
async fn deletion_order(data: &Transaction<'_>, place: &Place) -> Result<Vec<String>, ControlError> {
    let failed = ControlError::doing("listing the tables of a placement");
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
        .map_err(&failed)?;
    let mut referred_by: BTreeMap<String, Vec<String>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut order = Vec::with_capacity(referred_by.len());
    while !referred_by.is_empty() {
        let free: Vec<String> = referred_by
            .iter()
            .filter(|(_, referring)| referring.iter().all(|table| order.contains(table)))
            .map(|(table, _)| table.clone())
            .collect();
        if free.is_empty() {
            let tables = referred_by.into_keys().collect::<Vec<_>>().join(", ");
            return Err(ControlError::Circle { tables });
        }
        for table in free {
            referred_by.remove(&table);
            order.push(table);
        }
    }
    Ok(order)
}

/// The certificate of erasure: what, when, who, counts.
async fn record(steps: &Steps<'_>, place: &Place, erased: &Value) -> Result<Value, ControlError> {
    let detail = json!({ "operation": steps.operation.id, "model": place.model.as_str(), "erased": erased });
    audit(steps.catalog, "worker", "tenant erased", steps.operation.tenant, "deletion was due", &detail).await?;
    Ok(json!({}))
}

async fn forget(catalog: &Client, place: &Place, tenant: TenantId) -> Result<Value, ControlError> {
    catalog
        .execute(
            "with gone as (update catalog.tenants set status = 'deleted', placement = null where id = $1 returning id) \
             update catalog.placements set dropped_at = now() where id = $2 and model <> 'shared' and exists (select from gone)",
            &[&Uuid::from(tenant), &place.id.as_str()],
        )
        .await
        .map_err(ControlError::doing("forgetting a tenant's placement"))?;
    Ok(json!({}))
}

/// Writes what is about to be done, or was done, and why.
pub(crate) async fn audit(
    catalog: &impl GenericClient,
    actor: &str,
    action: &str,
    tenant: TenantId,
    reason: &str,
    detail: &Value,
) -> Result<(), ControlError> {
    catalog
        .execute(
            "insert into catalog.audit (actor, action, tenant, reason, detail) values ($1, $2, $3, $4, $5)",
            &[&actor, &action, &Uuid::from(tenant), &reason, &detail],
        )
        .await
        .map(drop)
        .map_err(ControlError::doing("writing the audit"))
}
