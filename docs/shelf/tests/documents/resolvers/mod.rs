use std::fs;
use std::path::Path;

use axum::body::{Body, to_bytes};
use freehold::resolve::ApiKeys;
use freehold_testing::{Twins, under_every_model};
use http::{Request, StatusCode};
use tower::ServiceExt;

use crate::document::blocks_of;

/// The examples of the page, as they are there.
mod examples {
    pub(super) mod keys;
    #[expect(dead_code, reason = "its issuer is not there to be asked")]
    mod tokens;
}

const PAGE: &str = "guides/resolvers.md";
const DIRECTORY: &str = "tests/documents/resolvers";

#[test]
fn the_page_on_resolvers_shows_code_and_a_table_that_work() {
    let blocks = blocks_of(PAGE);
    for (kind, file) in [
        ("rust tokens", "examples/tokens.rs"),
        ("rust keys", "examples/keys.rs"),
        ("sql api_keys", "migrations/tenant/0001_create_api_keys.sql"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(DIRECTORY)
            .join(file);
        let text = fs::read_to_string(path).unwrap();
        let block = blocks.iter().find(|block| block.kind == kind).unwrap();
        assert_eq!(
            block.text,
            text.replace("pub(in super::super) ", ""),
            "{PAGE} shows another {file}"
        );
    }
}

async fn ask(
    twins: &Twins,
    host: &str,
    request: http::request::Builder,
    body: &str,
) -> (StatusCode, String) {
    let router = examples::keys::router(&twins.deployment.freehold).unwrap();
    let request = request
        .header("host", host)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.into()).unwrap())
}

under_every_model! {
    "tests/documents/resolvers/migrations";

    async fn a_key_lets_a_program_in_where_it_was_given_out_and_nowhere_else(twins: Twins) {
        let (status, key) = ask(&twins, "anna.example.com", Request::post("/keys"), "import").await;
        assert_eq!(status, StatusCode::OK, "{key}");
        let whoami = |key: &str| Request::get("/whoami").header("authorization", format!("Bearer {key}"));
        for host in ["anna.example.com", "example.com", "api.elsewhere.test"] {
            assert_eq!(ask(&twins, host, whoami(&key), "").await, (StatusCode::OK, "import".to_owned()), "{host}");
        }
        assert_eq!(ask(&twins, "bert.example.com", whoami(&key), "").await.0, StatusCode::BAD_REQUEST);

        // A key that nobody gave out, well-formed, for the one and for the other.
        let keys = ApiKeys::new("shelf").unwrap();
        for tenant in [&twins.a.tenant, &twins.b.tenant] {
            let made_up = keys.generate(tenant.id());
            let (status, answer) = ask(&twins, "example.com", whoami(made_up.expose_secret()), "").await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
            assert!(answer.contains("invalid_token"), "{answer}");
        }
        assert_eq!(ask(&twins, "anna.example.com", Request::get("/whoami"), "").await.0, StatusCode::UNAUTHORIZED);

        // Even with its digest in B's table a key stays A's: what it says itself is whom it is for.
        let digest = keys.parse(&key).unwrap().digest();
        let of_b = twins.truth(&twins.b).await;
        of_b.execute(
            "insert into api_keys (tenant_id, name, digest, expires_at) values ($1, 'stolen', $2, now() + interval '1 day')",
            &[twins.b.tenant.id().as_uuid(), &digest.as_bytes()],
        ).await.unwrap();
        assert_eq!(ask(&twins, "example.com", whoami(&key), "").await.1, "import");

        let of_a = twins.truth(&twins.a).await;
        of_a.execute("update api_keys set expires_at = now() where tenant_id = $1", &[twins.a.tenant.id().as_uuid()]).await.unwrap();
        assert_eq!(ask(&twins, "anna.example.com", whoami(&key), "").await.0, StatusCode::UNAUTHORIZED);
    }
}
