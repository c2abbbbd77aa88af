//! What is counted, and that nothing else is.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use freehold::Freehold;
use freehold::gate::Tenancy;
use freehold::isolation::{Driver, PoolOptions, ScopeError, Sqlx, TenantDb, TokioPostgres};
use freehold::metrics::{self, Kind};
use freehold::resolve::{Chain, Subdomain};
use freehold::tenant::Model;
use freehold_testing::Twins;
use http::{Request, StatusCode, header};
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::ServiceExt;

use crate::support::{at_rest, migrations, pool, until};

/// What was told to the recorder until now.
struct Counted {
    snapshots: Snapshotter,
    /// Of events, and of what was measured.
    counts: HashMap<String, u64>,
    gauges: HashMap<String, f64>,
}

impl Counted {
    /// The recorder of this process, which is one test's alone.
    fn start() -> Self {
        let recorder = DebuggingRecorder::new();
        let snapshots = recorder.snapshotter();
        recorder.install().expect("each test is a process of its own: run them with cargo nextest");
        Self { snapshots, counts: HashMap::new(), gauges: HashMap::new() }
    }

    /// Reads what was told since, and checks it against the list.
    fn read(&mut self) -> &mut Self {
        for (key, unit, help, value) in self.snapshots.snapshot().into_vec() {
            let (kind, key) = key.into_parts();
            // The control plane that created the tenants is in this process too.
            if freehold_control::METRICS.iter().any(|metric| metric.name == key.name()) {
                continue;
            }
            let metric = metrics::ALL.iter().find(|metric| metric.name == key.name());
            let metric = metric.unwrap_or_else(|| panic!("{} is in no list", key.name()));
            let labels: Vec<&str> = key.labels().map(|label| label.key()).collect();
            let listed = match metric.kind {
                Kind::Counter => MetricKind::Counter,
                Kind::Gauge => MetricKind::Gauge,
                _ => MetricKind::Histogram,
            };
            assert_eq!((kind, &*labels), (listed, metric.labels), "{}", metric.name);
            assert!(
                unit.is_some() && help.is_some_and(|help| &*help == metric.help),
                "{} is not described",
                metric.name
            );
            let values: String = key.labels().map(|label| format!(" {}", label.value())).collect();
            let name = format!("{}{values}", metric.name.trim_start_matches("freehold_"));
            match value {
                // A snapshot takes away what it shows.
                DebugValue::Counter(count) => *self.counts.entry(name).or_default() += count,
                DebugValue::Histogram(values) => *self.counts.entry(name).or_default() += values.len() as u64,
                DebugValue::Gauge(value) => {
                    self.gauges.insert(name, value.into_inner());
                }
            }
        }
        self
    }

    fn count(&mut self, name: &str) -> u64 {
        self.read().counts.get(name).copied().unwrap_or(0)
    }
}

async fn count(db: TenantDb<Sqlx>) -> Result<String, ScopeError> {
    let notes: i64 = sqlx::query_scalar("select count(*) from notes").fetch_one(&mut db.read()).await?;
    Ok(notes.to_string())
}

async fn ask(router: &Router, host: &str, path: &str) -> StatusCode {
    let request = Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap().status()
}

fn router(freehold: &Freehold) -> Router {
    let chain = Chain::new(Subdomain::of(["shelf.test"]).unwrap());
    let tenants = Router::new().route("/", get(count)).route("/broken", get(|| async { StatusCode::BAD_GATEWAY }));
    Tenancy::new(freehold, chain).router(tenants, Router::new().route("/", get(|| async {})))
}

#[tokio::test]
async fn requests_are_counted_by_outcome_and_class_of_status() {
    let mut counted = Counted::start();
    let twins = Twins::start(migrations(), Model::Shared).await;
    let router = router(&twins.deployment.freehold);
    for (host, path, times) in [
        ("anna.shelf.test", "/", 3),
        ("bert.shelf.test", "/", 1),
        ("anna.shelf.test", "/nothing", 2),
        ("anna.shelf.test", "/broken", 1),
        ("shelf.test", "/", 2),
        ("nobody.shelf.test", "/", 4),
        ("elsewhere.test", "/", 1),
        ("anna@shelf.test", "/", 1),
    ] {
        for _ in 0..times {
            ask(&router, host, path).await;
        }
    }
    for (series, times) in [
        ("admitted 2xx", 4),
        ("admitted 4xx", 2),
        ("admitted 5xx", 1),
        ("base 2xx", 2),
        ("unknown_tenant 4xx", 4),
        ("no_tenant 4xx", 1),
        ("invalid_host 4xx", 1),
    ] {
        assert_eq!(counted.count(&format!("requests_total {series}")), times, "{series}");
    }
    let requests = counted.counts.iter().filter(|(name, _)| name.starts_with("requests_total"));
    assert_eq!(requests.map(|(_, times)| times).sum::<u64>(), 15);
}

/// What a pool of one connection counts while two scopes want it.
async fn one_for_two<D: Driver>(counted: &mut Counted, db: TenantDb<D>, work: impl AsyncFn(&TenantDb<D>)) {
    work(&db).await;
    at_rest(&db).await;
    tokio::join!(work(&db), work(&db));
    at_rest(&db).await;
    counted.read();
}

#[tokio::test]
async fn pools_and_the_directory_tell_how_they_are() {
    let mut counted = Counted::start();
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let work = async |db: &TenantDb<TokioPostgres>| {
        let mut scope = db.write();
        // Anything but a query is followed by the full reset.
        scope.ad_hoc("create temporary table if not exists left_over ()", &[]).await.unwrap_err();
        drop(scope);
    };
    one_for_two(&mut counted, twins.a.db::<TokioPostgres>(), work).await;
    let query = async |db: &TenantDb<Sqlx>| {
        let mut scope = db.read();
        sqlx::query("select count(*) from notes").execute(&mut scope).await.unwrap();
        tokio::task::yield_now().await;
    };
    one_for_two(&mut counted, twins.a.db::<Sqlx>(), query).await;

    for driver in ["tokio-postgres", "sqlx"] {
        assert_eq!(counted.count(&format!("pool_opened_connections_total {driver}")), 1, "{driver}");
        assert_eq!(counted.count(&format!("pool_wait_seconds {driver}")), 1, "{driver}");
        assert_eq!(counted.count(&format!("pool_refused_scopes_total {driver}")), 0);
    }
    assert_eq!(counted.count("pool_resets_total tokio-postgres"), 3);
    assert_eq!(counted.count("pool_resets_total sqlx"), 0, "queries alone need no reset");

    let version = twins.deployment.freehold.directory().version() as f64;
    until("the reporter has looked", || {
        // It tells everything in one go, and a snapshot takes away what it shows: this one has all of it or nothing.
        let seen = counted.read().gauges["directory_version"] == version;
        async move { seen }
    })
    .await;
    let told = |name: &str| counted.gauges[name];
    for driver in ["tokio-postgres", "sqlx"] {
        assert_eq!(told(&format!("pool_connections {driver} idle")), 1.0);
        assert_eq!(told(&format!("pool_connections {driver} in_use")), 0.0);
        assert_eq!(told(&format!("pool_waiting_scopes {driver}")), 0.0);
    }
    assert_eq!(told("directory_tenants"), 2.0);
    assert!((0.0..20.0).contains(&told("directory_age_seconds")));

    let listed = metrics::ALL.iter().map(|metric| metric.name.trim_start_matches("freehold_"));
    let told: Vec<&String> = counted.counts.keys().chain(counted.gauges.keys()).collect();
    for name in listed.filter(|name| !name.starts_with("requests")) {
        assert!(told.iter().any(|series| series.starts_with(name)), "{name} is listed, and nobody tells it");
    }
}

#[tokio::test]
async fn refusals_and_lost_connections_are_counted() {
    let mut counted = Counted::start();
    let mut options = PoolOptions::default();
    (options.capacity, options.waiting) = (1, 0);
    let twins = Twins::with_pool(migrations(), Model::Shared, options).await;
    let db = twins.a.db::<TokioPostgres>();
    let mut holder = db.read();
    holder.query("select 1", &[]).await.unwrap();
    db.read().query("select 1", &[]).await.unwrap_err();
    assert_eq!(counted.count("pool_refused_scopes_total tokio-postgres"), 1);

    let truth = twins.truth(&twins.a).await;
    let ended = "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity \
                 where usename = 'freehold_app' and datname = current_database()";
    assert_eq!(truth.query_one(ended, &[]).await.unwrap().get::<_, i64>(0), 1);
    drop(holder);
    until("another connection is there", || async { db.read().query("select 1", &[]).await.is_ok() }).await;
    assert_eq!(counted.count("pool_opened_connections_total tokio-postgres"), 2);
    let discarded = |counted: &Counted| -> u64 {
        let series = counted.counts.iter().filter(|(name, _)| name.starts_with("pool_discarded_connections_total"));
        series.map(|(_, times)| times).sum()
    };
    assert_eq!(discarded(counted.read()), 1, "{:?}", counted.counts);

    let catalog = freehold_testing::connect("postgres", "postgres").await;
    let ended = "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity \
                 where usename = 'freehold_reader' and datname = $1";
    catalog.query_one(ended, &[&twins.deployment.catalog_database()]).await.unwrap();
    until("the catalog is connected to anew", || {
        let again = counted.count("directory_reconnects_total") >= 1;
        async move { again }
    })
    .await;
}
