use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use freehold::isolation::{Driver, ExposeSecret, MasterKey, PoolOptions, TenantDb};
use freehold::tenant::{Model, Slug, Tenant};
use freehold::{Config, Freehold};
use freehold_control::{ControlConfig, ControlPlane, Installer, Passwords};
use freehold_postgres::Server;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use super::request::Tally;

const CATALOG: &str = "catalog";
const DATA: &str = "data";

/// Every row names its tenant in a column of the application's own, which no policy looks at: the canary.
const NOTES: &str = "create table notes (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    owner uuid not null,
    request bigint not null,
    part text not null,
    primary key (tenant_id, id),
    unique (tenant_id, request, part)
);
select freehold.tenant_table('notes');
";

/// A server of its own, with tenants under every model and an application.
pub(super) struct Fleet {
    pub(super) freehold: Freehold,
    pub(super) tenants: Vec<Arc<Tenant>>,
    address: tokio_postgres::Config,
    server: Mutex<Option<Server>>,
    /// Deleted last.
    _files: tempfile::TempDir,
}

impl Fleet {
    pub(super) async fn start(tenants: usize, pool: PoolOptions) -> anyhow::Result<Self> {
        let files = tempfile::Builder::new().prefix("freehold-prove").tempdir()?;
        // The account that the server runs as has to get in.
        fs::set_permissions(files.path(), Permissions::from_mode(0o755))?;
        let migrations = files.path().join("migrations");
        fs::create_dir_all(migrations.join("tenant"))?;
        fs::write(migrations.join("tenant/0001_notes.sql"), NOTES)?;
        let server = Server::builder(files.path().join("postgres")).durable(false);
        let server = tokio::task::spawn_blocking(move || server.start()).await??;
        let mut address = tokio_postgres::Config::new();
        address.host_path(server.socket_dir()).port(server.port());

        let key = Arc::new(MasterKey::generate());
        install(&address, &server, key.clone()).await?;
        let control = control(&address, key.clone(), &migrations).await?;
        let mut config = Config::new(
            login(&address, "freehold_reader", CATALOG).into(),
            key.to_secret_hex().expose_secret().parse()?,
        );
        config.pool = pool;
        let freehold = Freehold::connect(config).await?;
        let tenants = create_tenants(&control, &freehold, tenants).await?;
        Ok(Self { freehold, tenants, address, server: Mutex::new(Some(server)), _files: files })
    }

    pub(super) fn db<D: Driver>(&self, tenant: &Arc<Tenant>) -> TenantDb<D> {
        self.freehold.tenant_db(tenant)
    }

    /// A connection with the rights of a superuser.
    pub(super) async fn truth(&self, database: &str) -> anyhow::Result<Client> {
        let (client, connection) = login(&self.address, "postgres", database).connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Ends every session, stops the server, and starts it again.
    pub(super) async fn restart(&self) -> anyhow::Result<()> {
        let mut slot = self.server.lock().await;
        let mut server = slot.take().context("the server is there between restarts")?;
        let (server, restarted) = tokio::task::spawn_blocking(move || {
            let restarted = server.restart();
            (server, restarted)
        })
        .await?;
        *slot = Some(server);
        Ok(restarted?)
    }

    /// Every request wrote both parts or none, in its own tenant; one whose commit was confirmed wrote both.
    pub(super) async fn verify_writes(&self, tally: &Tally) -> anyhow::Result<()> {
        let (mut whole, mut databases) = (HashSet::new(), HashSet::new());
        for row in self.truth(CATALOG).await?.query("select distinct database from catalog.placements", &[]).await? {
            databases.insert(row.get::<_, String>(0));
        }
        for database in databases {
            let truth = self.truth(&database).await?;
            let tables = "select c.oid::regclass::text from pg_class c where relname = 'notes' and relkind = 'r'";
            for table in truth.query(tables, &[]).await? {
                let written = format!(
                    "select request, count(*), bool_and(owner = tenant_id) from {} group by request, tenant_id",
                    table.get::<_, &str>(0)
                );
                for row in truth.query(&written, &[]).await? {
                    let (request, parts, own): (i64, i64, bool) = (row.get(0), row.get(1), row.get(2));
                    ensure!(own, "request {request} wrote into another tenant");
                    ensure!(parts == 2, "request {request} wrote {parts} of 2 parts");
                    ensure!(whole.insert(request), "request {request} wrote twice");
                }
            }
        }
        let lost: Vec<_> = tally.committed.iter().filter(|request| !whole.contains(request)).collect();
        ensure!(lost.is_empty(), "confirmed commits are not there: {lost:?}");
        Ok(())
    }

    /// The server runs nothing any more, and no more connections than the pools have.
    pub(super) async fn verify_backends(&self, most: usize) -> anyhow::Result<()> {
        let truth = self.truth("postgres").await?;
        let deadline = Instant::now() + super::REST;
        loop {
            let row = truth
                .query_one(
                    "select count(*), count(*) filter (where state <> 'idle'), \
                            (select count(*) from pg_locks where locktype = 'advisory') \
                     from pg_stat_activity where application_name = 'freehold' and usename <> 'freehold_reader'",
                    &[],
                )
                .await?;
            let (open, busy, locks): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
            if open <= most as i64 && busy == 0 && locks == 0 {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{open} connections on the server, {busy} of them at work, {locks} locks"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn login(address: &tokio_postgres::Config, user: &str, database: &str) -> tokio_postgres::Config {
    let mut login = address.clone();
    login.user(user).dbname(database);
    login
}

async fn install(address: &tokio_postgres::Config, server: &Server, master_key: Arc<MasterKey>) -> anyhow::Result<()> {
    let installer = Installer {
        admin: login(address, "postgres", "postgres").into(),
        host: server.socket_dir().to_string_lossy().into_owned(),
        port: server.port(),
        catalog: CATALOG.to_owned(),
        data: DATA.to_owned(),
        cluster: "local".to_owned(),
        master_key,
        passwords: Passwords::default(),
    };
    Ok(installer.install().await?)
}

async fn control(
    address: &tokio_postgres::Config,
    key: Arc<MasterKey>,
    migrations: &Path,
) -> anyhow::Result<ControlPlane> {
    let control =
        ControlPlane::new(ControlConfig::new(login(address, "freehold_control", CATALOG).into(), key, migrations));
    let report = control.migrate().await?;
    ensure!(report.failures.is_empty(), "migrations failed: {:?}", report.failures);
    Ok(control)
}

async fn create_tenants(control: &ControlPlane, freehold: &Freehold, count: usize) -> anyhow::Result<Vec<Arc<Tenant>>> {
    let mut tenants = Vec::with_capacity(count);
    let mut changes = freehold.directory().changes();
    for (number, model) in (0..count).zip(Model::ALL.into_iter().cycle()) {
        let slug: Slug = format!("tenant-{number}").parse()?;
        let id = control.create_tenant(&slug, slug.as_str(), model, slug.as_str(), "prove").await?;
        let known = async {
            loop {
                match freehold.directory().get(id) {
                    Some(tenant) if tenant.status() == freehold::tenant::Status::Active => return anyhow::Ok(tenant),
                    _ => changes.changed().await?,
                }
            }
        };
        tenants
            .push(tokio::time::timeout(super::REST, known).await.context("the application never heard of a tenant")??);
    }
    Ok(tenants)
}
