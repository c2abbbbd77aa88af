//! Tokens and keys at the gate: what a request is answered that carries one.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freehold::gate::{CurrentTenant, Tenancy};
use freehold::resolve::jwt::{Issuer, Jwt, Key, TenantClaim};
use freehold::resolve::{ApiKeys, Chain, PresentedKey, Subdomain, TokenClaims};
use freehold::tenant::{Model, TenantId};
use freehold_testing::Twins;
use http::{HeaderMap, Request, StatusCode, header};
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{migrations, until};

const SECRET: &[u8] = b"thirty-two bytes that nobody knows";

#[derive(Deserialize)]
struct Person {
    sub: String,
}

async fn whoami(
    CurrentTenant(tenant): CurrentTenant,
    person: Option<TokenClaims<Person>>,
    key: Option<PresentedKey>,
) -> String {
    let person = person.map_or("nobody".to_owned(), |TokenClaims(person)| person.sub);
    format!("{} {person} {}", tenant.slug(), if key.is_some() { "with a key" } else { "without a key" })
}

async fn only_people(TokenClaims(person): TokenClaims<Person>) -> String {
    person.sub
}

async fn only_programs(_: PresentedKey) {}

/// Two tenants behind every resolver at once.
struct Application {
    twins: Twins,
    router: Router,
    keys: ApiKeys,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Application {
    async fn start() -> Self {
        let twins = Twins::start(migrations(), Model::Shared).await;
        let keys = ApiKeys::new("shelf").unwrap();
        let issuer = Issuer::new("https://id.example.com", Key::hs256(SECRET).unwrap());
        let tokens = Jwt::new("shelf", TenantClaim::Id("tenant_id".into()), [issuer]).unwrap().beside(&keys);
        let chain = Chain::new(Subdomain::of(["shelf.test"]).unwrap()).then(keys.clone()).then(tokens);
        let tenants = Router::new()
            .route("/", get(whoami))
            .route("/people", get(only_people))
            .route("/programs", get(only_programs));
        let base = Router::new().route("/", get(|| async { "the front page" }));
        let router = Tenancy::new(&twins.deployment.freehold, chain).router(tenants, base);
        Self { twins, router, keys }
    }

    fn token(&self, tenant: TenantId, instead: Value) -> String {
        let mut claims = json!({"iss": "https://id.example.com", "aud": "shelf", "sub": "ada", "tenant_id": tenant,
                                "exp": get_current_timestamp() + 300});
        for (name, value) in instead.as_object().unwrap() {
            claims[name] = value.clone();
        }
        encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET)).unwrap()
    }

    async fn get(&self, host: &str, path: &str, tokens: &[&str]) -> Answer {
        let mut request = Request::get(path).header(header::HOST, host);
        for token in tokens {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, headers, body: String::from_utf8(body.into()).unwrap() }
    }
}

impl Answer {
    #[track_caller]
    fn is_refused(&self, status: StatusCode, code: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(serde_json::from_str::<Value>(&self.body).unwrap()["code"], code);
        self
    }

    #[track_caller]
    fn challenges(&self, challenge: &str) {
        assert_eq!(self.headers[header::WWW_AUTHENTICATE], challenge);
    }
}

#[tokio::test]
async fn a_token_says_whose_request_it_is_wherever_it_arrives() {
    let application = Application::start().await;
    let token = application.token(application.twins.a.tenant.id(), json!({}));
    for host in ["anna.shelf.test", "shelf.test", "api.elsewhere.test"] {
        let answer = application.get(host, "/", &[&token]).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "anna ada without a key"), "{host}");
    }
    assert_eq!(application.get("shelf.test", "/", &[]).await.body, "the front page");
}

#[tokio::test]
async fn a_token_or_a_key_of_a_on_the_host_of_b_is_a_conflict() {
    let application = Application::start().await;
    let a = application.twins.a.tenant.id();
    let (token, key) = (application.token(a, json!({})), application.keys.generate(a));
    for token in [token.as_str(), key.expose_secret()] {
        assert_eq!(application.get("anna.shelf.test", "/", &[token]).await.status, StatusCode::OK);
        // Nor does the answer say whether there is somebody of that name.
        for host in ["bert.shelf.test", "nobody.shelf.test"] {
            let answer = application.get(host, "/", &[token]).await;
            answer.is_refused(StatusCode::BAD_REQUEST, "tenant_conflict");
            assert!(!answer.body.contains("anna") && !answer.body.contains(&a.to_string()), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_refuses_the_request_although_the_host_names_a_tenant() {
    let application = Application::start().await;
    let a = application.twins.a.tenant.id();
    let valid = application.token(a, json!({}));
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), valid.split('.').nth(1).unwrap());
    let key = application.keys.generate(a);
    let mistyped = format!("{}0", &key.expose_secret()[..key.expose_secret().len() - 1]);
    let mistyped = if mistyped == key.expose_secret() { mistyped.replace("0", "1") } else { mistyped };
    for (what, tokens) in [
        ("expired", vec![application.token(a, json!({"exp": 1}))]),
        ("for others", vec![application.token(a, json!({"aud": "other"}))]),
        ("of others", vec![application.token(a, json!({"iss": "https://attacker.example"}))]),
        ("for no tenant", vec![application.token(a, json!({"tenant_id": null}))]),
        ("unsigned", vec![unsigned]),
        ("cut off", vec![valid[..valid.len() - 1].to_owned()]),
        ("huge", vec![format!("{valid}{}", "a".repeat(100_000))]),
        ("said twice", vec![valid.clone(), valid.clone()]),
        ("a mistyped key", vec![mistyped]),
        ("no token at all", vec!["anna".to_owned()]),
    ] {
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        let answer = application.get("anna.shelf.test", "/", &tokens).await;
        println!("{what}");
        answer.is_refused(StatusCode::UNAUTHORIZED, "invalid_token").challenges("Bearer error=\"invalid_token\"");
        assert!(!answer.body.contains("anna"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_handler_that_needs_a_token_or_a_key_asks_for_it() {
    let application = Application::start().await;
    let a = application.twins.a.tenant.id();
    let (token, key) = (application.token(a, json!({})), application.keys.generate(a));
    let get = |path: &'static str, token: Option<&str>| {
        let tokens: Vec<String> = token.map(str::to_owned).into_iter().collect();
        let application = &application;
        async move {
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            application.get("anna.shelf.test", path, &tokens).await
        }
    };
    assert_eq!(get("/people", Some(&token)).await.body, "ada");
    assert_eq!(get("/programs", Some(key.expose_secret())).await.status, StatusCode::OK);
    for token in [None, Some(key.expose_secret())] {
        get("/people", token).await.is_refused(StatusCode::UNAUTHORIZED, "token_required").challenges("Bearer");
    }
    for token in [None, Some(token.as_str())] {
        get("/programs", token).await.is_refused(StatusCode::UNAUTHORIZED, "api_key_required").challenges("Bearer");
    }
    let without_a_name = application.token(a, json!({"sub": null}));
    let answer = get("/people", Some(&without_a_name)).await;
    answer.is_refused(StatusCode::UNAUTHORIZED, "invalid_token").challenges("Bearer error=\"invalid_token\"");
}

#[tokio::test]
async fn a_token_outlives_a_rename_and_not_the_tenants_right_to_be_served() {
    let application = Application::start().await;
    let (deployment, a) = (&application.twins.deployment, application.twins.a.tenant.id());
    let token = application.token(a, json!({}));
    let catalog = freehold_testing::connect("postgres", deployment.catalog_database()).await;
    catalog.execute("update catalog.tenants set slug = 'renamed' where id = $1", &[a.as_uuid()]).await.unwrap();
    until("the directory knows", || async {
        deployment.freehold.directory().get(a).unwrap().slug().as_str() == "renamed"
    })
    .await;
    assert_eq!(application.get("shelf.test", "/", &[&token]).await.body, "renamed ada without a key");
    application.get("anna.shelf.test", "/", &[&token]).await.is_refused(StatusCode::BAD_REQUEST, "tenant_conflict");

    catalog.execute("update catalog.tenants set status = 'suspended' where id = $1", &[a.as_uuid()]).await.unwrap();
    let suspended = freehold::tenant::Status::Suspended;
    until("the directory knows", || async { deployment.freehold.directory().get(a).unwrap().status() == suspended })
        .await;
    application.get("shelf.test", "/", &[&token]).await.is_refused(StatusCode::PAYMENT_REQUIRED, "suspended");

    let stranger = application.token(TenantId::generate(), json!({}));
    application.get("shelf.test", "/", &[&stranger]).await.is_refused(StatusCode::NOT_FOUND, "unknown_tenant");
}
