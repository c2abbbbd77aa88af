//! Books on the shelves of organisations.

use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use freehold::gate::Tenancy;
use freehold::isolation::{ScopeError, Sqlx, TenantDb};
use freehold::resolve::{Chain, InvalidBaseDomain, Subdomain};
use freehold::tenant::{Model, Slug};
use freehold::{Config, Freehold, NewTenant, ProvisionError};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(test)]
mod tests;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let freehold = Freehold::connect(Config::from_env()?).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, router(&freehold)?).await?)
}

fn router(freehold: &Freehold) -> Result<Router, InvalidBaseDomain> {
    // localhost:8080 is the application itself, acme.localhost:8080 the organisation with the slug `acme`.
    let base = Router::new()
        .route("/signup", post(sign_up))
        .with_state(freehold.clone());
    let tenants = Router::new().route("/books", get(books).post(add_book));
    Ok(Tenancy::new(freehold, Chain::new(Subdomain::of(["localhost"])?)).router(tenants, base))
}

#[derive(Serialize, Deserialize, sqlx::FromRow)]
struct Book {
    title: String,
    pages: i64,
}

async fn books(db: TenantDb<Sqlx>) -> Result<Json<Vec<Book>>, ScopeError> {
    let mut scope = db.read();
    let books = sqlx::query_as("select title, pages from books order by title")
        .fetch_all(&mut scope)
        .await?;
    Ok(Json(books))
}

async fn add_book(db: TenantDb<Sqlx>, Json(book): Json<Book>) -> Result<StatusCode, ScopeError> {
    let mut scope = db.write();
    sqlx::query("insert into books (id, title, pages) values ($1, $2, $3)")
        .bind(Uuid::now_v7())
        .bind(book.title)
        .bind(book.pages)
        .execute(&mut scope)
        .await?;
    scope.commit().await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
struct SignUp {
    slug: Slug,
    name: String,
    model: Model,
    /// Of the caller's choice: the same sign-up sent again carries the same one.
    request: Uuid,
}

async fn sign_up(
    State(freehold): State<Freehold>,
    Json(form): Json<SignUp>,
) -> Result<StatusCode, ProvisionError> {
    let new = NewTenant {
        slug: form.slug,
        name: form.name,
        model: form.model,
        idempotency_key: form.request.to_string(),
        requested_by: "sign-up".to_owned(),
    };
    freehold.provision(&new, Duration::from_secs(30)).await?;
    Ok(StatusCode::CREATED)
}
