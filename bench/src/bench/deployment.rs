//! A deployment to measure: a durable server of its own, tenants under every model, and a role without tenancy.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use freehold::isolation::{ExposeSecret, MasterKey, PoolOptions};
use freehold::tenant::{Model, Slug, Tenant};
use freehold::{Config, Freehold};
use freehold_control::{ControlConfig, ControlPlane, Installer, Passwords};
use freehold_postgres::Server;
use tokio_postgres::{Client, NoTls};

const CATALOG: &str = "bench_catalog";
const DATA: &str = "bench_data";

/// How many tenants each model gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Population {
    pub(crate) shared: usize,
    pub(crate) schema: usize,
    pub(crate) database: usize,
}

impl Population {
    pub(crate) fn of(self, model: Model) -> usize {
        match model {
            Model::Shared => self.shared,
            Model::Schema => self.schema,
            Model::Database => self.database,
        }
    }
}

/// The deployment. Its files are deleted when it is dropped.
pub(crate) struct Deployment {
    server: Server,
    control: ControlPlane,
    master_key: Arc<MasterKey>,
    version: String,
    /// Last: the server stops before its files go.
    _files: tempfile::TempDir,
}

impl Deployment {
    /// Starts a server, installs Freehold and applies the migrations in `migrations`.
    pub(crate) async fn start(migrations: &[(&str, &str)]) -> anyhow::Result<Self> {
        let files = tempfile::Builder::new().prefix("freehold-bench-").tempdir()?;
        let root = files.path().to_owned();
        std::fs::set_permissions(&root, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let server = tokio::task::spawn_blocking(move || start_server(&root)).await??;
        let directory = write_migrations(files.path(), migrations)?;
        let master_key = Arc::new(MasterKey::generate());
        let mut deployment = Self {
            control: ControlPlane::new(ControlConfig::new(
                config(&server, "freehold_control", CATALOG).into(),
                master_key.clone(),
                directory,
            )),
            server,
            master_key,
            version: String::new(),
            _files: files,
        };
        deployment.install().await?;
        Ok(deployment)
    }

    async fn install(&mut self) -> anyhow::Result<()> {
        let installer = Installer {
            admin: self.config("postgres", "postgres").into(),
            host: self.server.socket_dir().to_string_lossy().into_owned(),
            port: self.server.port(),
            catalog: CATALOG.to_owned(),
            data: DATA.to_owned(),
            cluster: "local".to_owned(),
            master_key: self.master_key.clone(),
            passwords: Passwords::default(),
        };
        installer.install().await?;
        let report = self.control.migrate().await?;
        anyhow::ensure!(report.failures.is_empty(), "a migration of the benchmark failed: {:?}", report.failures);
        let row = self.admin(DATA).await?.query_one("show server_version", &[]).await?;
        self.version = row.try_get(0)?;
        Ok(())
    }

    /// Creates tenants, several at a time. Only here commits do not wait for the disk.
    pub(crate) async fn populate(&self, population: Population) -> anyhow::Result<()> {
        const AT_ONCE: usize = 8;
        self.wait_for_disk("off").await?;
        for model in Model::ALL {
            let count = population.of(model);
            let creators = (1..=AT_ONCE).map(|first| async move {
                for number in (first..=count).step_by(AT_ONCE) {
                    let slug: Slug = slug(model, number).parse()?;
                    self.control.create_tenant(&slug, slug.as_str(), model, slug.as_str(), "bench").await?;
                }
                anyhow::Ok(())
            });
            futures_util::future::try_join_all(creators)
                .await
                .with_context(|| format!("creating {count} {model} tenants"))?;
        }
        self.wait_for_disk("on").await
    }

    async fn wait_for_disk(&self, wait: &str) -> anyhow::Result<()> {
        let server = self.admin("postgres").await?;
        // Each a message of its own: `alter system` refuses to run in a transaction.
        server.batch_execute(&format!("alter system set synchronous_commit = {wait}")).await?;
        server.batch_execute("select pg_reload_conf()").await?;
        Ok(())
    }

    /// Runs a text in every database with tenants, as a superuser: a single `do` block may loop over the placements.
    pub(crate) async fn fill(&self, statements: &str) -> anyhow::Result<()> {
        let catalog = self.admin(CATALOG).await?;
        let rows =
            catalog.query("select distinct database from catalog.placements where dropped_at is null", &[]).await?;
        for row in rows {
            let database: String = row.try_get(0)?;
            let client = self.admin(&database).await?;
            client.batch_execute(statements).await.with_context(|| format!("filling {database}"))?;
            client.batch_execute("vacuum analyze").await?;
        }
        self.admin("postgres").await?.batch_execute("checkpoint").await?;
        Ok(())
    }

    /// An application: its own directory and its own connections.
    pub(crate) async fn application(&self, pool: PoolOptions) -> anyhow::Result<Freehold> {
        let key = self.master_key.to_secret_hex().expose_secret().parse()?;
        let mut config = Config::new(self.config("freehold_reader", CATALOG).into(), key);
        config.pool = pool;
        Ok(Freehold::connect(config).await?)
    }

    /// Tells applications that start from now on where to find tenants' data.
    pub(crate) async fn move_cluster(&self, host: &str, port: u16) -> anyhow::Result<()> {
        let catalog = self.admin(CATALOG).await?;
        catalog.execute("update catalog.clusters set host = $1, port = $2", &[&host, &i32::from(port)]).await?;
        Ok(())
    }

    /// The data database, as a superuser.
    pub(crate) async fn data(&self) -> anyhow::Result<Client> {
        self.admin(DATA).await
    }

    async fn admin(&self, database: &str) -> anyhow::Result<Client> {
        let (client, connection) = self.config("postgres", database).connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    fn config(&self, user: &str, database: &str) -> tokio_postgres::Config {
        config(&self.server, user, database)
    }

    pub(crate) fn data_database(&self) -> &'static str {
        DATA
    }

    pub(crate) fn socket_dir(&self) -> &Path {
        self.server.socket_dir()
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port()
    }

    pub(crate) fn server_pid(&self) -> u32 {
        self.server.pid()
    }

    /// The version of the server.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

/// The tenants of a model, in the order of their numbers, as the application's directory has them.
pub(crate) fn tenants(freehold: &Freehold, model: Model, count: usize) -> anyhow::Result<Vec<Arc<Tenant>>> {
    (1..=count)
        .map(|number| {
            let slug = slug(model, number);
            freehold.directory().find(&slug.parse()?).with_context(|| format!("the directory does not know {slug}"))
        })
        .collect()
}

/// Numbers count from 1.
fn slug(model: Model, number: usize) -> String {
    format!("{model}-{number}")
}

fn start_server(root: &Path) -> anyhow::Result<Server> {
    let server = Server::builder(root.join("postgres"))
        .setting("shared_buffers", "512MB")
        .setting("max_connections", 800)
        .setting("max_wal_size", "4GB")
        .start_timeout(Duration::from_secs(60))
        .start()?;
    Ok(server)
}

fn write_migrations(root: &Path, migrations: &[(&str, &str)]) -> anyhow::Result<PathBuf> {
    let directory = root.join("migrations");
    for (name, sql) in migrations {
        let path = directory.join("tenant").join(name);
        std::fs::create_dir_all(directory.join("tenant"))?;
        std::fs::write(path, sql)?;
    }
    Ok(directory)
}

fn config(server: &Server, user: &str, database: &str) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config.host_path(server.socket_dir()).port(server.port()).user(user).dbname(database);
    config
}
