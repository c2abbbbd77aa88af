//! On the driver's own connection a statement would run without a context, or by the simple protocol, in which another one
//! can hide.
use freehold::isolation::{Scope, Sqlx, TokioPostgres, Write};

async fn sqlx(mut scope: Scope<Sqlx, Write>) {
    let _connection: &mut sqlx::PgConnection = &mut scope;
    let _connection = &mut *scope;
    let _lease = scope.lease;
    let _transaction = sqlx::Connection::begin(&mut scope).await;
}

async fn tokio_postgres(scope: Scope<TokioPostgres, Write>) {
    let _client: &tokio_postgres::Client = &scope;
    let _ = scope.batch_execute("select 1; select 2").await;
    let _ = scope.simple_query("select 1; select 2").await;
}

fn main() {}
