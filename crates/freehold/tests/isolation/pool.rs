//! The pool: warm, fair, capped, and clean before anybody else gets the connection.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use freehold::isolation::{ErrorKind, Read, Scope, ScopeError, Sqlx, TenantDb, TokioPostgres};
use freehold::tenant::Model;
use freehold_testing::{Deployment, Twin, Twins, connect};
use futures_util::future::join_all;
use sqlx::AssertSqlSafe;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{at_rest, migrations, pool, until};

async fn pid(db: &TenantDb<TokioPostgres>) -> i32 {
    db.read().query("select pg_backend_pid()", &[]).await.unwrap()[0].get(0)
}

/// A scope that holds a connection.
async fn holding(db: &TenantDb<TokioPostgres>) -> Scope<TokioPostgres, Read> {
    let mut scope = db.read();
    scope.query("select 1", &[]).await.unwrap();
    scope
}

#[tokio::test]
async fn a_connection_warm_for_the_placement_is_preferred() {
    let deployment = Deployment::with_pool(migrations(), pool(8)).await;
    let mut homes = Vec::new();
    for slug in ["anna", "bert", "carl"] {
        let tenant = deployment.tenant(slug, Model::Schema).await;
        homes.push(deployment.freehold.tenant_db::<TokioPostgres>(&tenant));
    }
    // All three at once, so that each has a connection of its own.
    let scopes: Vec<_> = join_all(homes.iter().map(holding)).await;
    drop(scopes);
    let mut warm = Vec::new();
    for home in &homes {
        at_rest(home).await;
        warm.push(pid(home).await);
    }
    assert_eq!(warm.iter().collect::<HashSet<_>>().len(), 3);
    for _ in 0..3 {
        for (home, warm) in homes.iter().zip(&warm).rev() {
            at_rest(home).await;
            assert_eq!(pid(home).await, *warm);
        }
    }
}

/// One after the other, so that one connection would do: as many are opened as may be, and those that know a schema keep it.
#[tokio::test]
async fn each_schema_returns_to_the_connection_that_worked_in_it_last() {
    let deployment = Deployment::with_pool(migrations(), pool(3)).await;
    let mut homes = Vec::new();
    for slug in ["anna", "bert", "carl", "dora"] {
        let tenant = deployment.tenant(slug, Model::Schema).await;
        homes.push(deployment.freehold.tenant_db::<TokioPostgres>(&tenant));
    }
    let mut knowing = Vec::new();
    for home in &homes {
        knowing.push(pid(home).await);
        at_rest(home).await;
    }
    assert_eq!(knowing.iter().collect::<HashSet<_>>().len(), 3, "there is room for three");
    assert_eq!(knowing[3], knowing[0], "the one that was idle longest learns the fourth");
    for (home, knowing) in homes.iter().zip(&knowing).chain(homes.iter().zip(&knowing).rev()) {
        assert_eq!(pid(home).await, *knowing);
        at_rest(home).await;
    }
    // While that one is in use another one learns the schema, and is preferred from then on.
    let elsewhere = holding(&homes[3]).await;
    let learnt = pid(&homes[0]).await;
    assert_ne!(learnt, knowing[0]);
    drop(elsewhere);
    at_rest(&homes[0]).await;
    pid(&homes[3]).await;
    at_rest(&homes[0]).await;
    assert_eq!(pid(&homes[0]).await, learnt);
}

#[tokio::test]
async fn generic_plans_are_asked_for_by_the_pool_and_not_by_a_tenant() {
    for generic in [false, true] {
        let mut options = pool(1);
        options.generic_plans = generic;
        let twins = Twins::with_pool(migrations(), Model::Schema, options).await;
        let mode = async |twin: &Twin| {
            let mut scope = twin.db::<TokioPostgres>().read();
            let rows = scope.query("select current_setting('plan_cache_mode')", &[]).await.unwrap();
            rows[0].get::<_, String>(0)
        };
        let expected = if generic { "force_generic_plan" } else { "auto" };
        assert_eq!(mode(&twins.a).await, expected);
        let mut scope = twins.a.db::<TokioPostgres>().write();
        scope.ad_hoc("set plan_cache_mode = force_custom_plan", &[]).await.unwrap();
        scope.commit().await.unwrap();
        assert_eq!(mode(&twins.b).await, expected);
    }
}

#[tokio::test]
async fn what_a_tenant_leaves_on_a_connection_is_gone_before_the_next_one_gets_it() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let (a, b) = (twins.a.db::<TokioPostgres>(), twins.b.db::<TokioPostgres>());
    let first = pid(&a).await;
    let mut scope = a.write();
    for left in [
        "select set_config('search_path', 'public', false), set_config('TimeZone', 'Asia/Tokyo', false)",
        "select set_config('freehold.token', current_setting('freehold.token'), false)",
        "listen noise",
        "declare left_open cursor with hold for select 1",
    ] {
        scope.ad_hoc(left, &[]).await.unwrap();
    }
    scope.commit().await.unwrap();
    let rows = b
        .read()
        .query(
            "select pg_backend_pid(), current_setting('TimeZone'), current_setting('search_path') like '%public%', \
                    (select count(*) from pg_listening_channels()), (select count(*) from pg_cursors where is_holdable), \
                    left(current_setting('freehold.token'), 36)::uuid",
            &[],
        )
        .await
        .unwrap();
    let row = &rows[0];
    assert_eq!(row.get::<_, i32>(0), first, "this is about one connection");
    assert_eq!(row.get::<_, &str>(1), "UTC");
    assert!(!row.get::<_, bool>(2));
    assert_eq!((row.get::<_, i64>(3), row.get::<_, i64>(4)), (0, 0));
    assert_eq!(row.get::<_, uuid::Uuid>(5), *b.tenant().id().as_uuid());
}

/// The pool asks a connection whether some SQL prepared a statement. That question must not be answered by one.
#[tokio::test]
async fn a_statement_prepared_in_the_place_of_one_of_the_drivers_condemns_the_connection() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let (a, b) = (twins.a.db::<TokioPostgres>(), twins.b.db::<TokioPostgres>());
    pid(&a).await;
    let mut scope = a.write();
    let own =
        scope.ad_hoc("select name, statement, parameter_types::text from pg_prepared_statements", &[]).await.unwrap();
    assert!(
        own.iter().any(|row| row.get::<_, &str>(1).contains("freehold.token")),
        "the statement that binds the context is there"
    );
    let hijacked: i32 = scope.ad_hoc("select pg_backend_pid()", &[]).await.unwrap()[0].get(0);
    for row in &own {
        let (name, types): (&str, &str) = (row.get(0), row.get(2));
        let types = types.trim_matches(['{', '}']).replace('"', "");
        scope.ad_hoc(&format!("deallocate {name}"), &[]).await.unwrap();
        let types = if types.is_empty() { types } else { format!("({types})") };
        scope
            .ad_hoc(&format!("prepare {name}{types} as select null::text, null::text, 0::float8, false"), &[])
            .await
            .unwrap();
    }
    scope.commit().await.unwrap();
    assert_ne!(pid(&b).await, hijacked);
}

#[tokio::test]
async fn a_statement_that_a_tenant_deallocated_is_not_missed_by_the_next_one() {
    const NOTES: &str = "select text from notes";
    const NAMED: &str = "select name from pg_prepared_statements where statement = 'select text from notes'";
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let (a, b) = (twins.a.db::<TokioPostgres>(), twins.b.db::<TokioPostgres>());
    b.read().query(NOTES, &[]).await.unwrap();
    let mut scope = a.read();
    let name: String = scope.ad_hoc(NAMED, &[]).await.unwrap()[0].get(0);
    scope.ad_hoc(&format!("deallocate {name}"), &[]).await.unwrap();
    drop(scope);
    b.read().query(NOTES, &[]).await.unwrap();

    let (a, b) = (twins.a.db::<Sqlx>(), twins.b.db::<Sqlx>());
    sqlx::query(NOTES).fetch_all(&mut b.read()).await.unwrap();
    let mut scope = a.read();
    let name: String = sqlx::query_scalar(NAMED).fetch_one(&mut scope).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("deallocate {name}"))).execute(&mut scope).await.unwrap();
    drop(scope);
    sqlx::query(NOTES).fetch_all(&mut b.read()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_floods_the_pool_does_not_keep_another_waiting() {
    let mut options = pool(2);
    options.waiting = 40;
    let twins = Twins::with_pool(migrations(), Model::Shared, options).await;
    let (a, b) = (twins.a.db::<TokioPostgres>(), twins.b.db::<TokioPostgres>());
    let mut flood = JoinSet::new();
    for _ in 0..42 {
        let a = a.clone();
        flood.spawn(async move { a.read().query("select pg_sleep(0.05)", &[]).await.map(drop) });
    }
    until("the pool is full and so is its waiting room", || async { a.pool_status().waiting == 40 }).await;
    let asked = std::time::Instant::now();
    b.read().query("select 1", &[]).await.unwrap();
    let waited = asked.elapsed();
    let mut turned_away = 0;
    while let Some(done) = flood.join_next().await {
        turned_away += usize::from(done.unwrap().is_err_and(|error| error.kind() == ErrorKind::Busy));
    }
    // 40 requests at two a time take a second; B had the next connection that came free.
    assert!(waited < Duration::from_millis(500), "B waited {waited:?}");
    assert_eq!(turned_away, 1, "the last one of A's gave way");
}

#[tokio::test]
async fn a_tenant_uses_its_share_and_no_more() {
    let mut options = pool(4);
    options.tenant_share = Some(2);
    options.acquire_timeout = Duration::from_millis(100);
    let twins = Twins::with_pool(migrations(), Model::Shared, options).await;
    let (a, b) = (twins.a.db::<TokioPostgres>(), twins.b.db::<TokioPostgres>());
    let held = [holding(&a).await, holding(&a).await];
    let error = a.read().query("select 1", &[]).await.unwrap_err();
    assert!(matches!(error, ScopeError::Busy { .. }), "{error:?}");
    drop([holding(&b).await, holding(&b).await]);
    drop(held);
    a.read().query("select 1", &[]).await.unwrap();
}

#[tokio::test]
async fn scopes_beyond_the_waiting_room_are_refused_at_once() {
    let mut options = pool(1);
    options.waiting = 1;
    let twins = Twins::with_pool(migrations(), Model::Shared, options).await;
    let a = twins.a.db::<TokioPostgres>();
    let held = holding(&a).await;
    let waiting = tokio::spawn({
        let a = a.clone();
        async move { a.read().query("select 1", &[]).await.map(drop) }
    });
    until("one waits", || async { a.pool_status().waiting == 1 }).await;
    let error = a.read().query("select 1", &[]).await.unwrap_err();
    assert!(matches!(error, ScopeError::Busy { waited: Duration::ZERO, .. }), "{error:?}");
    drop(held);
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_waiting_scope_that_is_dropped_leaves_the_waiting_room() {
    let mut options = pool(1);
    options.waiting = 1;
    let twins = Twins::with_pool(migrations(), Model::Shared, options).await;
    let a = twins.a.db::<TokioPostgres>();
    let held = holding(&a).await;
    for _ in 0..3 {
        let late =
            tokio::time::timeout(Duration::from_millis(20), async { a.read().query("select 1", &[]).await.map(drop) })
                .await;
        assert!(late.is_err(), "it waits, and is not refused: {late:?}");
        assert_eq!(a.pool_status().waiting, 0);
    }
    drop(held);
    assert_eq!(at_rest(&a).await.open, 1);
}

/// The answer to a waiting scope is sent while the scope is dropped: the connection is handed on, whoever wins.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_handed_to_a_scope_that_is_being_dropped_is_not_lost() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let a = twins.a.db::<TokioPostgres>();
    for round in 0..200 {
        let mut held = a.read();
        held.query("select 1", &[]).await.unwrap();
        let barrier = Arc::new(Barrier::new(2));
        let waiter = tokio::spawn({
            let (a, barrier) = (a.clone(), barrier.clone());
            async move {
                let mut scope = a.read();
                let asked = scope.query("select 1", &[]);
                let _ = tokio::time::timeout(Duration::from_micros(50 * (round % 20)), asked).await;
                barrier.wait().await;
            }
        });
        drop(held);
        barrier.wait().await;
        waiter.await.unwrap();
    }
    assert_eq!(at_rest(&a).await.open, 1);
    a.read().query("select 1", &[]).await.unwrap();
}

/// Backends of the application in the databases of a deployment.
async fn backends(deployment: &Deployment) -> i64 {
    let catalog = connect("postgres", deployment.catalog_database()).await;
    let databases: Vec<String> =
        catalog.query_one("select array_agg(distinct database) from catalog.placements", &[]).await.unwrap().get(0);
    let counted = "select count(*) from pg_stat_activity where datname = any ($1) and application_name = 'freehold'";
    catalog.query_one(counted, &[&databases]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tenant_databases_share_four_connections() {
    let deployment = Deployment::with_pool(migrations(), pool(4)).await;
    let mut dbs = Vec::new();
    for n in 0..8 {
        let tenant = deployment.tenant(&format!("tenant-{n}"), Model::Database).await;
        dbs.push(deployment.freehold.tenant_db::<TokioPostgres>(&tenant));
    }
    let mut most = 0;
    let requests = join_all((0..6).flat_map(|_| &dbs).map(|db| async { drop(holding(db).await) }));
    let watching = async {
        loop {
            most = most.max(backends(&deployment).await);
        }
    };
    tokio::select! {
        _ = requests => {}
        () = watching => {}
    }
    // The server sees the end of a connection a moment after the pool closed it.
    assert!((1..=5).contains(&most), "{most} connections at a time");
    assert!(at_rest(&dbs[0]).await.open <= 4);
    until("what gave way is closed on the server too", || async { backends(&deployment).await <= 4 }).await;
}

#[tokio::test]
async fn idle_connections_are_closed_after_a_while() {
    let mut options = pool(4);
    options.idle_timeout = Duration::from_millis(200);
    let twins = Twins::with_pool(migrations(), Model::Shared, options).await;
    let a = twins.a.db::<TokioPostgres>();
    drop(join_all([(); 3].map(|()| holding(&a))).await);
    until("all are closed", || async { a.pool_status().open == 0 }).await;
    until("on the server too", || async { backends(&twins.deployment).await == 0 }).await;
}

#[tokio::test]
async fn a_connection_that_read_enough_statements_in_schemas_is_retired() {
    let mut options = pool(1);
    options.worn_after = 2;
    let twins = Twins::with_pool(migrations(), Model::Schema, options).await;
    let (a, b) = (twins.a.db::<TokioPostgres>(), twins.b.db::<TokioPostgres>());
    let first = pid(&a).await;
    assert_eq!(pid(&a).await, first, "one statement in one schema, however often");
    assert_eq!(pid(&b).await, first);
    assert_ne!(pid(&b).await, first, "in two schemas was enough");
}

/// Each schema would have a connection of its own while there is room; a server that lets no more in leaves what is there.
#[tokio::test]
async fn where_no_connection_can_be_opened_an_idle_one_learns_another_schema() {
    let deployment = Deployment::with_pool(migrations(), pool(3)).await;
    let anna = deployment.freehold.tenant_db::<TokioPostgres>(&deployment.tenant("anna", Model::Schema).await);
    let bert = deployment.freehold.tenant_db::<TokioPostgres>(&deployment.tenant("bert", Model::Schema).await);
    let only = pid(&anna).await;
    at_rest(&anna).await;
    let full = format!("alter database {} connection limit 1", deployment.data_database());
    connect("postgres", "postgres").await.batch_execute(&full).await.unwrap();
    assert_eq!(pid(&bert).await, only);
}
