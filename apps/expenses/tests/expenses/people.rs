use freehold::tenant::Model;
use http::Method;
use http::header::SET_COOKIE;
use serde_json::json;

use crate::client::PASSWORD;
use crate::support::{Site, owner};

#[tokio::test]
async fn a_login_sets_a_cookie_for_this_host_alone_and_a_logout_ends_it_everywhere() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let answer =
        ann.nobody().post("/api/login", json!({"email": owner("acme"), "password": PASSWORD})).await.expect(204);
    let cookie = answer.headers[SET_COOKIE].to_str().unwrap();
    let (name_and_value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(name_and_value.len(), "session=".len() + 43);
    assert_eq!(attributes, "Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax");

    let copy = ann.clone();
    let cleared = ann.post("/api/logout", json!({})).await.expect(204);
    assert!(cleared.headers[SET_COOKIE].to_str().unwrap().starts_with("session=; Path=/; Max-Age=0"));
    copy.get("/api/expenses").await.refused(401, "not_logged_in", "/api/login");
    // The other session of the same person goes on.
    let mut other = ann;
    other.cookie = Some(answer.cookie());
    other.get("/api/expenses").await.expect(200);
}

#[tokio::test]
async fn a_session_that_ran_out_is_nobodys() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let tenant = site.deployment.freehold.directory().find(&"acme".parse().unwrap()).unwrap();
    let mut scope = site.deployment.freehold.tenant_db::<freehold::isolation::Sqlx>(&tenant).write();
    sqlx::query("update sessions set expires_at = now()").execute(&mut scope).await.unwrap();
    scope.commit().await.unwrap();
    ann.get("/api/expenses").await.refused(401, "not_logged_in", "log in");
}

#[tokio::test]
async fn a_wrong_address_and_a_wrong_password_are_answered_alike() {
    let site = Site::start().await;
    let nobody = site.organisation("acme", Model::Shared).await.nobody();
    let wrong = [
        json!({"email": owner("acme"), "password": "battery staple"}),
        json!({"email": "eve@example.com", "password": PASSWORD}),
        json!({"email": owner("acme"), "password": ""}),
    ];
    let mut answers = Vec::new();
    for credentials in wrong {
        let answer = nobody.post("/api/login", credentials).await.expect(401);
        assert!(!answer.headers.contains_key(SET_COOKIE));
        answers.push(answer.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    // Addresses do not depend on case.
    nobody.post("/api/login", json!({"email": owner("ACME"), "password": PASSWORD})).await.expect(204);
}

#[tokio::test]
async fn what_is_no_session_is_refused() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let genuine = ann.cookie.clone().unwrap();
    let forged = format!("session={}", "A".repeat(43));
    for cookie in ["session=", "session=x", &forged, &format!("{genuine}x"), &format!("{forged}; {genuine}"), "other=1"]
    {
        let mut eve = ann.clone();
        eve.cookie = Some(cookie.to_owned());
        eve.get("/api/expenses").await.refused(401, "not_logged_in", "log in");
    }
    ann.nobody().get("/api/expenses").await.refused(401, "not_logged_in", "log in");
}

#[tokio::test]
async fn a_page_of_another_site_or_organisation_cannot_send_a_change() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let own = format!("http://{}", ann.host);
    for (header, value, status) in [
        ("origin", "http://evil.example", 403),
        ("origin", "http://other.localhost", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", own.as_str(), 201),
        ("sec-fetch-site", "same-origin", 201),
    ] {
        let request =
            ann.request(Method::POST, "/api/expenses").header(header, value).header("content-type", "application/json");
        let body = json!({"date": "2026-01-31", "amount": "1.00"}).to_string();
        let answer = ann.send(request.body(http_body_util::Full::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{header}: {value}: {}", answer.text());
    }
}

#[tokio::test]
async fn owners_add_members_and_nobody_else_does() {
    Site::under_each_model(async |twins| {
        let member = twins.a.with_member("mia@example.com", "member").await;
        let approver = twins.a.with_member("Abe@Example.com ", "approver").await;
        let second = twins.a.with_member("olga@example.com", "owner").await;
        let new = json!({"email": "new@example.com", "password": PASSWORD, "role": "member"});
        for person in [&member, &approver] {
            person.post("/api/members", new.clone()).await.refused(403, "forbidden", "owners");
        }
        twins.a.nobody().post("/api/members", new.clone()).await.refused(401, "not_logged_in", "log in");
        let added = second.post("/api/members", new.clone()).await.expect(201).json();
        assert_eq!((&added["email"], &added["role"]), (&json!("new@example.com"), &json!("member")));
        assert!(!added.to_string().contains(PASSWORD));
        second.post("/api/members", new.clone()).await.refused(409, "member_exists", "new@example.com");
        // The same address in the other organisation is another person.
        twins.b.post("/api/members", new).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn what_a_member_cannot_have_is_named() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (field, value, words) in [
        ("email", json!("x"), "e-mail"),
        ("password", json!("short"), "8 to 200"),
        ("role", json!("boss"), "boss"),
        ("role", json!(null), "role"),
    ] {
        let mut new = json!({"email": "new@example.com", "password": PASSWORD, "role": "member"});
        new[field] = value;
        ann.post("/api/members", new).await.refused(422, "invalid", words);
    }
}

#[tokio::test]
async fn a_login_of_nobody_takes_as_long_as_a_login_of_somebody() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for n in 0..3 {
        ann.with_member(&format!("somebody{n}@example.com"), "member").await;
    }
    let time = async |email: String| {
        let began = std::time::Instant::now();
        let wrong = json!({"email": email, "password": "battery staple"});
        ann.nobody().post("/api/login", wrong).await.refused(401, "wrong_credentials", "wrong");
        began.elapsed()
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..15 {
        known.push(time(format!("somebody{}@example.com", n % 3)).await);
        unknown.push(time(format!("nobody{n}@example.com")).await);
    }
    known.sort();
    unknown.sort();
    // What they differ by is the hash, which is most of a login. A busy machine makes single ones slow, and none fast.
    assert!(unknown[7] * 2 > known[7], "known {known:?}, unknown {unknown:?}");
}
