//! Workers as processes, killed without a warning.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use freehold::isolation::{ExposeSecret, MasterKey};
use freehold::tenant::Model;
use freehold_control::{Change, ControlConfig, ControlPlane, NoObserver};
use tokio::time::timeout;
use tokio_postgres::Config;

use crate::support::*;

const SOCKET: &str = "CONTROL_TEST_SOCKET";
const PORT: &str = "CONTROL_TEST_PORT";
const KEY: &str = "CONTROL_TEST_KEY";
const MIGRATIONS: &str = "CONTROL_TEST_MIGRATIONS";

/// A worker in a process of its own: this program, running [`a_worker`]. Killed when it is dropped.
struct Worker(Child);

impl Worker {
    fn start(fleet: &Fleet) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "worker::a_worker"])
            .env(SOCKET, fleet.server.socket_dir())
            .env(PORT, fleet.server.port().to_string())
            .env(KEY, fleet.master_key.to_secret_hex().expose_secret())
            .env(MIGRATIONS, fleet.migrations())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // SIGKILL: it gets no chance to tidy up.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
#[ignore = "a process that the other tests start and kill"]
async fn a_worker() {
    let Ok(socket) = std::env::var(SOCKET) else {
        return;
    };
    let of = |variable: &str| std::env::var(variable).unwrap();
    let mut catalog = Config::new();
    catalog
        .host_path(Path::new(&socket))
        .port(of(PORT).parse().unwrap())
        .user("freehold_control")
        .dbname("freehold_catalog");
    let key: MasterKey = of(KEY).parse().unwrap();
    let control = ControlPlane::new(ControlConfig::new(catalog.into(), Arc::new(key), of(MIGRATIONS)));
    control.work(&format!("process {}", std::process::id()), std::future::pending()).await;
}

/// Starts workers and kills each a little later than the one before, while `open` operations are left, then lets one live.
async fn work_with_killings(fleet: &Fleet) {
    let catalog = fleet.catalog().await;
    for milliseconds in (20..200).step_by(15) {
        let worker = Worker::start(fleet);
        // The process is up when it has taken something; then it lives for this long.
        eventually(&catalog, "select not exists (select from catalog.operations where state = 'pending' and not_before <= now()) \
                                  or exists (select from catalog.operations where state = 'running' and lease_until > now())").await;
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        drop(worker);
        end_leases(&catalog).await;
    }
    let _survivor = Worker::start(fleet);
    let open = "select string_agg(concat_ws(' ', kind, state, attempts, last_error), '; ') from catalog.operations \
                where state not in ('done', 'cancelled')";
    let all_done = async {
        while !one(&catalog, open).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(4 * PATIENCE, all_done).await.is_err() {
        panic!("still open: {}", one(&catalog, open).await);
    }
}

#[tokio::test]
async fn workers_that_are_killed_with_their_process_leave_nothing_that_the_next_does_not_finish() {
    let fleet = Fleet::start().await;
    let slugs: Vec<(String, Model)> =
        Model::ALL.into_iter().flat_map(|model| (0..5).map(move |n| (format!("{model}-{n}"), model))).collect();
    for (slug, model) in &slugs {
        fleet.request(slug, *model).await;
    }
    work_with_killings(&fleet).await;
    let catalog = fleet.catalog().await;
    assert_eq!(one(&catalog, "select count(*) from catalog.tenants where status = 'active'").await, "15");
    assert_eq!(one(&catalog, "select count(*) from catalog.placements").await, "11", "a placement that nobody uses");
    for (slug, _) in &slugs {
        fleet.fill(&fleet.home(slug).await).await;
    }

    for (name, _) in &slugs {
        let soon = Change::Delete { grace: Duration::from_millis(1) };
        fleet.control.change(&slug(name), &soon, "test", "they left").await.unwrap();
    }
    work_with_killings(&fleet).await;
    assert_eq!(one(&catalog, "select count(*) from catalog.tenants where status = 'deleted'").await, "15");
    let certificates = "select count(distinct tenant) || ' ' || count(*) || ' ' || string_agg(distinct (detail -> 'rows')::text, ';') \
                        from catalog.audit where action = 'tenant erased'";
    assert_eq!(one(&catalog, certificates).await, r#"15 15 {"entries": 1, "accounts": 2}"#);
    let left = "select (select count(*) from pg_database where datname like 't\\_%') + (select count(*) from pg_roles where rolname like 't\\_%')";
    assert_eq!(one(&catalog, left).await, "0", "a database or a login");
    let data = fleet.data().await;
    let shared = one(&data, "select id from freehold.placements").await;
    let left = format!(
        "select (select count(*) from freehold.residents) + (select count(*) from {shared}.accounts) + (select count(*) from {shared}.entries)"
    );
    assert_eq!(one(&data, &left).await, "0", "a resident or a row");
}

#[tokio::test]
async fn of_two_workers_that_look_at_once_one_takes_an_operation() {
    let fleet = Fleet::start().await;
    fleet.request("acme", Model::Schema).await;
    let catalog = fleet.catalog().await;
    catalog.batch_execute("begin; select pg_advisory_xact_lock(7146013, 2)").await.unwrap();
    let both = async {
        let (one, other) =
            (fleet.control.run_one("one", None, &NoObserver), fleet.control.run_one("other", None, &NoObserver));
        tokio::join!(one, other)
    };
    let let_them = async {
        let waiting = "select count(*) = 2 from pg_locks where locktype = 'advisory' and classid = 7146013 and objid = 2 and not granted";
        while one(&catalog, waiting).await != "t" {
            tokio::task::yield_now().await;
        }
        catalog.batch_execute("commit").await.unwrap();
    };
    let all = timeout(PATIENCE, async { tokio::join!(both, let_them) }).await;
    let ((one_took, other_took), ()) = all.expect("both wait for their turn");
    assert_ne!(one_took.unwrap(), other_took.unwrap());
    assert_eq!(one(&catalog, "select attempts::text || state from catalog.operations").await, "1done");
}
