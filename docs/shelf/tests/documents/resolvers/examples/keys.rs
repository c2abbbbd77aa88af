use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get, post};
use freehold::Freehold;
use freehold::gate::{CurrentTenant, Tenancy};
use freehold::isolation::{ScopeError, Sqlx, TenantDb};
use freehold::resolve::{ApiKeys, Chain, InvalidApiKey, PresentedKey, Subdomain};
use http::request::Parts;

pub(in super::super) fn router(freehold: &Freehold) -> Result<Router, Box<dyn std::error::Error>> {
    let keys = ApiKeys::new("shelf")?;
    let chain = Chain::new(Subdomain::of(["example.com"])?).then(keys.clone());
    let tenants = Router::new()
        .route("/keys", post(issue))
        .route("/whoami", get(whoami))
        .with_state(keys);
    Ok(Tenancy::new(freehold, chain).router(tenants, Router::new()))
}

/// For a person who is logged in and may do this. The answer is the only time the key is shown.
async fn issue(
    State(keys): State<ApiKeys>,
    CurrentTenant(tenant): CurrentTenant,
    db: TenantDb<Sqlx>,
    name: String,
) -> Result<String, ScopeError> {
    let key = keys.generate(tenant.id());
    let mut scope = db.write();
    sqlx::query("insert into api_keys (name, digest, expires_at) values ($1, $2, now() + interval '90 days')")
        .bind(name)
        .bind(key.digest().as_bytes())
        .execute(&mut scope)
        .await?;
    scope.commit().await?;
    Ok(key.expose_secret().to_owned())
}

/// A program that showed a key of the organisation. A handler that takes one runs for nobody else.
struct Program {
    name: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Program {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let key: PresentedKey = parts.extract().await.map_err(IntoResponse::into_response)?;
        let db: TenantDb<Sqlx> = parts.extract().await.map_err(IntoResponse::into_response)?;
        let found = sqlx::query_scalar(
            "select name from api_keys where digest = $1 and expires_at > now()",
        )
        .bind(key.digest().as_bytes())
        .fetch_optional(&mut db.read())
        .await;
        match found {
            Ok(Some(name)) => Ok(Self { name }),
            Ok(None) => Err(InvalidApiKey::Unknown.into_response()),
            Err(error) => Err(ScopeError::from(error).into_response()),
        }
    }
}

async fn whoami(program: Program) -> String {
    program.name
}
