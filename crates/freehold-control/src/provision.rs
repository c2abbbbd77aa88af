//! A place for a new tenant: placement, schema or database, tables, key, and only then: active.

use freehold::login::Login;
use freehold::tenant::{Model, PlacementId, TenantId};
use serde_json::{Value, json};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::connection::connect;
use crate::install::{create_schema, quoted, template_of};
use crate::operation::Steps;
use crate::{ControlError, ControlPlane, seal};

/// Where a tenant is, or will be.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) id: PlacementId,
    pub(crate) model: Model,
    pub(crate) database: String,
    /// The data database of the cluster; a tenant database is cloned from its template.
    pub(crate) data: String,
    pub(crate) epoch: i64,
    /// The server, as the control plane reaches it.
    pub(crate) server: Login,
}

pub(crate) async fn provision(control: &ControlPlane, steps: &Steps<'_>) -> Result<(), ControlError> {
    let tenant = steps.operation.tenant;
    steps.step("place", || choose_place(steps, tenant)).await?;
    let place = control.place_of(steps.catalog, tenant).await?;
    steps.step("create", || create(control, &place)).await?;
    let data = connect(&place.server.to_database(&place.database)).await?;
    steps.step("migrate", || migrate(control, &data, &place)).await?;
    steps.step("resident", || register(&data, &place, tenant)).await?;
    steps.step("activate", || activate(control, steps.catalog, &data, &place, tenant)).await?;
    Ok(())
}

/// Gives the tenant a placement, in one statement, so that a run that is cut off leaves one or none.
async fn choose_place(steps: &Steps<'_>, tenant: TenantId) -> Result<Value, ControlError> {
    let failed = ControlError::doing("choosing a placement");
    let parameters = &steps.operation.parameters;
    let model: Model = parameters["model"].as_str().unwrap_or_default().parse()?;
    let fresh = PlacementId::generate();
    let placed = steps
        .catalog
        .query_opt(
            "with target as (select id, placement from catalog.tenants where id = $1 for update),
             cluster as (
                 select c.id, c.database from catalog.clusters c
                 where not c.draining and ($3::text is null or c.id = $3) order by c.added_at limit 1),
             fresh as (
                 insert into catalog.placements (id, cluster, model, database)
                 select $2, c.id, $4, case when $4 = 'database' then $2 else c.database end from cluster c
                 where $4 <> 'shared' and exists (select from target where placement is null)
                 returning id),
             chosen as (
                 select id from fresh
                 union all
                 select p.id from catalog.placements p join cluster c on c.id = p.cluster
                 where $4 = 'shared' and p.model = 'shared' and p.dropped_at is null limit 1)
             update catalog.tenants t set placement = coalesce(t.placement, (select id from chosen))
             where t.id = $1 and (t.placement is not null or exists (select from chosen))
             returning t.placement",
            &[&Uuid::from(tenant), &fresh.as_str(), &parameters["cluster"].as_str(), &model.as_str()],
        )
        .await
        .map_err(&failed)?;
    let placement: String = placed.ok_or(ControlError::NoCluster)?.get(0);
    Ok(json!({ "placement": placement }))
}

async fn create(control: &ControlPlane, place: &Place) -> Result<Value, ControlError> {
    match place.model {
        Model::Shared => {}
        Model::Schema => {
            let data = connect(&place.server.to_database(&place.database)).await?;
            create_schema(&data, &place.id, "schema").await?;
        }
        Model::Database => create_database(control, place).await?,
    }
    Ok(json!({}))
}

/// A login that is a member of one group, and a database that lets only this login in. Nobody gets in before the rights
/// are as they shall be: a new database is open to all.
async fn create_database(control: &ControlPlane, place: &Place) -> Result<(), ControlError> {
    let failed = ControlError::doing("creating a tenant database");
    let server = connect(&place.server.to_database(&place.data)).await?;
    let id = &place.id;
    let verifier = seal::login_verifier(control.master_key(), id);
    let create = format!("create role {id} login inherit password '{verifier}' in role freehold_tenant");
    ignore(server.batch_execute(&create).await, &SqlState::DUPLICATE_OBJECT).map_err(&failed)?;
    let template = quoted(&template_of(&place.data));
    let clone = format!("create database {id} template {template} strategy wal_log allow_connections false");
    ignore(server.batch_execute(&clone).await, &SqlState::DUPLICATE_DATABASE).map_err(&failed)?;
    let rights = format!(
        "revoke all on database {id} from public; grant connect on database {id} to {id}; \
         grant create on database {id} to freehold_owner; alter database {id} allow_connections true"
    );
    server.batch_execute(&rights).await.map_err(&failed)?;

    let database = connect(&place.server.to_database(&place.database)).await?;
    create_schema(&database, id, "database").await?;
    seal::seal_database(&database, control.master_key()).await
}

fn ignore(result: Result<(), tokio_postgres::Error>, already: &SqlState) -> Result<(), tokio_postgres::Error> {
    match result {
        Err(error) if error.code() == Some(already) => Ok(()),
        result => result,
    }
}

/// A shared placement that other tenants use already is left to `freehold migrate`: a sign-up is no time to alter their
/// tables.
async fn migrate(control: &ControlPlane, data: &Client, place: &Place) -> Result<Value, ControlError> {
    if place.model != Model::Shared || !is_migrated(data, place).await? {
        control.rolled_out().await?.migrate_one(&place.server, &place.database, &place.id).await?;
    }
    Ok(json!({}))
}

async fn is_migrated(data: &Client, place: &Place) -> Result<bool, ControlError> {
    data.query_opt("select from freehold.ledger where placement = $1 limit 1", &[&place.id.as_str()])
        .await
        .map(|row| row.is_some())
        .map_err(ControlError::doing("reading the ledger"))
}

/// From here on the database accepts contexts of the tenant.
async fn register(data: &Client, place: &Place, tenant: TenantId) -> Result<Value, ControlError> {
    let login = (place.model == Model::Database).then(|| place.id.as_str());
    data.execute(
        "insert into freehold.residents (tenant, placement, epoch, login) values ($1, $2, $3, $4::text::name) \
         on conflict (tenant) do update set placement = excluded.placement, epoch = excluded.epoch, login = excluded.login",
        &[&Uuid::from(tenant), &place.id.as_str(), &place.epoch, &login],
    )
    .await
    .map_err(ControlError::doing("registering a tenant with its database"))?;
    Ok(json!({}))
}

/// An operation may have lain for long since its tables were made and its database was sealed.
async fn activate(
    control: &ControlPlane,
    catalog: &Client,
    data: &Client,
    place: &Place,
    tenant: TenantId,
) -> Result<Value, ControlError> {
    migrate(control, data, place).await?;
    seal::verify(data, control.master_key()).await?;
    catalog
        .execute(
            "update catalog.tenants set status = 'active' where id = $1 and status = 'provisioning'",
            &[&Uuid::from(tenant)],
        )
        .await
        .map_err(ControlError::doing("activating a tenant"))?;
    Ok(json!({}))
}
