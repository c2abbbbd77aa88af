//! Servers on other machines: what is said to them is encrypted, and said to nobody else.

use std::error::Error;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freehold::isolation::{ExposeSecret, MasterKey, PoolOptions, ScopeError, Sqlx, TokioPostgres};
use freehold::login::{Login, TrustedRoots};
use freehold::tenant::{Model, Tenant};
use freehold::{Config, Freehold};
use freehold_control::{ControlConfig, ControlPlane, Installer, Passwords};
use freehold_postgres::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_postgres::Client;

use crate::support::{migrations, until};

/// This machine, by an address that does not say so: it counts as another one.
const ELSEWHERE: &str = "0.0.0.0";

/// A server that is reached over a network, and the authority that vouches for it.
struct Remote {
    server: Server,
    authority: CertifiedIssuer<'static, KeyPair>,
    files: TempDir,
}

impl Remote {
    async fn start() -> Self {
        let files = tempfile::Builder::new().prefix("freehold").tempdir().unwrap();
        fs::set_permissions(files.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let server = Server::builder(files.path().join("postgres")).tcp(true).durable(false);
        let server = tokio::task::spawn_blocking(|| server.start()).await.unwrap().unwrap();
        Self { server, authority: authority(), files }
    }

    /// As an administrator, by the socket.
    async fn admin(&self) -> Client {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.server.socket_dir()).port(self.server.port()).user("postgres").dbname("postgres");
        let (client, connection) = Login::new(config).connect().await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Gives the server a certificate for `name`.
    async fn encrypt(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.authority).unwrap();
        self.put("server.key", &key.serialize_pem());
        self.put("server.crt", &certificate.pem());
        self.set("ssl", "on").await;
    }

    async fn set(&self, name: &str, value: &str) {
        let admin = self.admin().await;
        admin.batch_execute(&format!("alter system set {name} = '{value}'")).await.unwrap();
        admin.batch_execute("select pg_reload_conf()").await.unwrap();
        until("the setting is in force", || async {
            self.admin().await.query_one(&format!("show {name}"), &[]).await.unwrap().get::<_, &str>(0) == value
        })
        .await;
    }

    /// Writes a file of the server's account.
    fn put(&self, name: &str, text: &str) {
        let (directory, file) = (self.server.data_dir(), self.server.data_dir().join(name));
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let account = fs::metadata(directory).unwrap();
        chown(&file, Some(account.uid()), Some(account.gid())).unwrap();
    }

    fn login(&self, user: &str, roots: &TrustedRoots) -> Login {
        let mut config = tokio_postgres::Config::new();
        config.host(ELSEWHERE).port(self.server.port()).user(user).dbname("catalog").password(PASSWORD);
        Login::new(config).trusting(roots.clone())
    }
}

const PASSWORD: &str = "correct horse battery staple";

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn roots(directory: &Path, authority: &CertifiedIssuer<'static, KeyPair>) -> TrustedRoots {
    let file = directory.join("roots.pem");
    fs::write(&file, authority.pem()).unwrap();
    TrustedRoots::from_file(file).unwrap()
}

fn whole(error: &dyn Error) -> String {
    let cause = error.source().map_or(String::new(), whole);
    format!("{error}: {cause}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_another_machine_is_spoken_to_over_tls_alone() {
    let remote = Remote::start().await;
    remote.encrypt(ELSEWHERE).await;
    let roots = roots(remote.files.path(), &remote.authority);
    let key = Arc::new(MasterKey::generate());
    let password = remote.files.path().join("password");
    fs::write(&password, PASSWORD).unwrap();
    let reference = Some(format!("file:{}", password.display()));
    let mut admin = tokio_postgres::Config::new();
    admin.host_path(remote.server.socket_dir()).port(remote.server.port()).user("postgres").dbname("postgres");
    let installer = Installer {
        admin: admin.into(),
        host: ELSEWHERE.into(),
        port: remote.server.port(),
        catalog: "catalog".into(),
        data: "data".into(),
        cluster: "elsewhere".into(),
        master_key: key.clone(),
        passwords: Passwords { app: reference.clone(), control: reference.clone(), reader: reference },
    };
    installer.install().await.unwrap();

    let control = ControlConfig::new(remote.login("freehold_control", &roots), key.clone(), migrations());
    let control = ControlPlane::new(control);
    assert!(control.migrate().await.unwrap().failures.is_empty());
    let mut tenants = Vec::new();
    for model in [Model::Shared, Model::Schema, Model::Database] {
        let slug = format!("a-{model}");
        tenants.push(control.create_tenant(&slug.parse().unwrap(), &slug, model, &slug, "test").await.unwrap());
    }
    let application = |roots: &TrustedRoots| {
        let mut config =
            Config::new(remote.login("freehold_reader", roots), key.to_secret_hex().expose_secret().parse().unwrap());
        config.pool = PoolOptions::default();
        config.pool.deadline = Duration::from_millis(500);
        config
    };
    let freehold = Freehold::connect(application(&roots)).await.unwrap();
    let tenants: Vec<Arc<Tenant>> = tenants.into_iter().map(|id| freehold.directory().get(id).unwrap()).collect();
    for tenant in &tenants {
        let mut scope = freehold.tenant_db::<TokioPostgres>(tenant).write();
        scope.execute("insert into notes (text) values ('over the wire')", &[]).await.unwrap();
        scope.commit().await.unwrap();
        let mut scope = freehold.tenant_db::<Sqlx>(tenant).read();
        let notes: Vec<String> = sqlx::query_scalar("select text from notes").fetch_all(&mut scope).await.unwrap();
        assert_eq!(notes, ["over the wire"]);
    }
    let admin = remote.admin().await;
    const CLEAR: &str = "select count(*) filter (where not ssl), count(*) from pg_stat_ssl join pg_stat_activity using (pid) \
                         where client_addr is not null";
    let row = admin.query_one(CLEAR, &[]).await.unwrap();
    let (clear, all): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(clear, 0, "of {all} connections");
    assert!(all >= 5, "{all}: of each driver two, and the catalog's");

    // A statement is cancelled, which is another connection.
    let late = freehold.tenant_db::<TokioPostgres>(&tenants[0]).read().query("select pg_sleep(60)", &[]).await;
    assert!(matches!(late, Err(ScopeError::Deadline { .. })), "{late:?}");
    until("the statement is cancelled", || async {
        let running = "select from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()";
        admin.query(running, &[]).await.unwrap().is_empty()
    })
    .await;

    // Whom somebody else vouches for is not believed, by the catalog's connection or by a tenant's.
    let others = authority();
    let strangers = TempDir::new().unwrap();
    let strangers = self::roots(strangers.path(), &others);
    for distrusted in [strangers, TrustedRoots::system()] {
        let refused = Freehold::connect(application(&distrusted)).await.unwrap_err();
        assert!(whole(&refused).contains("invalid peer certificate"), "{}", whole(&refused));
    }

    // Nor is a certificate for another name.
    remote.encrypt("db.example.com").await;
    assert_refused(&remote, &roots, &freehold, &tenants, "not valid for name").await;
    // Nor what is said in the clear.
    remote.set("ssl", "off").await;
    assert_refused(&remote, &roots, &freehold, &tenants, "TLS").await;
}

/// New connections are refused for `reason`: those of the control plane, and those of both drivers.
async fn assert_refused(
    remote: &Remote,
    roots: &TrustedRoots,
    freehold: &Freehold,
    tenants: &[Arc<Tenant>],
    reason: &str,
) {
    let refused = remote.login("freehold_control", roots).connect().await.err().unwrap();
    assert!(whole(&refused).contains(reason), "{}", whole(&refused));
    let ours =
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'freehold_app' or usename like 't\\_%'";
    remote.admin().await.batch_execute(ours).await.unwrap();
    for tenant in tenants {
        let refused = until_connect(|| async {
            freehold.tenant_db::<TokioPostgres>(tenant).read().query("select 1", &[]).await.unwrap_err()
        })
        .await;
        assert!(whole(&refused).contains(reason), "{}", whole(&refused));
        let refused = until_connect(|| async {
            let mut scope = freehold.tenant_db::<Sqlx>(tenant).read();
            sqlx::query("select 1").execute(&mut scope).await.map(drop).map_err(ScopeError::from).unwrap_err()
        })
        .await;
        assert!(whole(&refused).contains(reason), "{}", whole(&refused));
    }
}

/// Asks until the connections that were lost are gone from the pool, and a new one is opened.
async fn until_connect<F: Future<Output = ScopeError>>(mut ask: impl FnMut() -> F) -> ScopeError {
    for _ in 0..20 {
        let refused = ask().await;
        if matches!(refused, ScopeError::Connect { .. }) {
            return refused;
        }
        assert!(matches!(refused, ScopeError::Disconnected { .. }), "{refused:?}");
    }
    panic!("no connection was opened");
}
