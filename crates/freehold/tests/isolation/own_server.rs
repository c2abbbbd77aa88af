use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use freehold::isolation::{ExposeSecret, MasterKey, PoolOptions};
use freehold::login::Login;
use freehold::tenant::{Model, Status, Tenant};
use freehold::{Config, Freehold};
use freehold_control::{ControlConfig, ControlPlane, Installer, Passwords};
use freehold_postgres::Server;
use tempfile::TempDir;

use crate::support::{PATIENCE, migrations};

/// A deployment on a server of its own, for tests that stop it.
pub(crate) struct OwnServer {
    pub(crate) freehold: Freehold,
    pub(crate) control: ControlPlane,
    /// `None` only while another thread has it.
    server: Option<Server>,
    _files: TempDir,
}

impl OwnServer {
    pub(crate) async fn start(pool: PoolOptions) -> Self {
        Self::with_passwords(pool, Passwords::default()).await
    }

    pub(crate) async fn with_passwords(pool: PoolOptions, passwords: Passwords) -> Self {
        let files = tempfile::Builder::new().prefix("freehold").tempdir().unwrap();
        // The account that the server runs as has to get in.
        fs::set_permissions(files.path(), Permissions::from_mode(0o755)).unwrap();
        // Durable: what was committed has to be there after a crash.
        let server = Server::builder(files.path().join("postgres")).setting("shared_buffers", "16MB");
        let server = tokio::task::spawn_blocking(|| server.start()).await.unwrap().unwrap();
        let login = |user, database| {
            let mut login = tokio_postgres::Config::new();
            login.host_path(server.socket_dir()).port(server.port()).user(user).dbname(database);
            Login::new(login)
        };
        let key = Arc::new(MasterKey::generate());
        let installer = Installer {
            admin: login("postgres", "postgres"),
            host: server.socket_dir().to_str().unwrap().to_owned(),
            port: server.port(),
            catalog: "catalog".into(),
            data: "data".into(),
            cluster: "local".into(),
            master_key: key.clone(),
            passwords,
        };
        installer.install().await.unwrap();
        let control =
            ControlPlane::new(ControlConfig::new(login("freehold_control", "catalog"), key.clone(), migrations()));
        assert!(control.migrate().await.unwrap().failures.is_empty());
        let mut config =
            Config::new(login("freehold_reader", "catalog"), key.to_secret_hex().expose_secret().parse().unwrap());
        config.pool = pool;
        let freehold = Freehold::connect(config).await.unwrap();
        Self { freehold, control, server: Some(server), _files: files }
    }

    pub(crate) async fn tenant(&self, slug: &str, model: Model) -> Arc<Tenant> {
        let id = self.control.create_tenant(&slug.parse().unwrap(), slug, model, slug, "test").await.unwrap();
        let mut changes = self.freehold.directory().changes();
        let known = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.freehold.directory().get(id) {
                    Some(tenant) if tenant.status() == Status::Active => return tenant,
                    _ => changes.changed().await.unwrap(),
                }
            }
        });
        known.await.expect("the directory learns of a new tenant")
    }

    /// Where the server is.
    pub(crate) fn place(&self) -> (&Path, u16) {
        let server = self.server.as_ref().unwrap();
        (server.socket_dir(), server.port())
    }

    /// A superuser's connection.
    pub(crate) async fn superuser(&self, database: &str) -> tokio_postgres::Client {
        let (socket, port) = self.place();
        let mut login = tokio_postgres::Config::new();
        login.host_path(socket).port(port).user("postgres").dbname(database);
        let (client, connection) = login.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// The database a tenant lives in.
    pub(crate) async fn database_of(&self, tenant: &Tenant) -> String {
        let select =
            "select p.database from catalog.tenants t join catalog.placements p on p.id = t.placement where t.id = $1";
        self.superuser("catalog").await.query_one(select, &[tenant.id().as_uuid()]).await.unwrap().get(0)
    }

    /// Ends the server as a power cut would.
    pub(crate) async fn crash(&mut self) {
        self.with_server(|server| server.crash().unwrap()).await;
    }

    pub(crate) async fn restart(&mut self) {
        self.with_server(|server| server.restart().unwrap()).await;
    }

    async fn with_server(&mut self, act: impl FnOnce(&mut Server) + Send + 'static) {
        let mut server = self.server.take().unwrap();
        let acted = tokio::task::spawn_blocking(move || {
            act(&mut server);
            server
        });
        self.server = Some(acted.await.unwrap());
    }
}
