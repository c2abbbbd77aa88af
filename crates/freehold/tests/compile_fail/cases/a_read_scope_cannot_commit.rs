//! There is nothing to keep.
use freehold::isolation::{Sqlx, TenantDb, TokioPostgres};

async fn sqlx(db: TenantDb<Sqlx>) {
    let scope = db.read();
    scope.commit().await.unwrap();
}

async fn tokio_postgres(db: TenantDb<TokioPostgres>) {
    let scope = db.read();
    scope.execute_and_commit("delete from notes", &[]).await.unwrap();
}

fn main() {}
