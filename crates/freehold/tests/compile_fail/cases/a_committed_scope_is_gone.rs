//! A statement behind the commit would run outside the transaction, where nothing says for whom.
use freehold::isolation::{Sqlx, TenantDb, TokioPostgres};

async fn sqlx(db: TenantDb<Sqlx>) {
    let mut scope = db.write();
    scope.commit().await.unwrap();
    let _ = sqlx::query("select 1").execute(&mut scope).await;
}

async fn tokio_postgres(db: TenantDb<TokioPostgres>) {
    let mut scope = db.write();
    scope.commit().await.unwrap();
    let _ = scope.query("select 1", &[]).await;
}

fn main() {}
