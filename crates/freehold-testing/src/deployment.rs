use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freehold::isolation::{MasterKey, PoolOptions};
use freehold::tenant::{Model, Slug, Tenant};
use freehold::{Config, Freehold};
use freehold_control::{ControlConfig, ControlPlane, Installer, Passwords, Pooler};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use crate::fault;
use crate::pooler::PgBouncer;
use crate::server::{connect, login, server};

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The name of the variable with a mode of PgBouncer, `transaction` or `session`: every deployment's application then connects
/// through one.
const POOLER: &str = "FREEHOLD_TEST_POOLER";

/// A whole deployment of Freehold in databases of its own: catalog, data database, template, keys.
///
/// Its databases are dropped when it is.
#[derive(Debug)]
pub struct Deployment {
    /// What the application holds.
    pub freehold: Freehold,
    /// What operators hold.
    pub control: ControlPlane,
    catalog: String,
    data: String,
    master_key: Arc<MasterKey>,
    worker: Option<JoinHandle<()>>,
    /// Kept until the databases are gone.
    #[expect(dead_code, reason = "dropping it ends it")]
    pooler: Option<PgBouncer>,
}

impl Deployment {
    /// Sets up a deployment with an application's migrations.
    pub async fn start(migrations: impl AsRef<Path>) -> Self {
        Self::with_pool(migrations, PoolOptions::default()).await
    }

    /// Sets up a deployment whose application has these pool options.
    pub async fn with_pool(migrations: impl AsRef<Path>, pool: PoolOptions) -> Self {
        show_logs();
        let id = Uuid::new_v4().simple().to_string();
        let (catalog, data) = (format!("catalog_{id}"), format!("data_{id}"));
        let master_key = Arc::new(MasterKey::generate());
        let server = tokio::task::spawn_blocking(server).await.unwrap();
        Installer {
            admin: login("postgres", "postgres"),
            host: server.socket_dir().to_str().unwrap().to_owned(),
            port: server.port(),
            catalog: catalog.clone(),
            data: data.clone(),
            cluster: "local".to_owned(),
            master_key: master_key.clone(),
            passwords: Passwords::default(),
        }
        .install()
        .await
        .unwrap();
        let control = ControlConfig::new(login("freehold_control", &catalog), master_key.clone(), migrations.as_ref());
        let control = ControlPlane::new(control);
        let report = control.migrate().await.unwrap();
        let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "a migration failed:\n{}", failures.join("\n"));
        let pooler = match env::var(POOLER) {
            Ok(mode) => Some(Self::stand_between(&control, &mode).await),
            Err(_) => None,
        };
        let freehold = Self::application(&catalog, &master_key, pool).await;
        Self { freehold, control, catalog, data, master_key, worker: None, pooler }
    }

    /// Puts a pooler between applications and the server.
    async fn stand_between(control: &ControlPlane, mode: &str) -> PgBouncer {
        let settings = format!("pool_mode = {mode}");
        let pooler = PgBouncer::start(server().socket_dir(), server().port(), &settings).await;
        let pooler = pooler.expect("PgBouncer is installed where tests are asked to run behind it");
        let (host, port) = (pooler.address().ip().to_string(), pooler.address().port());
        control.set_pooler("local", Some(&Pooler { host, port }), "test", "test").await.unwrap();
        pooler
    }

    async fn application(catalog: &str, master_key: &MasterKey, pool: PoolOptions) -> Freehold {
        let key = copy_of(master_key);
        let mut config = Config::new(login("freehold_reader", catalog), key);
        config.pool = pool;
        Freehold::connect(config).await.unwrap()
    }

    /// A second process of the application, as it were: its own directory and its own connections.
    pub async fn another_application(&self, pool: PoolOptions) -> Freehold {
        Self::application(&self.catalog, &self.master_key, pool).await
    }

    /// The key contexts are sealed with here.
    pub fn master_key(&self) -> MasterKey {
        copy_of(&self.master_key)
    }

    /// The name of the catalog's database.
    pub fn catalog_database(&self) -> &str {
        &self.catalog
    }

    /// The name of the data database.
    pub fn data_database(&self) -> &str {
        &self.data
    }

    /// Creates a tenant and waits until the application knows it.
    pub async fn tenant(&self, slug: &str, model: Model) -> Arc<Tenant> {
        let slug: Slug = slug.parse().unwrap();
        let id = self.control.create_tenant(&slug, slug.as_str(), model, slug.as_str(), "test").await.unwrap();
        let mut changes = self.freehold.directory().changes();
        let tenant = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.freehold.directory().get(id) {
                    Some(tenant) if tenant.model().is_some() && tenant.status() == freehold::tenant::Status::Active => {
                        return tenant;
                    }
                    _ => changes.changed().await.unwrap(),
                }
            }
        })
        .await
        .expect("the directory learns of a new tenant");
        self.plant_fault(&tenant).await;
        tenant
    }

    /// Takes away the guard that `FREEHOLD_TEST_FAULT` names, from a tenant that an application created.
    /// [`tenant`](Self::tenant) does it by itself.
    pub async fn plant_fault(&self, tenant: &Tenant) {
        if let Some(fault) = fault::wanted() {
            fault.plant(&self.truth(tenant).await, &self.catalog).await;
        }
    }

    /// The database a tenant lives in, with the rights of a superuser and with the tenant's schema as path.
    pub async fn truth(&self, tenant: &Tenant) -> Client {
        let catalog = connect("postgres", &self.catalog).await;
        let row = catalog
            .query_one(
                "select p.database, p.id from catalog.tenants t join catalog.placements p on p.id = t.placement where t.id = $1",
                &[tenant.id().as_uuid()],
            )
            .await
            .unwrap();
        let client = connect("postgres", row.get(0)).await;
        client.batch_execute(&format!("set search_path = {}", row.get::<_, &str>(1))).await.unwrap();
        client
    }

    /// Runs a worker until the deployment is dropped, for applications that provision.
    pub fn start_worker(&mut self) {
        let control = self.control.clone();
        self.worker = Some(tokio::spawn(async move { control.work("test worker", std::future::pending()).await }));
    }
}

/// A client is told "something went wrong on our side"; the log beside the failed test says what. `RUST_LOG` shows more. A
/// subscriber that is there already stays.
fn show_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}

fn copy_of(key: &MasterKey) -> MasterKey {
    // A key does not copy, so that it does not spread; here it may.
    secrecy_text(key).parse().unwrap()
}

fn secrecy_text(key: &MasterKey) -> String {
    use freehold::isolation::ExposeSecret;
    key.to_secret_hex().expose_secret().to_owned()
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.abort();
        }
        let (catalog, data) = (self.catalog.clone(), self.data.clone());
        // The test's runtime may be ending; this one sees it through.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let owned = connect("postgres", &catalog).await;
                let databases = owned
                    .query("select id from catalog.placements where model = 'database'", &[])
                    .await
                    .unwrap_or_default();
                drop(owned);
                let server = connect("postgres", "postgres").await;
                let tenants = databases.iter().map(|row| row.get::<_, String>(0));
                let databases: Vec<_> = tenants.clone().chain([format!("{data}_template"), data, catalog]).collect();
                // All at once and beforehand: the drop of each would wait a tenth of a second for its connections to end.
                let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = any($1)";
                server.execute(end, &[&databases]).await.unwrap();
                for database in databases {
                    server
                        .batch_execute(&format!("drop database if exists \"{database}\" with (force)"))
                        .await
                        .unwrap();
                }
                for role in tenants {
                    server.batch_execute(&format!("drop role if exists \"{role}\"")).await.unwrap();
                }
            });
        });
        // A test that failed has said why already.
        if cleaning.join().is_err() && !std::thread::panicking() {
            panic!("the databases of a test could not be dropped");
        }
    }
}
