//! One client of each kind, and what it does for a request.

use std::sync::Arc;

use freehold::isolation::{Sqlx, TenantDb, TokioPostgres};
use rand::RngExt;
use rand::rngs::SmallRng;
use sqlx::PgConnection;
use tokio_postgres::Statement;
use uuid::Uuid;

/// Rows a SELECT returns.
const ROWS: usize = 20;
/// Rows each tenant has, numbered from 1.
pub(super) const ROWS_PER_TENANT: i64 = 200;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// 20 rows by the primary key.
    Select,
    /// One row, committed.
    Insert,
}

impl Work {
    pub(super) const ALL: [Self; 2] = [Self::Select, Self::Insert];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Select => "SELECT of 20 rows",
            Self::Insert => "INSERT of one row",
        }
    }
}

/// The statements with the tenant as a parameter, for tables that know nothing of tenancy.
const PLAIN_SELECT: &str =
    "select id, name, amount from plain.items where tenant_id = $1 and id > $2 order by id limit 20";
const PLAIN_INSERT: &str = "insert into plain.entries (tenant_id, id, name, amount) values ($1, $2, $3, $4)";

/// The same against tables whose policy compares a setting.
const SETTING_SELECT: &str = "select id, name, amount from setting.items where id > $1 order by id limit 20";
const SETTING_INSERT: &str = "insert into setting.entries (tenant_id, id, name, amount) values ($1, $2, $3, $4)";
const SET_TENANT: &str = "select set_config('app.tenant', $1, true)";

/// The same in a scope.
const SCOPED_SELECT: &str = "select id, name, amount from items where id > $1 order by id limit 20";
const SCOPED_INSERT: &str = "insert into entries (id, name, amount) values ($1, $2, $3)";

const NAME: &str = "an entry of ordinary length";
const AMOUNT: i64 = 12_345;

/// A client. Each has its own connection, but those of Freehold, which share a pool.
pub(super) enum Client {
    RawTokioPostgres {
        client: tokio_postgres::Client,
        select: Statement,
        insert: Statement,
        tenants: Arc<[Uuid]>,
    },
    RawSqlx {
        client: PgConnection,
        tenants: Arc<[Uuid]>,
    },
    SettingTokioPostgres {
        client: tokio_postgres::Client,
        set: Statement,
        select: Statement,
        insert: Statement,
        tenants: Arc<[Uuid]>,
    },
    SettingSqlx {
        client: PgConnection,
        tenants: Arc<[Uuid]>,
    },
    FreeholdTokioPostgres {
        tenants: Arc<[TenantDb<TokioPostgres>]>,
    },
    FreeholdSqlx {
        tenants: Arc<[TenantDb<Sqlx>]>,
    },
}

impl Client {
    pub(super) async fn raw_tokio_postgres(
        client: tokio_postgres::Client,
        tenants: Arc<[Uuid]>,
    ) -> anyhow::Result<Self> {
        let (select, insert) = (client.prepare(PLAIN_SELECT).await?, client.prepare(PLAIN_INSERT).await?);
        Ok(Self::RawTokioPostgres { client, select, insert, tenants })
    }

    pub(super) async fn setting_tokio_postgres(
        client: tokio_postgres::Client,
        tenants: Arc<[Uuid]>,
    ) -> anyhow::Result<Self> {
        let set = client.prepare(SET_TENANT).await?;
        let (select, insert) = (client.prepare(SETTING_SELECT).await?, client.prepare(SETTING_INSERT).await?);
        Ok(Self::SettingTokioPostgres { client, set, select, insert, tenants })
    }

    /// Serves one request of the tenant with this number.
    pub(super) async fn serve(&mut self, work: Work, tenant: usize, random: &mut SmallRng) -> anyhow::Result<()> {
        let after = random.random_range(0..ROWS_PER_TENANT - ROWS as i64);
        match work {
            Work::Select => {
                let rows = self.select(tenant, after).await?;
                anyhow::ensure!(rows == ROWS, "a SELECT returned {rows} rows instead of {ROWS}");
            }
            Work::Insert => self.insert(tenant).await?,
        }
        Ok(())
    }

    async fn select(&mut self, tenant: usize, after: i64) -> anyhow::Result<usize> {
        let rows = match self {
            Self::RawTokioPostgres { client, select, tenants, .. } => {
                client.query(select, &[&tenants[tenant], &after]).await?.len()
            }
            Self::RawSqlx { client, tenants } => {
                sqlx::query(PLAIN_SELECT).bind(tenants[tenant]).bind(after).fetch_all(client).await?.len()
            }
            Self::SettingTokioPostgres { client, set, select, tenants, .. } => {
                client.batch_execute("begin").await?;
                client.execute(set, &[&tenants[tenant].to_string()]).await?;
                let rows = client.query(select, &[&after]).await?.len();
                client.batch_execute("commit").await?;
                rows
            }
            Self::SettingSqlx { client, tenants } => {
                let mut transaction = sqlx::Connection::begin(client).await?;
                sqlx::query(SET_TENANT).bind(tenants[tenant].to_string()).execute(&mut *transaction).await?;
                let rows = sqlx::query(SETTING_SELECT).bind(after).fetch_all(&mut *transaction).await?.len();
                transaction.commit().await?;
                rows
            }
            Self::FreeholdTokioPostgres { tenants } => {
                tenants[tenant].read().query(SCOPED_SELECT, &[&after]).await?.len()
            }
            Self::FreeholdSqlx { tenants } => {
                sqlx::query(SCOPED_SELECT).bind(after).fetch_all(&mut tenants[tenant].read()).await?.len()
            }
        };
        Ok(rows)
    }

    async fn insert(&mut self, tenant: usize) -> anyhow::Result<()> {
        let id = Uuid::now_v7();
        match self {
            Self::RawTokioPostgres { client, insert, tenants, .. } => {
                client.execute(insert, &[&tenants[tenant], &id, &NAME, &AMOUNT]).await?;
            }
            Self::RawSqlx { client, tenants } => {
                sqlx::query(PLAIN_INSERT)
                    .bind(tenants[tenant])
                    .bind(id)
                    .bind(NAME)
                    .bind(AMOUNT)
                    .execute(client)
                    .await?;
            }
            Self::SettingTokioPostgres { client, set, insert, tenants, .. } => {
                client.batch_execute("begin").await?;
                client.execute(set, &[&tenants[tenant].to_string()]).await?;
                client.execute(insert, &[&tenants[tenant], &id, &NAME, &AMOUNT]).await?;
                client.batch_execute("commit").await?;
            }
            Self::SettingSqlx { client, tenants } => {
                let mut transaction = sqlx::Connection::begin(client).await?;
                sqlx::query(SET_TENANT).bind(tenants[tenant].to_string()).execute(&mut *transaction).await?;
                let insert = sqlx::query(SETTING_INSERT).bind(tenants[tenant]).bind(id).bind(NAME).bind(AMOUNT);
                insert.execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
            Self::FreeholdTokioPostgres { tenants } => {
                tenants[tenant].write().execute_and_commit(SCOPED_INSERT, &[&id, &NAME, &AMOUNT]).await?;
            }
            Self::FreeholdSqlx { tenants } => {
                let mut scope = tenants[tenant].write();
                sqlx::query(SCOPED_INSERT).bind(id).bind(NAME).bind(AMOUNT).execute(&mut scope).await?;
                scope.commit().await?;
            }
        }
        Ok(())
    }
}
