//! The application over HTTP, under every model.

use axum::body::{Body, to_bytes};
use freehold_testing::{Twins, under_every_model};
use http::Request;
use tower::ServiceExt;

use super::*;

async fn send(
    twins: &Twins,
    host: &str,
    request: http::request::Builder,
    body: &'static str,
) -> (StatusCode, String) {
    let router = router(&twins.deployment.freehold).unwrap();
    let request = request
        .header("host", host)
        .header("content-type", "application/json");
    let response = router
        .oneshot(request.body(Body::from(body)).unwrap())
        .await
        .unwrap();
    let status = response.status();
    (
        status,
        String::from_utf8(
            to_bytes(response.into_body(), usize::MAX)
                .await
                .unwrap()
                .into(),
        )
        .unwrap(),
    )
}

under_every_model! {
    "migrations";

    async fn a_book_is_on_the_shelf_of_its_organisation_alone(twins: Twins) {
        let emma = r#"{"title": "Emma", "pages": 512}"#;
        let (status, _) = send(&twins, "anna.localhost", Request::post("/books"), emma).await;
        assert_eq!(status, StatusCode::CREATED);
        let (_, of_anna) = send(&twins, "anna.localhost", Request::get("/books"), "").await;
        let (_, of_bert) = send(&twins, "bert.localhost", Request::get("/books"), "").await;
        assert_eq!((of_anna.as_str(), of_bert.as_str()), (r#"[{"title":"Emma","pages":512}]"#, "[]"));
    }
}
