//! A server, a deployment on it, an application's migrations, and workers that die where a test wants it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use freehold::isolation::MasterKey;
use freehold::tenant::{Model, Slug, TenantId};
use freehold_control::{
    ControlConfig, ControlError, ControlPlane, Installer, NoObserver, Operation, Passwords, StepObserver,
};
use freehold_postgres::Server;
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};
use uuid::Uuid;

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Two tables that refer to each other, one of them to itself, and one that all tenants read.
pub(crate) const MIGRATIONS: &[(&str, &str)] = &[
    (
        "shared/0001_currencies.sql",
        "create table global.currencies (code text primary key);
         insert into global.currencies values ('GBP');
         select freehold.global_table('global.currencies');",
    ),
    (
        "tenant/0001_ledger.sql",
        "create table accounts (
             tenant_id uuid not null,
             id uuid not null default gen_random_uuid(),
             parent uuid,
             name text not null,
             primary key (tenant_id, id),
             foreign key (tenant_id, parent) references accounts (tenant_id, id)
         );
         create index accounts_by_parent on accounts (tenant_id, parent);
         select freehold.tenant_table('accounts');",
    ),
    (
        "tenant/0002_entries.sql",
        "create table entries (
             tenant_id uuid not null,
             id uuid not null default gen_random_uuid(),
             account uuid not null,
             minor bigint not null,
             currency text not null references global.currencies (code),
             primary key (tenant_id, id),
             foreign key (tenant_id, account) references accounts (tenant_id, id)
         );
         create index entries_by_account on entries (tenant_id, account);
         create index entries_by_currency on entries (currency);
         select freehold.tenant_table('entries');",
    ),
];

/// A server with a deployment on it. Fields drop in order: the server stops before its directory goes.
pub(crate) struct Fleet {
    pub(crate) control: ControlPlane,
    pub(crate) master_key: Arc<MasterKey>,
    pub(crate) server: Server,
    pub(crate) disk: Option<SmallDisk>,
    place: TempDir,
}

impl Fleet {
    /// A deployment with [`MIGRATIONS`] applied.
    pub(crate) async fn start() -> Self {
        let fleet = Self::unmigrated(MIGRATIONS).await;
        fleet.migrate().await;
        fleet
    }

    /// A deployment that has its migrations as files only.
    pub(crate) async fn unmigrated(migrations: &[(&str, &str)]) -> Self {
        let place = place();
        let server = start_server(&place).await;
        Self::set_up(place, server, None, migrations).await
    }

    /// A deployment whose tables, but not whose log, are on a disk of so many megabytes. `None` without the right to mount one.
    pub(crate) async fn on_small_disk(megabytes: u32) -> Option<Self> {
        let place = place();
        let server = start_server(&place).await;
        let tables = server.data_dir().join("base");
        server.stop().unwrap();
        let moved = tables.with_extension("moved");
        fs::rename(&tables, &moved).unwrap();
        fs::create_dir(&tables).unwrap();
        let disk = SmallDisk::mount(&tables, megabytes)?;
        let copied = Command::new("cp").arg("-a").arg(moved.join(".")).arg(&tables).status().unwrap();
        assert!(copied.success());
        let server = start_server(&place).await;
        let fleet = Self::set_up(place, server, Some(disk), MIGRATIONS).await;
        fleet.migrate().await;
        Some(fleet)
    }

    async fn set_up(place: TempDir, server: Server, disk: Option<SmallDisk>, migrations: &[(&str, &str)]) -> Self {
        let master_key = Arc::new(MasterKey::generate());
        installer(&server, "postgres", &master_key).install().await.unwrap();
        for directory in ["shared", "tenant"] {
            fs::create_dir_all(place.path().join("migrations").join(directory)).unwrap();
        }
        for (file, sql) in migrations {
            fs::write(place.path().join("migrations").join(file), sql).unwrap();
        }
        let control = control(&server, &master_key, &place);
        Self { control, master_key, server, disk, place }
    }

    /// Where the migrations are.
    pub(crate) fn migrations(&self) -> PathBuf {
        self.place.path().join("migrations")
    }

    /// Adds a file of migrations, or changes one, under a control plane that starts anew.
    pub(crate) fn write_migration(&mut self, file: &str, sql: &str) {
        fs::write(self.place.path().join("migrations").join(file), sql).unwrap();
        self.control = control(&self.server, &self.master_key, &self.place);
    }

    pub(crate) async fn migrate(&self) {
        let report = self.control.migrate().await.unwrap();
        assert!(report.failures.is_empty(), "{:#?}", report.failures);
    }

    pub(crate) async fn tenant(&self, slug: &str, model: Model) -> Home {
        self.control
            .create_tenant(&slug.parse().unwrap(), slug, model, &Uuid::new_v4().to_string(), "test")
            .await
            .unwrap();
        self.home(slug).await
    }

    /// Asks for a tenant as an application does, and leaves the work to a worker.
    pub(crate) async fn request(&self, slug: &str, model: Model) -> TenantId {
        let id = Uuid::from(TenantId::generate());
        self.catalog()
            .await
            .query_one(
                "select operation from catalog.request_provision($1, $2, $1, $1, $3, 'test')",
                &[&slug, &id, &model.as_str()],
            )
            .await
            .unwrap();
        id.into()
    }

    pub(crate) async fn catalog(&self) -> Client {
        connect(&self.server, "postgres", "freehold_catalog").await
    }

    pub(crate) async fn data(&self) -> Client {
        connect(&self.server, "postgres", "freehold_data").await
    }

    pub(crate) async fn superuser(&self, database: &str) -> Client {
        connect(&self.server, "postgres", database).await
    }

    /// Where a tenant lives, by the catalog.
    pub(crate) async fn home(&self, slug: &str) -> Home {
        let row = self
            .catalog()
            .await
            .query_one(
                "select t.id, p.id, p.database from catalog.tenants t join catalog.placements p on p.id = t.placement \
                 where t.slug = $1",
                &[&slug],
            )
            .await
            .unwrap();
        Home { tenant: row.get(0), placement: row.get(1), database: row.get(2) }
    }

    /// A chart of accounts with a child, and an entry, as the truth has them.
    pub(crate) async fn fill(&self, home: &Home) {
        let Home { tenant, placement, .. } = home;
        let rows = format!(
            "set search_path = {placement};
             insert into accounts (tenant_id, id, name) values ('{tenant}', '{tenant}', 'assets');
             insert into accounts (tenant_id, parent, name) values ('{tenant}', '{tenant}', 'bank');
             insert into entries (tenant_id, account, minor, currency) values ('{tenant}', '{tenant}', 100, 'GBP')"
        );
        self.superuser(&home.database).await.batch_execute(&rows).await.unwrap();
    }

    /// Runs what is due, until `done`, letting leases of workers that died run out.
    pub(crate) async fn work_until(&self, done: &str) {
        let catalog = self.catalog().await;
        let all = async {
            while one(&catalog, done).await != "t" {
                end_leases(&catalog).await;
                self.control.run_one("survivor", None, &NoObserver).await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {done}"));
    }
}

/// A file system in memory, unmounted when this is dropped.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }

    /// Takes what room there is.
    pub(crate) fn fill(&self) {
        let mut file = fs::File::create(self.filler()).unwrap();
        let full = std::iter::repeat_with(|| file.write_all(&[0; 4096])).find_map(Result::err).unwrap();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    /// Gives it back.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Where a tenant lives.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) tenant: Uuid,
    pub(crate) placement: String,
    pub(crate) database: String,
}

/// A worker that is killed after a number of steps.
#[derive(Debug)]
pub(crate) struct DiesAfter(std::sync::atomic::AtomicUsize);

impl DiesAfter {
    pub(crate) fn steps(steps: usize) -> Self {
        Self(steps.into())
    }
}

impl StepObserver for DiesAfter {
    fn step_done(&self, operation: &Operation, _: &str) -> Result<(), ControlError> {
        match self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) {
            1 => Err(ControlError::LeaseLost { operation: operation.id }),
            _ => Ok(()),
        }
    }
}

/// Makes the leases of dead workers run out, and operations due that wait before they are tried again.
pub(crate) async fn end_leases(catalog: &Client) {
    let end = "update catalog.operations set lease_until = now() - interval '1 second', not_before = now()
               where state in ('pending', 'running')";
    catalog.batch_execute(end).await.unwrap();
}

/// Makes a worker that was killed after a step one that was killed before it could note the step.
pub(crate) async fn forget_last_step(catalog: &Client) {
    let forget = "delete from catalog.operation_steps s using catalog.operations o
                  where o.id = s.operation and o.state = 'running'
                    and s.done_at = (select max(done_at) from catalog.operation_steps where operation = o.id)";
    catalog.batch_execute(forget).await.unwrap();
}

/// The first column of the last row, as text.
pub(crate) async fn one(client: &Client, sql: &str) -> String {
    let messages = client.simple_query(sql).await.unwrap();
    let row = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    row.unwrap_or_default()
}

/// Waits until a query answers `t`.
pub(crate) async fn eventually(client: &Client, sql: &str) {
    let holds = async {
        while one(client, sql).await != "t" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {sql}"));
}

pub(crate) async fn connect(server: &Server, user: &str, database: &str) -> Client {
    try_connect(server, user, database).await.unwrap()
}

pub(crate) async fn try_connect(server: &Server, user: &str, database: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config(server, user, database).connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub(crate) fn config(server: &Server, user: &str, database: &str) -> Config {
    let mut config = Config::new();
    config.host_path(server.socket_dir()).port(server.port()).user(user).dbname(database);
    config
}

pub(crate) fn installer(server: &Server, admin: &str, master_key: &Arc<MasterKey>) -> Installer {
    Installer {
        admin: config(server, admin, "postgres").into(),
        host: server.socket_dir().to_str().unwrap().to_owned(),
        port: server.port(),
        catalog: "freehold_catalog".to_owned(),
        data: "freehold_data".to_owned(),
        cluster: "main".to_owned(),
        master_key: master_key.clone(),
        passwords: Passwords::default(),
    }
}

pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

/// A directory that the server's account can reach.
pub(crate) fn place() -> TempDir {
    let place = tempfile::Builder::new().prefix("fhctl").tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    place
}

pub(crate) async fn start_server(place: &TempDir) -> Server {
    let state = place.path().join("pg");
    let start = move || Server::builder(state).durable(false).setting("shared_buffers", "32MB").start().unwrap();
    tokio::task::spawn_blocking(start).await.unwrap()
}

pub(crate) fn control(server: &Server, master_key: &Arc<MasterKey>, place: &TempDir) -> ControlPlane {
    let catalog = config(server, "freehold_control", "freehold_catalog");
    let migrations = place.path().join("migrations");
    ControlPlane::new(ControlConfig::new(catalog.into(), master_key.clone(), migrations))
}
