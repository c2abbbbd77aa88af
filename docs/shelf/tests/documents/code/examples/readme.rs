use axum::Json;
use freehold::isolation::{ScopeError, Sqlx, TenantDb};
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize, sqlx::FromRow)]
struct Spinner {
    id: Uuid,
    name: String,
}

#[rustfmt::skip]
async fn spinners(db: TenantDb<Sqlx>) -> Result<Json<Vec<Spinner>>, ScopeError> {
    let mut scope = db.read();                     // one tenant, one transaction, from the first statement on
    let spinners = sqlx::query_as("select id, name from spinners order by name").fetch_all(&mut scope).await?;
    Ok(Json(spinners))                             // of the organisation whose host the request named
}
