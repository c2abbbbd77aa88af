//! A scope is one connection.
use freehold::isolation::{Sqlx, TenantDb, TokioPostgres};

async fn sqlx(db: TenantDb<Sqlx>) {
    let mut scope = db.read();
    let one = sqlx::query("select 1").execute(&mut scope);
    let two = sqlx::query("select 2").execute(&mut scope);
    let _ = (one.await, two.await);
}

async fn tokio_postgres(db: TenantDb<TokioPostgres>) {
    let mut scope = db.read();
    let one = scope.query("select 1", &[]);
    let two = scope.query("select 2", &[]);
    let _ = (one.await, two.await);
}

async fn outer_beside_nested(db: TenantDb<TokioPostgres>) {
    let mut scope = db.write();
    let mut nested = scope.nested().await.unwrap();
    let _ = scope.query("select 1", &[]).await;
    let _ = nested.query("select 2", &[]).await;
}

fn main() {}
