use std::time::Duration;

use freehold::tenant::{Model, Status};
use freehold_control::Change;
use http::Method;
use http::header::{ALLOW, CONTENT_TYPE};
use http_body_util::Full;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{Site, sign_up};

#[tokio::test]
async fn every_wrong_address_and_method_is_answered_with_a_problem() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for client in [&ann, &site.base()] {
        client.get("/nowhere").await.refused(404, "not_found", "nothing");
        client.get("/api/").await.refused(404, "not_found", "nothing");
    }
    site.base().get("/api/expenses").await.refused(404, "not_found", "nothing");
    ann.post("/api/signup", json!({})).await.refused(404, "not_found", "nothing");
    let answer = ann.delete("/api/expenses").await;
    assert_eq!(answer.headers[ALLOW].to_str().unwrap().replace(' ', ""), "GET,HEAD,POST");
    answer.refused(405, "method_not_allowed", "Allow");
    site.base().get("/api/signup").await.refused(405, "method_not_allowed", "Allow");
    site.host("nobody").get("/").await.refused(404, "unknown_tenant", "no organisation");
    site.host("www").get("/").await.refused(404, "unknown_tenant", "no organisation");
}

#[tokio::test]
async fn every_wrong_body_is_answered_with_a_problem() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (kind, body, status, code) in [
        ("application/json", "{".to_owned(), 400, "malformed_json"),
        ("application/json", String::new(), 400, "malformed_json"),
        ("application/json", "[]".to_owned(), 422, "invalid"),
        ("application/json", r#"["2026-01-31","1.00",null,"s","c","u","d",null]"#.to_owned(), 422, "invalid"),
        ("application/json", "\"\\ud800\"".to_owned(), 400, "malformed_json"),
        ("text/plain", "{}".to_owned(), 415, "unsupported_media_type"),
        ("application/json", format!("\"{}\"", "x".repeat(300_000)), 413, "too_large"),
    ] {
        let request =
            ann.request(Method::POST, "/api/expenses").header(CONTENT_TYPE, kind).body(Full::from(body)).unwrap();
        ann.send(request).await.refused(status, code, "");
    }
}

#[tokio::test]
async fn a_suspended_organisation_is_locked_and_one_that_may_only_read_cannot_write() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let expense = json!({"date": "2026-01-31", "amount": "1.00"});

    change(&site, &Change::Suspend, Some(Status::Suspended)).await;
    ann.get("/api/expenses").await.refused(402, "suspended", "nothing of it is lost");
    ann.nobody().post("/api/login", json!({})).await.refused(402, "suspended", "nothing of it is lost");
    site.base().post("/api/signup", sign_up("acme", Model::Shared)).await.refused(409, "slug_taken", "acme");

    change(&site, &Change::Resume, Some(Status::Active)).await;
    change(&site, &Change::ReadOnly, Some(Status::ReadOnly)).await;
    ann.get("/api/expenses").await.expect(200);
    ann.post("/api/expenses", expense.clone()).await.refused(402, "read_only", "for now");

    change(&site, &Change::Resume, Some(Status::Active)).await;
    ann.post("/api/expenses", expense).await.expect(201);
}

#[tokio::test]
async fn a_deleted_organisation_is_gone_and_its_slug_is_free_again() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    change(&site, &Change::Delete { grace: Duration::ZERO }, None).await;
    ann.get("/api/expenses").await.refused(404, "unknown_tenant", "no organisation");
    // Somebody else first: whoever had it before has no claim to it, nor to what is there now.
    let mut form = sign_up("acme", Model::Schema);
    form["email"] = "eve@example.com".into();
    site.base().post("/api/signup", form).await.expect(201);
    ann.get("/api/expenses").await.refused(401, "not_logged_in", "log in");

    // Then the same one again, word for word: a new organisation, not the answer to the first sign-up.
    change(&site, &Change::Delete { grace: Duration::ZERO }, None).await;
    site.base().post("/api/signup", sign_up("acme", Model::Schema)).await.expect(201);
    ann.get("/api/expenses").await.refused(401, "not_logged_in", "log in");
}

/// Changes organisation `acme`, and waits until the application knows.
async fn change(site: &Site, change: &Change, status: Option<Status>) {
    let (slug, directory) = ("acme".parse().unwrap(), site.deployment.freehold.directory());
    let mut changes = directory.changes();
    site.deployment.control.change(&slug, change, "test", "to see what happens").await.unwrap();
    let known = async {
        while directory.find(&slug).map(|tenant| tenant.status()) != status {
            changes.changed().await.unwrap();
        }
    };
    timeout(Duration::from_secs(10), known).await.expect("the application learns of a change");
}

#[tokio::test]
async fn health_is_good_while_the_catalog_answers() {
    let site = Site::start().await;
    // The worker that was started last may not be connected yet.
    let healthy = async { while site.base().get("/healthz").await.status != 200 {} };
    timeout(Duration::from_secs(30), healthy).await.expect("the worker connects");
    let server = freehold_testing::connect("postgres", "postgres").await;
    let catalog = site.deployment.catalog_database();
    server.batch_execute(&format!("alter database {catalog} allow_connections false")).await.unwrap();
    // What was heard a moment ago is believed.
    let unhealthy = async { while site.base().get("/healthz").await.status == 200 {} };
    timeout(Duration::from_secs(30), unhealthy).await.expect("it is noticed");
    site.base().get("/healthz").await.refused(503, "unavailable", "sign up");
    server.batch_execute(&format!("alter database {catalog} allow_connections true")).await.unwrap();
    site.base().get("/healthz").await.expect(200);
}
