//! A kept statement can be read by the next tenant on the connection.
use freehold::isolation::{Scope, Sqlx, TokioPostgres, Write};

async fn tokio_postgres(mut scope: Scope<TokioPostgres, Write>, name: String) {
    let text = format!("select text from notes where text = '{name}'");
    let _ = scope.query(&text, &[]).await;
}

async fn sqlx(mut scope: Scope<Sqlx, Write>, name: String) {
    let text = format!("select text from notes where text = '{name}'");
    let _ = sqlx::query(text).execute(&mut scope).await;
}

fn main() {}
