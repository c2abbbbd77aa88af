//! A future dropped at any await leaves nothing behind: no connection, no transaction, no half of a write.

use std::time::Duration;

use freehold::isolation::{Driver, ErrorKind, ScopeError, Sqlx, TenantDb, TokioPostgres};
use freehold::tenant::Model;
use freehold_testing::{Twins, connect};
use futures_util::TryStreamExt;

use crate::support::{at_rest, cut_off, migrations, pool, until};

/// A request: two writes around a nested scope that is undone.
async fn tokio_postgres_request(db: &TenantDb<TokioPostgres>, text: &str) -> Result<(), ScopeError> {
    let mut scope = db.write();
    scope.execute("insert into notes (text) values ($1 || ' first')", &[&text]).await?;
    let mut nested = scope.nested().await?;
    nested.execute("insert into notes (text) values ($1 || ' undone')", &[&text]).await?;
    drop(nested);
    scope.execute_and_commit("insert into notes (text) values ($1 || ' last')", &[&text]).await.map(drop)
}

async fn sqlx_request(db: &TenantDb<Sqlx>, text: &str) -> Result<(), ScopeError> {
    let mut scope = db.write();
    sqlx::query("insert into notes (text) values ($1 || ' first')").bind(text).execute(&mut scope).await?;
    let mut nested = scope.nested().await?;
    sqlx::query("insert into notes (text) values ($1 || ' undone')").bind(text).execute(&mut *nested).await?;
    drop(nested);
    sqlx::query("insert into notes (text) values ($1 || ' last')").bind(text).execute(&mut scope).await?;
    scope.commit().await
}

async fn texts(db: &TenantDb<TokioPostgres>, of: &str) -> Vec<String> {
    let rows = db.read().query("select text from notes where starts_with(text, $1) order by 1", &[&of]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Drops a request of A after every number of polls there is, on one connection, and looks what B finds there.
macro_rules! dropped_after_every_poll {
    ($model:ident, $driver:ident, $request:ident) => {{
        let twins = Twins::with_pool(migrations(), Model::$model, pool(1)).await;
        let (a, b) = (twins.a.db::<$driver>(), twins.b.db::<$driver>());
        let truth = twins.a.db::<TokioPostgres>();
        for polls in 0.. {
            assert!(polls < 10_000, "the request never ends");
            let text = format!("{polls}:");
            let done = cut_off($request(&a, &text), polls).await;
            $request(&b, &text).await.unwrap();
            assert_eq!(at_rest(&b).await.open, 1, "after {polls} polls");
            let (found, whole) = (texts(&truth, &text).await, [format!("{text} first"), format!("{text} last")]);
            match done {
                Some(done) => {
                    done.unwrap();
                    assert_eq!(found, whole);
                    break;
                }
                None => assert!(
                    found.is_empty() || found == whole,
                    "half of a request is there after {polls} polls: {found:?}"
                ),
            }
        }
        let of_b = twins.b.db::<TokioPostgres>().read().query("select count(*) from notes", &[]).await.unwrap();
        assert!(of_b[0].get::<_, i64>(0) >= 2);
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_dropped_after_any_number_of_polls_leaves_nothing_in_shared_tables() {
    dropped_after_every_poll!(Shared, TokioPostgres, tokio_postgres_request);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_dropped_after_any_number_of_polls_leaves_nothing_in_a_schema() {
    dropped_after_every_poll!(Schema, TokioPostgres, tokio_postgres_request);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_dropped_after_any_number_of_polls_leaves_nothing_in_a_database() {
    dropped_after_every_poll!(Database, TokioPostgres, tokio_postgres_request);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlx_request_dropped_after_any_number_of_polls_leaves_nothing_in_shared_tables() {
    dropped_after_every_poll!(Shared, Sqlx, sqlx_request);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlx_request_dropped_after_any_number_of_polls_leaves_nothing_in_a_schema() {
    dropped_after_every_poll!(Schema, Sqlx, sqlx_request);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlx_request_dropped_after_any_number_of_polls_leaves_nothing_in_a_database() {
    dropped_after_every_poll!(Database, Sqlx, sqlx_request);
}

#[tokio::test]
async fn a_panic_in_a_scope_undoes_it_and_gives_the_connection_back() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let db = twins.a.db::<TokioPostgres>();
    let panicking = tokio::spawn({
        let db = db.clone();
        async move {
            let mut scope = db.write();
            scope.execute("insert into notes (text) values ('panic')", &[]).await.unwrap();
            panic!("a handler's own fault");
        }
    });
    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(at_rest(&db).await.open, 1);
    assert!(texts(&db, "panic").await.is_empty());
}

/// How many statements that hold this mark the server runs now.
async fn running(mark: &str) -> i64 {
    let server = connect("postgres", "postgres").await;
    let row = server
        .query_one(
            "select count(*) from pg_stat_activity where state = 'active' and query like '%' || $1 || '%' and pid <> pg_backend_pid()",
            &[&mark],
        )
        .await
        .unwrap();
    row.get(0)
}

/// Runs past the deadline, and sees the server stop.
async fn stops<D: Driver>(db: &TenantDb<D>, mark: &str, late: impl Future<Output = Result<(), ScopeError>>) {
    let error = late.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    until("the server stopped the statement", || async { running(mark).await == 0 }).await;
    assert_eq!(at_rest(db).await.open, 0, "a connection that was cut off is not used again");
}

#[tokio::test]
async fn a_statement_past_the_deadline_is_stopped_on_the_server() {
    let mut options = pool(1);
    options.deadline = Duration::from_millis(300);
    let twins = Twins::with_pool(migrations(), Model::Shared, options).await;
    let db = twins.a.db::<TokioPostgres>();
    let late = async {
        let mut scope = db.read();
        let error = scope.query("select 'deadline one', pg_sleep(60)", &[]).await.unwrap_err();
        let next = scope.query("select 1", &[]).await.unwrap_err();
        assert!(matches!(next, ScopeError::Ended), "{next:?}");
        Err(error)
    };
    stops(&db, "deadline one", late).await;

    let db = twins.a.db::<Sqlx>();
    let late = async {
        let mut scope = db.read();
        let error = sqlx::query("select 'deadline two', pg_sleep(60)").execute(&mut scope).await.unwrap_err();
        let next = sqlx::query("select 1").execute(&mut scope).await.unwrap_err();
        assert!(matches!(ScopeError::from(next), ScopeError::Ended));
        Err(error.into())
    };
    stops(&db, "deadline two", late).await;
}

#[tokio::test]
async fn a_statement_whose_scope_was_dropped_is_stopped_when_it_does_not_end_soon() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let db = twins.a.db::<TokioPostgres>();
    let mut scope = db.read();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), scope.query("select 'dropped', pg_sleep(60)", &[]))
            .await
            .is_err()
    );
    drop(scope);
    until("the server stopped the statement", || async { running("'dropped'").await == 0 }).await;
    assert_eq!(db.read().query("select 1", &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_committed_after_a_statement_that_was_cut_off() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    twins.seed("insert into notes (text) values ('taken')").await;
    let db = twins.a.db::<TokioPostgres>();
    let mut scope = db.write();
    scope.execute("insert into notes (text) values ('before')", &[]).await.unwrap();
    // It fails on the server, and nobody is there to hear it.
    assert!(
        cut_off(scope.execute("insert into notes (text) select 'taken' from pg_sleep(0.05)", &[]), 1).await.is_none()
    );
    assert!(matches!(scope.commit().await, Err(ScopeError::RolledBack)));
    assert!(texts(&db, "before").await.is_empty());

    let mut scope = twins.a.db::<Sqlx>().write();
    sqlx::query("insert into notes (text) values ('before')").execute(&mut scope).await.unwrap();
    assert!(
        cut_off(sqlx::query("insert into notes (text) select 'taken' from pg_sleep(0.05)").execute(&mut scope), 1)
            .await
            .is_none()
    );
    assert!(matches!(scope.commit().await, Err(ScopeError::RolledBack)));
    assert!(texts(&db, "before").await.is_empty());
}

#[tokio::test]
async fn a_statement_cut_off_in_a_nested_scope_costs_only_that() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    twins.seed("insert into notes (text) values ('taken')").await;
    // It cannot have ended when it is polled for the first time.
    let failing = "insert into notes (text) select 'taken' from pg_sleep(0.05)";
    let db = twins.a.db::<TokioPostgres>();
    let mut scope = db.write();
    scope.execute("insert into notes (text) values ('kept one')", &[]).await.unwrap();
    let mut nested = scope.nested().await.unwrap();
    assert!(cut_off(nested.execute(failing, &[]), 1).await.is_none());
    drop(nested);
    scope.commit().await.unwrap();

    let mut scope = twins.a.db::<Sqlx>().write();
    sqlx::query("insert into notes (text) values ('kept two')").execute(&mut scope).await.unwrap();
    let mut nested = scope.nested().await.unwrap();
    assert!(cut_off(sqlx::query(failing).execute(&mut *nested), 1).await.is_none());
    drop(nested);
    scope.commit().await.unwrap();
    assert_eq!(texts(&db, "kept").await, ["kept one", "kept two"]);
}

#[tokio::test]
async fn a_stream_dropped_half_way_is_read_to_its_end_before_the_next_statement() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let db = twins.a.db::<Sqlx>();
    let mut scope = db.write();
    sqlx::query("insert into notes (text) select 'row ' || n from generate_series(1, 10000) n")
        .execute(&mut scope)
        .await
        .unwrap();
    let mut rows = sqlx::query_scalar::<_, String>("select text from notes order by number").fetch(&mut scope);
    assert!(rows.try_next().await.unwrap().is_some());
    drop(rows);
    let counted: i64 = sqlx::query_scalar("select count(*) from notes").fetch_one(&mut scope).await.unwrap();
    assert_eq!(counted, 10_000);
    scope.commit().await.unwrap();
    assert_eq!(texts(&twins.a.db(), "row").await.len(), 10_000);
}

#[tokio::test]
async fn a_stream_that_fails_behind_the_row_that_was_read_fails_the_scope() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let mut scope = twins.a.db::<Sqlx>().write();
    sqlx::query("insert into notes (text) values ('before')").execute(&mut scope).await.unwrap();
    let mut rows = sqlx::query("select 1000 / (1000 - n) from generate_series(1, 1000) n").fetch(&mut scope);
    assert!(rows.try_next().await.unwrap().is_some());
    drop(rows);
    assert!(matches!(scope.commit().await, Err(ScopeError::RolledBack)));
    let db = twins.a.db::<Sqlx>();
    assert_eq!(at_rest(&db).await.open, 1, "the connection is none the worse for it");
}
