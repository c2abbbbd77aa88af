//! Backends that are terminated, servers that restart, keys that rotate, tenants that move: clean errors, and recovery.

use std::time::Duration;

use freehold::isolation::{ErrorKind, MasterKey, ScopeError, Sqlx, TenantDb, TokioPostgres};
use freehold::tenant::{Model, Status};
use freehold::{Config, Freehold};
use freehold_control::Change;
use freehold_testing::{Deployment, Twins, connect, server};

use crate::own_server::OwnServer;
use crate::support::{PATIENCE, at_rest, migrations, pool, until};

const NOTES: &str = "select text from notes";

async fn on_tokio_postgres(db: &TenantDb<TokioPostgres>) -> Result<(), ScopeError> {
    db.read().query(NOTES, &[]).await.map(drop)
}

async fn on_sqlx(db: &TenantDb<Sqlx>) -> Result<(), ScopeError> {
    sqlx::query(NOTES).fetch_all(&mut db.read()).await?;
    Ok(())
}

/// Ends the application's sessions in the data database, and waits until they are gone.
async fn terminate(deployment: &Deployment) {
    let server = connect("postgres", deployment.data_database()).await;
    let ended = "select pg_terminate_backend(pid, 10000) from pg_stat_activity \
                 where datname = current_database() and application_name = 'freehold'";
    assert!(!server.query(ended, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_idle_connection_whose_backend_was_terminated_costs_no_request() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(2)).await;
    let (first, second) = (twins.a.db::<TokioPostgres>(), twins.a.db::<Sqlx>());
    for _ in 0..3 {
        on_tokio_postgres(&first).await.unwrap();
        on_sqlx(&second).await.unwrap();
        at_rest(&first).await;
        at_rest(&second).await;
        terminate(&twins.deployment).await;
    }
    on_tokio_postgres(&first).await.unwrap();
    on_sqlx(&second).await.unwrap();
    assert_eq!((at_rest(&first).await.open, at_rest(&second).await.open), (1, 1));
}

#[tokio::test]
async fn a_backend_terminated_within_a_scope_is_an_error_of_that_scope_only() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(2)).await;
    let (first, second) = (twins.a.db::<TokioPostgres>(), twins.a.db::<Sqlx>());
    let mut one = first.write();
    one.execute("insert into notes (text) values ('one')", &[]).await.unwrap();
    let mut two = second.write();
    sqlx::query("insert into notes (text) values ('two')").execute(&mut two).await.unwrap();
    terminate(&twins.deployment).await;

    let error = one.execute("insert into notes (text) values ('more')", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(matches!(one.commit().await, Err(ScopeError::Ended)));
    let error = two.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");

    assert!(first.read().query(NOTES, &[]).await.unwrap().is_empty());
    on_sqlx(&second).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_used_again_and_says_that_it_is_away_until_then() {
    let mut server = OwnServer::start(pool(2)).await;
    let tenant = server.tenant("anna", Model::Schema).await;
    let (first, second) =
        (server.freehold.tenant_db::<TokioPostgres>(&tenant), server.freehold.tenant_db::<Sqlx>(&tenant));
    on_tokio_postgres(&first).await.unwrap();
    on_sqlx(&second).await.unwrap();
    server.crash().await;
    let error = on_tokio_postgres(&first).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let error = on_sqlx(&second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!((at_rest(&first).await.open, at_rest(&second).await.open), (0, 0));
    server.restart().await;
    on_tokio_postgres(&first).await.unwrap();
    on_sqlx(&second).await.unwrap();
}

#[tokio::test]
async fn open_connections_outlive_any_rotation_of_the_seal() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let (first, second) = (twins.a.db::<TokioPostgres>(), twins.a.db::<Sqlx>());
    on_tokio_postgres(&first).await.unwrap();
    on_sqlx(&second).await.unwrap();
    twins.deployment.control.rotate_seal(false).await.unwrap();
    on_tokio_postgres(&first).await.unwrap();
    on_sqlx(&second).await.unwrap();
    let opened = at_rest(&second).await;
    twins.deployment.control.rotate_seal(false).await.unwrap();
    on_tokio_postgres(&first).await.unwrap();

    // sqlx does not run a statement twice. It proves the context before the first one where the connection was idle for a
    // second: two rotations do not follow each other faster than that.
    assert_eq!(opened.open, 1);
    let truth = connect("postgres", twins.deployment.data_database()).await;
    let rested = "select bool_and(now() - state_change > '1.2 seconds') from pg_stat_activity \
                  where datname = current_database() and application_name = 'freehold'";
    until("the connection was idle for a while", || async { truth.query_one(rested, &[]).await.unwrap().get(0) }).await;
    on_sqlx(&second).await.unwrap();
    on_tokio_postgres(&first).await.unwrap();
}

#[tokio::test]
async fn a_connection_with_a_key_that_is_gone_is_not_used_again() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let second = twins.a.db::<Sqlx>();
    on_sqlx(&second).await.unwrap();
    at_rest(&second).await;
    twins.deployment.control.rotate_seal(false).await.unwrap();
    twins.deployment.control.rotate_seal(false).await.unwrap();
    let error = on_sqlx(&second).await.unwrap_err();
    assert!(
        matches!(&error, ScopeError::ContextRefused { reason } if reason.contains("a key this database does not have")),
        "{error:?}"
    );
    on_sqlx(&second).await.unwrap();
}

#[tokio::test]
async fn another_master_key_is_named_by_its_fingerprint_and_opens_nothing() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let mut catalog = tokio_postgres::Config::new();
    catalog
        .host_path(server().socket_dir())
        .port(server().port())
        .user("freehold_reader")
        .dbname(twins.deployment.catalog_database());
    let stranger = Freehold::connect(Config::new(catalog.into(), MasterKey::generate())).await.unwrap();
    let tenant = stranger.directory().get(twins.a.tenant.id()).unwrap();
    for error in [
        on_tokio_postgres(&stranger.tenant_db(&tenant)).await.unwrap_err(),
        on_sqlx(&stranger.tenant_db(&tenant)).await.unwrap_err(),
    ] {
        assert!(matches!(error, ScopeError::WrongKey { .. }), "{error:?}");
        assert!(error.to_string().contains(&twins.deployment.master_key().fingerprint()));
    }
}

#[tokio::test]
async fn a_stale_picture_of_a_tenant_is_refused_and_a_fresh_one_works() {
    let twins = Twins::with_pool(migrations(), Model::Schema, pool(1)).await;
    let stale = twins.a.tenant.clone();
    let id = *stale.id().as_uuid();
    let data = connect("postgres", twins.deployment.data_database()).await;
    data.execute("update freehold.residents set epoch = epoch + 1 where tenant = $1", &[&id]).await.unwrap();

    let freehold = &twins.deployment.freehold;
    let error = on_tokio_postgres(&freehold.tenant_db(&stale)).await.unwrap_err();
    assert!(matches!(error, ScopeError::Stale { .. }), "{error:?}");
    let error = on_sqlx(&freehold.tenant_db(&stale)).await.unwrap_err();
    assert!(matches!(error, ScopeError::Stale { .. }), "{error:?}");

    let mut changes = freehold.directory().changes();
    let catalog = connect("postgres", twins.deployment.catalog_database()).await;
    catalog.execute("update catalog.tenants set epoch = epoch + 1 where id = $1", &[&id]).await.unwrap();
    let fresh = tokio::time::timeout(PATIENCE, async {
        loop {
            match freehold.directory().get(stale.id()) {
                Some(tenant) if tenant != stale => return tenant,
                _ => changes.changed().await.unwrap(),
            }
        }
    });
    let fresh = fresh.await.expect("the directory learns of the new epoch");
    on_tokio_postgres(&freehold.tenant_db(&fresh)).await.unwrap();
    on_sqlx(&freehold.tenant_db(&fresh)).await.unwrap();
}

#[tokio::test]
async fn a_tenant_that_may_only_read_reads_and_the_database_refuses_its_writes() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(2)).await;
    twins.seed("insert into notes (text) values ('before')").await;
    let freehold = &twins.deployment.freehold;
    let mut changes = freehold.directory().changes();
    let slug = twins.a.tenant.slug();
    twins.deployment.control.change(slug, &Change::ReadOnly, "test", "the trial is over").await.unwrap();
    let read_only = tokio::time::timeout(PATIENCE, async {
        loop {
            match freehold.directory().get(twins.a.tenant.id()) {
                Some(tenant) if tenant.status() == Status::ReadOnly => return tenant,
                _ => changes.changed().await.unwrap(),
            }
        }
    });
    let read_only = read_only.await.expect("the directory learns of the status");

    let db = freehold.tenant_db::<TokioPostgres>(&read_only);
    assert_eq!(db.read().query(NOTES, &[]).await.unwrap().len(), 1);
    let error = db.write().execute("insert into notes (text) values ('after')", &[]).await.unwrap_err();
    assert!(matches!(error, ScopeError::ReadOnly { .. }), "{error:?}");
    let db = freehold.tenant_db::<Sqlx>(&read_only);
    let error = sqlx::query("insert into notes (text) values ('after')").execute(&mut db.write()).await.unwrap_err();
    assert!(matches!(ScopeError::from(error), ScopeError::ReadOnly { .. }));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_unavailable_and_does_not_use_up_the_pool() {
    let mut options = pool(1);
    options.acquire_timeout = Duration::from_secs(2);
    let twins = Twins::with_pool(migrations(), Model::Shared, options).await;
    let data = connect("postgres", "postgres").await;
    let database = twins.deployment.data_database();
    data.batch_execute(&format!("alter database {database} allow_connections false")).await.unwrap();
    let db = twins.a.db::<TokioPostgres>();
    for _ in 0..3 {
        let error = on_tokio_postgres(&db).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
    data.batch_execute(&format!("alter database {database} allow_connections true")).await.unwrap();
    on_tokio_postgres(&db).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_reached_another_way_is_found_though_no_tenant_changed() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let db = twins.a.db::<TokioPostgres>();
    let catalog = connect("postgres", twins.deployment.catalog_database()).await;
    let way = catalog.query_one("select host from catalog.clusters", &[]).await.unwrap().get::<_, String>(0);
    let change = "update catalog.clusters set host = $1";
    for (host, reached) in [("/nowhere", false), (&*way, true)] {
        catalog.execute(change, &[&host]).await.unwrap();
        until("the application takes the new way", || async {
            let sessions = "select pg_terminate_backend(pid, 10000) from pg_stat_activity \
                            where datname = $1 and application_name = 'freehold'";
            catalog.query(sessions, &[&twins.deployment.data_database()]).await.unwrap();
            on_tokio_postgres(&db).await.is_ok() == reached
        })
        .await;
    }
}
