//! What is compared.

use std::sync::Arc;

use anyhow::Context;
use freehold::isolation::{Driver, PoolOptions, TenantDb};
use freehold::tenant::{Model, Tenant};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::client::Client;
use crate::bench::deployment::{Deployment, Population, tenants};

/// Requests that are under way at most.
pub(super) const CLIENTS: usize = 32;

/// One way to the database.
pub(super) struct Variant {
    pub(super) name: String,
    /// How many tenants it serves.
    pub(super) tenants: usize,
    pub(super) clients: Vec<Client>,
}

/// Where clients connect.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// A host name, or the directory of a Unix socket.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Variant {
    /// Every variant, connected. The first is the one that the others are compared with.
    pub(super) async fn all(
        deployment: &Deployment,
        address: &Address,
        population: Population,
    ) -> anyhow::Result<Vec<Self>> {
        deployment.move_cluster(&address.host, address.port).await?;
        let mut variants = baselines(deployment, address, population).await?;
        for model in Model::ALL {
            variants.extend(scopes(deployment, population, model, false).await?);
            if model == Model::Schema {
                variants.extend(scopes(deployment, population, model, true).await?);
            }
        }
        Ok(variants)
    }
}

/// Scopes of a model, on both drivers.
async fn scopes(
    deployment: &Deployment,
    population: Population,
    model: Model,
    generic_plans: bool,
) -> anyhow::Result<[Variant; 2]> {
    // Twice the connections that are in use at once, so that there is a choice among idle ones.
    let mut pool = PoolOptions::default();
    pool.capacity = 2 * CLIENTS;
    pool.generic_plans = generic_plans;
    // Instances of their own: in one pool the models would close each other's connections.
    let freehold = deployment.application(pool).await?;
    let list = tenants(&freehold, model, population.of(model))?;
    let tokio_postgres = databases(&list, |tenant| freehold.tenant_db(tenant));
    let sqlx = databases(&list, |tenant| freehold.tenant_db(tenant));
    let option = if generic_plans { ", `generic_plans`" } else { "" };
    let variant = |driver: &str, clients| Variant {
        name: format!("Freehold `{model}`{option}, {driver}"),
        tenants: list.len(),
        clients,
    };
    let clients = || 0..CLIENTS;
    Ok([
        variant(
            "tokio-postgres",
            clients().map(|_| Client::FreeholdTokioPostgres { tenants: tokio_postgres.clone() }).collect(),
        ),
        variant("sqlx", clients().map(|_| Client::FreeholdSqlx { tenants: sqlx.clone() }).collect()),
    ])
}

fn databases<D: Driver>(tenants: &[Arc<Tenant>], open: impl Fn(&Arc<Tenant>) -> TenantDb<D>) -> Arc<[TenantDb<D>]> {
    tenants.iter().map(open).collect()
}

async fn baselines(deployment: &Deployment, address: &Address, population: Population) -> anyhow::Result<Vec<Variant>> {
    let directory = deployment.application(PoolOptions::default()).await?;
    let list = tenants(&directory, Model::Shared, population.shared)?;
    let ids: Arc<[Uuid]> = list.iter().map(|tenant| *tenant.id().as_uuid()).collect();

    let mut raw_tokio_postgres = Vec::new();
    let mut raw_sqlx = Vec::new();
    let mut setting_tokio_postgres = Vec::new();
    let mut setting_sqlx = Vec::new();
    for _ in 0..CLIENTS {
        raw_tokio_postgres
            .push(Client::raw_tokio_postgres(by_tokio_postgres(deployment, address).await?, ids.clone()).await?);
        raw_sqlx.push(Client::RawSqlx { client: by_sqlx(deployment, address).await?, tenants: ids.clone() });
        let client = by_tokio_postgres(deployment, address).await?;
        setting_tokio_postgres.push(Client::setting_tokio_postgres(client, ids.clone()).await?);
        setting_sqlx.push(Client::SettingSqlx { client: by_sqlx(deployment, address).await?, tenants: ids.clone() });
    }
    let variant = |name: &str, clients| Variant { name: name.to_owned(), tenants: population.shared, clients };
    Ok(vec![
        variant("raw tokio-postgres", raw_tokio_postgres),
        variant("raw sqlx", raw_sqlx),
        variant("plain setting, tokio-postgres", setting_tokio_postgres),
        variant("plain setting, sqlx", setting_sqlx),
    ])
}

async fn by_tokio_postgres(deployment: &Deployment, address: &Address) -> anyhow::Result<tokio_postgres::Client> {
    let mut config = tokio_postgres::Config::new();
    config.host(&address.host).port(address.port).user("bench").dbname(deployment.data_database());
    let (client, connection) = config.connect(NoTls).await.context("connecting a baseline")?;
    tokio::spawn(connection);
    Ok(client)
}

async fn by_sqlx(deployment: &Deployment, address: &Address) -> anyhow::Result<sqlx::PgConnection> {
    let mut options = PgConnectOptions::new_without_pgpass()
        .port(address.port)
        .username("bench")
        .database(deployment.data_database())
        .ssl_mode(sqlx::postgres::PgSslMode::Disable)
        .disable_statement_logging();
    options = if address.host.starts_with('/') { options.socket(&address.host) } else { options.host(&address.host) };
    options.connect().await.context("connecting a baseline")
}
