use http::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::support::Site;

/// Every operation of an organisation's host that needs a session, from the description of the API, with `id` in its path.
async fn operations(client: &Client, id: &str) -> Vec<(Method, String)> {
    let document = client.get("/api/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push((method, path.replace("{id}", id)));
        }
    }
    operations.retain(|(_, path)| !["/api/signup", "/healthz", "/api/login", "/api/tokens"].contains(&path.as_str()));
    assert!(operations.len() >= 12, "{operations:?}");
    operations
}

/// A body every operation could take, were it not for who sends it.
fn body() -> Value {
    json!({
        "date": "2026-01-01", "amount": "1.00", "name": "x", "email": "x@example.com", "password": "xxxxxxxx",
        "role": "member", "scope": "read", "period": "month", "version": 1,
    })
}

#[tokio::test]
async fn every_operation_refuses_nobody_and_the_session_of_another_organisation() {
    Site::under_each_model(async |twins| {
        let (a, b) = (&twins.a, &twins.b);
        let id = b.add(json!({"date": "2026-01-01", "amount": "1.00"})).await;
        let before = b.get("/api/expenses").await.json();
        let mut eve = b.nobody();
        eve.cookie = a.cookie.clone();
        for (method, path) in operations(a, &id).await {
            for client in [&eve, &b.nobody()] {
                println!("{method} {path}");
                client.send_json(method.clone(), &path, body()).await.refused(401, "not_logged_in", "log in");
            }
        }
        assert_eq!(b.get("/api/expenses").await.json(), before);
    })
    .await;
}

#[tokio::test]
async fn what_another_organisation_has_is_not_there() {
    Site::under_each_model(async |twins| {
        let (a, b) = (&twins.a, &twins.b);
        let header = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";
        let import = b.import(format!("{header}wrong,1,u,secret,,\n")).await.expect(200).json();
        let rejections = import["rejections_url"].as_str().unwrap();
        b.get(rejections).await.expect(200);
        a.get(rejections).await.refused(404, "not_found", "nothing");

        let id = b
            .add(json!({"date": "2026-01-01", "amount": "1.00", "supplier": "Secret Ltd", "category": "Secret"}))
            .await;
        for (method, path) in operations(a, &id).await {
            if path.contains(&id) {
                let answer = a.send_json(method, &path, body()).await;
                answer.refused(404, "not_found", "nothing");
            }
        }
        assert_eq!(b.get(&format!("/api/expenses/{id}")).await.expect(200).json()["amount"], "1.00");
        for path in [
            "/api/expenses",
            "/api/expenses?supplier=Secret%20Ltd",
            "/api/categories",
            "/api/reports/monthly",
            "/api/reports/by-unit",
            "/api/reports/by-supplier",
            "/api/imports",
        ] {
            let answer = a.get(path).await.expect(200);
            assert!(!answer.text().contains("Secret") && !answer.text().contains("1.00"), "{path}: {}", answer.text());
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_another_organisation_is_a_place_in_the_own_list() {
    Site::under_each_model(async |twins| {
        let mut own = Vec::new();
        for day in 1..=3 {
            let expense = json!({"date": format!("2026-01-0{day}"), "amount": "1.00"});
            own.insert(0, json!(twins.a.add(expense.clone()).await));
            twins.b.add(expense).await;
        }
        let foreign = twins.b.get("/api/expenses?limit=1").await.json()["next"].as_str().unwrap().to_owned();
        let page = twins.a.get(&format!("/api/expenses?cursor={foreign}")).await.expect(200).json();
        let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
        // Of the same day, B's came last.
        assert_eq!(ids, own);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_names_another_tenant_writes_into_the_own() {
    Site::under_each_model(async |twins| {
        let other = twins.b.host.split('.').next().unwrap();
        let other = twins.site.deployment.freehold.directory().find(&other.parse().unwrap()).unwrap();
        let id = twins.a.add(json!({"tenant_id": other.id(), "date": "2026-01-01", "amount": "1.00"})).await;
        twins.a.get(&format!("/api/expenses/{id}")).await.expect(200);
        twins.b.get(&format!("/api/expenses/{id}")).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn the_host_alone_says_which_organisation_is_meant() {
    Site::under_each_model(async |twins| {
        let id = twins.b.add(json!({"date": "2026-01-01", "amount": "1.00"})).await;
        for (header, value) in [
            ("x-forwarded-host", twins.b.host.as_str()),
            ("forwarded", &format!("host={}", twins.b.host)),
            ("x-tenant", "bert"),
            ("x-tenant-id", "bert"),
        ] {
            let request = twins.a.request(Method::GET, &format!("/api/expenses/{id}")).header(header, value);
            twins.a.send(request.body(http_body_util::Empty::new()).unwrap()).await.refused(
                404,
                "not_found",
                "nothing",
            );
        }
        let two_hosts = twins.a.request(Method::GET, "/api/expenses").header("host", &twins.b.host);
        twins.a.send(two_hosts.body(http_body_util::Empty::new()).unwrap()).await.expect(400);
    })
    .await;
}
