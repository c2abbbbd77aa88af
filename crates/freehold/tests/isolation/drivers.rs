//! What the drivers of an application may do in a scope, and what they keep on the server.

use freehold::isolation::{ScopeError, Sqlx, TokioPostgres};
use freehold::tenant::Model;
use freehold_testing::{Twins, under_every_model};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Executor, Postgres, QueryBuilder, Row, Statement};

use crate::support::{at_rest, migrations, pool};

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Note {
    text: String,
    number: i64,
}

under_every_model! {
    "tests/small";

    async fn every_form_of_an_sqlx_statement_runs_in_a_scope(twins: Twins) {
        let mut scope = twins.a.db::<Sqlx>().write();
        let mut insert = QueryBuilder::<Postgres>::new("insert into notes (text, number) ");
        insert.push_values([("one", 1_i64), ("two", 2)], |mut row, (text, number)| {
            row.push_bind(text).push_bind(number);
        });
        assert_eq!(insert.build().execute(&mut scope).await.unwrap().rows_affected(), 2);
        sqlx::raw_sql("insert into notes (text, number) values ('three', 3)").execute(&mut scope).await.unwrap();
        scope.execute("insert into notes (text, number) values ('four', 4)").await.unwrap();
        let name = "notes";
        sqlx::query(AssertSqlSafe(format!("insert into {name} (text, number) values ($1, $2)")))
            .bind("five").bind(5_i64).execute(&mut scope).await.unwrap();
        scope.commit().await.unwrap();

        let mut scope = twins.a.db::<Sqlx>().read();
        let rows = sqlx::query("select text from notes order by number").fetch_all(&mut scope).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>(), ["one", "two", "three", "four", "five"]);
        let note: Note = sqlx::query_as("select text, number from notes where number = $1").bind(3_i64).fetch_one(&mut scope).await.unwrap();
        assert_eq!(note, Note { text: "three".into(), number: 3 });
        let none = sqlx::query("select text from notes where number = $1").bind(9_i64).fetch_optional(&mut scope).await.unwrap();
        assert!(none.is_none());
        let sum: i64 = sqlx::query_scalar("select sum(number)::bigint from notes").fetch_one(&mut scope).await.unwrap();
        assert_eq!(sum, 15);
        let streamed: Vec<_> = sqlx::query("select number from notes").fetch(&mut scope).try_collect().await.unwrap();
        assert_eq!(streamed.len(), 5);
        let prepared = (&mut scope).prepare(sqlx::SqlSafeStr::into_sql_str("select number from notes where text = $1")).await.unwrap();
        let two: i64 = prepared.query_scalar().bind("two").fetch_one(&mut scope).await.unwrap();
        assert_eq!(two, 2);
    }

    async fn nested_scopes_fail_by_themselves_on_both_drivers(twins: Twins) {
        let mut scope = twins.a.db::<TokioPostgres>().write();
        scope.execute("insert into notes (text) values ('outer')", &[]).await.unwrap();
        let mut middle = scope.nested().await.unwrap();
        middle.execute("insert into notes (text) values ('middle')", &[]).await.unwrap();
        let mut inner = middle.nested().await.unwrap();
        inner.execute("insert into notes (text) values ('inner')", &[]).await.unwrap();
        inner.execute("insert into notes (text) values ('outer')", &[]).await.unwrap_err();
        assert!(matches!(inner.commit().await, Err(ScopeError::RolledBack)));
        middle.commit().await.unwrap();
        scope.commit().await.unwrap();

        let mut scope = twins.b.db::<Sqlx>().write();
        sqlx::query("insert into notes (text) values ('outer')").execute(&mut scope).await.unwrap();
        let mut middle = scope.nested().await.unwrap();
        sqlx::query("insert into notes (text) values ('middle')").execute(&mut *middle).await.unwrap();
        let mut inner = middle.nested().await.unwrap();
        sqlx::query("insert into notes (text) values ('inner')").execute(&mut *inner).await.unwrap();
        sqlx::query("insert into notes (text) values ('outer')").execute(&mut *inner).await.unwrap_err();
        assert!(matches!(inner.commit().await, Err(ScopeError::RolledBack)));
        middle.commit().await.unwrap();
        scope.commit().await.unwrap();

        for twin in [&twins.a, &twins.b] {
            let rows = twin.db::<TokioPostgres>().read().query("select text from notes order by 1", &[]).await.unwrap();
            assert_eq!(rows.iter().map(|row| row.get::<_, &str>(0)).collect::<Vec<_>>(), ["middle", "outer"]);
        }
    }

    async fn what_a_nested_scope_failed_at_does_not_take_the_outer_one_with_it(twins: Twins) {
        let mut scope = twins.a.db::<TokioPostgres>().write();
        scope.execute("insert into notes (text) values ('kept')", &[]).await.unwrap();
        let mut nested = scope.nested().await.unwrap();
        nested.execute("insert into notes (text) values ('kept')", &[]).await.unwrap_err();
        drop(nested);
        scope.commit().await.unwrap();

        let mut scope = twins.b.db::<Sqlx>().write();
        sqlx::query("insert into notes (text) values ('kept')").execute(&mut scope).await.unwrap();
        let mut nested = scope.nested().await.unwrap();
        sqlx::query("insert into notes (text) values ('kept')").execute(&mut *nested).await.unwrap_err();
        drop(nested);
        scope.commit().await.unwrap();

        // What leads back goes out once, though the statement behind it could not be sent.
        let mut scope = twins.a.db::<TokioPostgres>().write();
        let nested = scope.nested().await.unwrap();
        drop(nested);
        scope.query("select text from notes where text = $1", &[&1_i64]).await.unwrap_err();
        assert_eq!(scope.query("select text from notes", &[]).await.unwrap().len(), 1);

        for twin in [&twins.a, &twins.b] {
            let rows = twin.db::<TokioPostgres>().read().query("select text from notes", &[]).await.unwrap();
            assert_eq!(rows.iter().map(|row| row.get::<_, &str>(0)).collect::<Vec<_>>(), ["kept"]);
        }
    }

    async fn nothing_is_committed_after_a_statement_that_failed(twins: Twins) {
        let mut scope = twins.a.db::<TokioPostgres>().write();
        scope.execute("insert into notes (text) values ('x')", &[]).await.unwrap();
        scope.execute("insert into nowhere (text) values ('x')", &[]).await.unwrap_err();
        assert!(matches!(scope.commit().await, Err(ScopeError::RolledBack)));

        // Parameters that do not encode: nothing of the statement reaches the server, and no commit does either.
        let mut scope = twins.a.db::<TokioPostgres>().write();
        scope.execute("insert into notes (text) values ('x')", &[]).await.unwrap();
        scope.execute_and_commit("insert into notes (text) values ($1)", &[&1_i64]).await.unwrap_err();
        let mut scope = twins.a.db::<TokioPostgres>().write();
        scope.execute("insert into notes (text) values ('x')", &[]).await.unwrap();
        scope.execute_and_commit("insert into notes (text) values ($1)", &[&"y", &"z"]).await.unwrap_err();

        let mut scope = twins.a.db::<Sqlx>().write();
        sqlx::query("insert into notes (text) values ('x')").execute(&mut scope).await.unwrap();
        (&mut scope).prepare(sqlx::SqlSafeStr::into_sql_str("select nothing from nowhere")).await.unwrap_err();
        assert!(matches!(scope.commit().await, Err(ScopeError::RolledBack)));

        let rows = twins.a.db::<TokioPostgres>().read().query("select text from notes", &[]).await.unwrap();
        assert!(rows.is_empty());
    }
}

#[tokio::test]
async fn a_second_statement_hides_in_no_form_of_an_sqlx_statement() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let two = "select 1; select 2";
    for form in ["raw_sql", "bare text", "query"] {
        let mut scope = twins.a.db::<Sqlx>().read();
        let done = match form {
            "raw_sql" => sqlx::raw_sql(two).execute(&mut scope).await,
            "bare text" => scope.execute(two).await,
            _ => sqlx::query(two).execute(&mut scope).await,
        };
        let error = ScopeError::from(done.unwrap_err());
        assert_eq!(error.sqlstate(), Some("42601"), "{form}");
    }
}

/// A named statement can be read by the next tenant, in `pg_prepared_statements`; what is made at run time may hold data.
#[tokio::test]
async fn only_text_of_the_program_is_kept_prepared() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let secret = format!("select {}", 4711);
    let kept =
        "select statement from pg_prepared_statements where statement like '%4711%' or statement like '%42 as part%'";

    let db = twins.a.db::<TokioPostgres>();
    db.read().query("select 42 as part", &[]).await.unwrap();
    db.read().ad_hoc(&secret, &[]).await.unwrap();
    let rows = db.read().ad_hoc(kept, &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, &str>(0)).collect::<Vec<_>>(), ["select 42 as part"]);

    let db = twins.a.db::<Sqlx>();
    sqlx::query("select 42 as part").execute(&mut db.read()).await.unwrap();
    sqlx::query(AssertSqlSafe(secret.clone())).execute(&mut db.read()).await.unwrap();
    sqlx::query_as::<_, (i32,)>(AssertSqlSafe(secret.clone())).fetch_one(&mut db.read()).await.unwrap();
    QueryBuilder::<Postgres>::new(&secret).build().execute(&mut db.read()).await.unwrap();
    let refused = (&mut db.read()).prepare(sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(secret))).await;
    assert!(refused.is_err(), "text made at run time is not prepared by name");
    let statements: Vec<String> = sqlx::query_scalar(AssertSqlSafe(kept)).fetch_all(&mut db.read()).await.unwrap();
    assert_eq!(statements, ["select 42 as part"]);
}

#[tokio::test]
async fn a_statement_whose_columns_changed_is_planned_anew() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let (first, second) = (twins.a.db::<TokioPostgres>(), twins.a.db::<Sqlx>());
    let numbers = "select number from notes";
    twins.seed("insert into notes (text, number) values ('x', 7)").await;
    first.read().query(numbers, &[]).await.unwrap();
    sqlx::query(numbers).fetch_all(&mut second.read()).await.unwrap();
    at_rest(&first).await;
    at_rest(&second).await;

    let truth = twins.truth(&twins.a).await;
    truth.batch_execute("alter table notes alter number type integer").await.unwrap();

    assert_eq!(first.read().query(numbers, &[]).await.unwrap()[0].get::<_, i32>(0), 7);
    let error = ScopeError::from(sqlx::query(numbers).fetch_all(&mut second.read()).await.unwrap_err());
    assert_eq!(error.sqlstate(), Some("0A000"), "{error:?}");
    let row = sqlx::query(numbers).fetch_one(&mut second.read()).await.unwrap();
    assert_eq!(row.get::<i32, _>(0), 7);

    // Behind another statement it cannot be run again; it is planned anew for the next one.
    at_rest(&first).await;
    truth.batch_execute("alter table notes alter number type bigint").await.unwrap();
    let mut scope = first.read();
    scope.query("select 1", &[]).await.unwrap();
    let error = scope.query(numbers, &[]).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("0A000"), "{error:?}");
    drop(scope);
    let mut scope = first.read();
    scope.query("select 1", &[]).await.unwrap();
    assert_eq!(scope.query(numbers, &[]).await.unwrap()[0].get::<_, i64>(0), 7);
}

#[tokio::test]
async fn what_was_described_in_one_schema_is_not_believed_in_another() {
    let twins = Twins::with_pool(migrations(), Model::Schema, pool(1)).await;
    let (a, b) = (twins.a.db::<Sqlx>(), twins.b.db::<Sqlx>());
    twins.seed("insert into notes (text, number) values ('x', 7)").await;
    let truth = twins.truth(&twins.a).await;
    truth
        .batch_execute("alter table notes add wide text default 'wide', add wider text default 'wider'")
        .await
        .unwrap();
    let mut columns = Vec::new();
    for db in [&a, &b].repeat(4) {
        let mut scope = db.read();
        let prepared = (&mut scope).prepare(sqlx::SqlSafeStr::into_sql_str("select * from notes")).await.unwrap();
        let row = prepared.query().fetch_one(&mut scope).await.unwrap();
        assert_eq!(row.get::<String, _>("text"), "x");
        assert_eq!(row.columns().len(), row.len());
        columns.push(row.len());
    }
    assert_eq!(columns, [columns[1] + 2, columns[1]].repeat(4));
}

#[tokio::test]
async fn a_scope_may_have_all_the_time_there_is() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let mut scope = twins.a.db::<TokioPostgres>().write_with_deadline(std::time::Duration::MAX);
    scope.execute("insert into notes (text) values ('x')", &[]).await.unwrap();
    scope.commit().await.unwrap();
}
