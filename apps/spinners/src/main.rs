//! The Enterprise Fidget Spinner tracker: the smallest application on Freehold.
//!
//! Every organisation is a tenant, in shared tables, in a schema or in a database of its own, and nothing below knows which:
//! a handler asks for [`TenantDb`], opens a scope, and runs plain SQL that sees the rows of one organisation.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use freehold::gate::Tenancy;
use freehold::isolation::{ScopeError, Sqlx, TenantDb};
use freehold::resolve::{Chain, Subdomain};
use freehold::tenant::{Model, Slug};
use freehold::{Config, Freehold, NewTenant, ProvisionError};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// What creates something answers with its id.
type Created = Result<(StatusCode, Json<Uuid>), ScopeError>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let freehold = Freehold::connect(Config::from_env()?).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    tracing::info!("serving http://localhost:8080");
    Ok(axum::serve(listener, router(&freehold)?).await?)
}

/// `localhost` is for everybody; `acme.localhost` is for the organisation with the slug `acme`.
fn router(freehold: &Freehold) -> anyhow::Result<Router> {
    let base = Router::new().route("/organisations", post(sign_up));
    let tenants = Router::new()
        .route("/owners", post(add_owner))
        .route("/spinners", get(spinners).post(add_spinner))
        .route("/spinners/{id}/spins", post(add_spin))
        .route("/average", get(average));
    let tenancy = Tenancy::new(freehold, Chain::new(Subdomain::of(["localhost"])?));
    Ok(tenancy.router(tenants, base.with_state(freehold.clone())))
}

#[derive(Deserialize)]
struct SignUp {
    slug: Slug,
    name: String,
    model: Model,
    /// Of the caller's choice: the same sign-up sent again carries the same one, and gives the same organisation.
    request: Uuid,
}

/// A worker creates the organisation; this asks for it and waits.
async fn sign_up(State(freehold): State<Freehold>, Json(form): Json<SignUp>) -> Result<StatusCode, ProvisionError> {
    let new = NewTenant {
        slug: form.slug,
        name: form.name,
        model: form.model,
        idempotency_key: form.request.to_string(),
        requested_by: "sign-up".to_owned(),
    };
    freehold.provision(&new, std::time::Duration::from_secs(30)).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
struct NewOwner {
    name: String,
}

async fn add_owner(db: TenantDb<Sqlx>, Json(new): Json<NewOwner>) -> Created {
    let id = Uuid::now_v7();
    let insert = sqlx::query("insert into owners (id, name) values ($1, $2)");
    let mut scope = db.write();
    insert.bind(id).bind(new.name).execute(&mut scope).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Json(id)))
}

#[derive(Serialize, sqlx::FromRow)]
struct Spinner {
    id: Uuid,
    name: String,
    owner: String,
    spins: i64,
    average_milliseconds: Option<f64>,
}

/// The spinners of an organisation, the one that spins longest on average first.
async fn spinners(db: TenantDb<Sqlx>) -> Result<Json<Vec<Spinner>>, ScopeError> {
    let spinners = sqlx::query_as(
        "select s.id, s.name, o.name as owner,
                count(p.id) as spins, avg(p.milliseconds)::float8 as average_milliseconds
         from spinners s join owners o on o.id = s.owner_id left join spins p on p.spinner_id = s.id
         group by s.id, s.name, o.name order by average_milliseconds desc nulls last, s.name",
    );
    Ok(Json(spinners.fetch_all(&mut db.read()).await?))
}

#[derive(Deserialize)]
struct NewSpinner {
    owner_id: Uuid,
    name: String,
}

/// An owner of another organisation does not get past the foreign key, which carries the tenant: 409.
async fn add_spinner(db: TenantDb<Sqlx>, Json(new): Json<NewSpinner>) -> Created {
    let id = Uuid::now_v7();
    let insert = sqlx::query("insert into spinners (id, owner_id, name) values ($1, $2, $3)");
    let insert = insert.bind(id).bind(new.owner_id).bind(new.name);
    let mut scope = db.write();
    insert.execute(&mut scope).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Json(id)))
}

#[derive(Deserialize)]
struct NewSpin {
    milliseconds: i64,
}

/// A spinner of another organisation does not exist here: 404.
async fn add_spin(
    db: TenantDb<Sqlx>,
    Path(spinner): Path<Uuid>,
    Json(new): Json<NewSpin>,
) -> Result<StatusCode, ScopeError> {
    let insert =
        sqlx::query("insert into spins (id, spinner_id, milliseconds) select $1, id, $2 from spinners where id = $3");
    let id = Uuid::now_v7();
    let insert = insert.bind(id).bind(new.milliseconds).bind(spinner);
    let mut scope = db.write();
    let inserted = insert.execute(&mut scope).await?.rows_affected();
    scope.commit().await?;
    match inserted {
        0 => Ok(StatusCode::NOT_FOUND),
        _ => Ok(StatusCode::CREATED),
    }
}

async fn average(db: TenantDb<Sqlx>) -> Result<Json<Option<f64>>, ScopeError> {
    let average = sqlx::query_scalar("select avg(milliseconds)::float8 from spins");
    Ok(Json(average.fetch_one(&mut db.read()).await?))
}
