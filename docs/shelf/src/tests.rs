//! The application over HTTP, under every model.

use axum::body::{Body, to_bytes};
use freehold_testing::{Deployment, Twins, under_every_model};
use http::Request;
use http::request::Builder;
use tower::ServiceExt;

use super::*;

async fn send(
    freehold: &Freehold,
    host: &str,
    request: Builder,
    body: &'static str,
) -> (StatusCode, String) {
    let request = request
        .header("host", host)
        .header("content-type", "application/json");
    let answer = router(freehold)
        .unwrap()
        .oneshot(request.body(Body::from(body)).unwrap())
        .await
        .unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.into()).unwrap())
}

under_every_model! {
    "migrations";

    async fn a_book_is_on_the_shelf_of_its_organisation_alone(twins: Twins) {
        let freehold = &twins.deployment.freehold;
        let emma = r#"{"title": "Emma", "pages": 512}"#;
        let (status, _) = send(freehold, "anna.localhost", Request::post("/books"), emma).await;
        assert_eq!(status, StatusCode::CREATED);
        let (_, of_anna) = send(freehold, "anna.localhost", Request::get("/books"), "").await;
        let (_, of_bert) = send(freehold, "bert.localhost", Request::get("/books"), "").await;
        assert_eq!((of_anna.as_str(), of_bert.as_str()), (r#"[{"title":"Emma","pages":512}]"#, "[]"));
    }
}

#[tokio::test]
async fn who_signs_up_has_an_empty_shelf() {
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut deployment = Deployment::start(migrations).await;
    deployment.start_worker();
    let form = r#"{"slug": "acme", "name": "Acme", "model": "schema",
                   "request": "6f9e9a0c-5b7d-4bb1-9d0b-3c9f6d2f1a55"}"#;
    let freehold = &deployment.freehold;
    let (status, _) = send(freehold, "localhost", Request::post("/signup"), form).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, books) = send(freehold, "acme.localhost", Request::get("/books"), "").await;
    assert_eq!(books, "[]");
}
