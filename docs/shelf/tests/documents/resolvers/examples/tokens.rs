use axum::Json;
use axum::routing::{Router, get};
use freehold::Freehold;
use freehold::gate::{CurrentTenant, Tenancy};
use freehold::resolve::jwt::{Issuer, Jwt, PublishedKeys, TenantClaim};
use freehold::resolve::{Chain, Subdomain, TokenClaims};
use serde::Deserialize;

fn router(freehold: &Freehold) -> Result<Router, Box<dyn std::error::Error>> {
    let keys = PublishedKeys::at("https://id.example.com/.well-known/jwks.json")?;
    let issuer = Issuer::new("https://id.example.com", keys);
    let tokens = Jwt::new("shelf-api", TenantClaim::Id("tenant_id".into()), [issuer])?;
    let chain = Chain::new(Subdomain::of(["example.com"])?).then(tokens);
    let tenants = Router::new().route("/me", get(me));
    Ok(Tenancy::new(freehold, chain).router(tenants, Router::new()))
}

#[derive(Deserialize)]
struct Person {
    sub: String,
}

async fn me(
    CurrentTenant(tenant): CurrentTenant,
    TokenClaims(person): TokenClaims<Person>,
) -> Json<[String; 2]> {
    Json([tenant.slug().to_string(), person.sub])
}
