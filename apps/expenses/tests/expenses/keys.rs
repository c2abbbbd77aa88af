use freehold::resolve::ApiKeys;
use http::Method;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::client::{Answer, Client, PASSWORD};
use crate::support::{Site, Twins, owner};

/// Sends a request with a key and no cookie.
async fn with_key(client: &Client, key: &str, method: Method, path: &str, body: Value) -> Answer {
    let request = client.nobody().request(method, path).header("authorization", format!("Bearer {key}"));
    let request = request.header("content-type", "application/json");
    client.send(request.body(Full::from(body.to_string())).unwrap()).await
}

async fn get(client: &Client, key: &str, path: &str) -> Answer {
    with_key(client, key, Method::GET, path, Value::Null).await
}

async fn key(client: &Client, scope: &str) -> String {
    let made = client.post("/api/keys", json!({"name": "a script", "scope": scope})).await.expect(201).json();
    made["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_lets_a_program_in_at_its_own_organisation_alone() {
    Site::under_each_model(async |Twins { site, a, b }| {
        let mine = key(&a, "manage").await;
        a.add(json!({"date": "2026-01-31", "amount": "1.00"})).await;
        assert_eq!(get(&a, &mine, "/api/expenses").await.expect(200).json()["items"].as_array().unwrap().len(), 1);
        // The key says whose it is, so the base host takes it too.
        assert_eq!(
            get(&site.base(), &mine, "/api/expenses").await.expect(200).json()["items"].as_array().unwrap().len(),
            1
        );
        get(&b, &mine, "/api/expenses").await.refused(400, "tenant_conflict", "two different");

        // A key in due form that names this organisation, and that it gave to nobody.
        let tenant = site.deployment.freehold.directory().find(&a.slug().parse().unwrap()).unwrap();
        let forged = ApiKeys::new("expenses").unwrap().generate(tenant.id());
        get(&a, forged.expose_secret(), "/api/expenses").await.refused(401, "unknown_key", "no such key");
        let theirs = key(&b, "manage").await;

        let id = a.get("/api/keys").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
        b.delete(&format!("/api/keys/{id}")).await.refused(404, "not_found", "nothing");
        a.delete(&format!("/api/keys/{id}")).await.expect(204);
        get(&a, &mine, "/api/expenses").await.refused(401, "unknown_key", "revoked");
        get(&b, &theirs, "/api/expenses").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_key_reaches_as_far_as_its_scope_and_makes_none_that_reaches_further() {
    let site = Site::start().await;
    let ann = site.organisation("acme", freehold::tenant::Model::Shared).await;
    let expense = json!({"date": "2026-01-31", "amount": "1.00"});
    let member = json!({"email": "mia@example.com", "password": PASSWORD, "role": "member"});
    let [read, write, manage] = [key(&ann, "read").await, key(&ann, "write").await, key(&ann, "manage").await];

    let post = async |key: &str, path: &str, body: &Value| with_key(&ann, key, Method::POST, path, body.clone()).await;
    get(&ann, &read, "/api/expenses").await.expect(200);
    post(&read, "/api/expenses", &expense).await.refused(403, "forbidden", "only reads");
    post(&write, "/api/expenses", &expense).await.expect(201);
    post(&write, "/api/members", &member).await.refused(403, "forbidden", "owners");
    post(&manage, "/api/members", &member).await.expect(201);
    let further = json!({"name": "x", "scope": "manage"});
    post(&read, "/api/keys", &further).await.refused(403, "forbidden", "only reads");
    post(&write, "/api/keys", &further).await.refused(403, "forbidden", "further");
    post(&manage, "/api/keys", &further).await.expect(201);

    // Nor by way of the pages, which take keys as well.
    let fields = "name=x&scope=manage&days=30";
    for (key, status) in [(&read, 403), (&write, 403), (&manage, 200)] {
        let request =
            ann.nobody().browsing(Method::POST, "/account/keys").header("authorization", format!("Bearer {key}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = ann.send(request.body(Full::from(fields)).unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.text().contains("Copy it now"), status == 200);
    }
}

#[tokio::test]
async fn a_key_is_seen_and_revoked_by_whom_it_acts_for_alone() {
    Site::under_each_model(async |Twins { a, .. }| {
        let bob = a.with_member("bob@example.com", "owner").await;
        let mine = key(&a, "manage").await;
        let id = a.get("/api/keys").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(bob.get("/api/keys").await.expect(200).json()["items"], json!([]));
        assert!(!bob.page("/account/keys").await.shows(200, "Make a key").contains("a script"));
        bob.delete(&format!("/api/keys/{id}")).await.refused(404, "not_found", "nothing");
        bob.submit(&format!("/account/keys/{id}/revoke"), &[]).await.shows(404, "Not found");
        get(&a, &mine, "/api/expenses").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_front_end_without_a_cookie_logs_in_for_a_key_and_out_with_it() {
    let site = Site::start().await;
    let ann = site.organisation("acme", freehold::tenant::Model::Schema).await;
    let login = json!({"email": owner("acme"), "password": PASSWORD});
    let made = ann.nobody().post("/api/tokens", login).await.expect(201).json();
    let key = made["key"].as_str().unwrap();
    get(&ann, key, "/api/expenses").await.expect(200);
    with_key(&ann, key, Method::POST, "/api/logout", Value::Null).await.expect(204);
    get(&ann, key, "/api/expenses").await.refused(401, "unknown_key", "revoked");
    // A new password ends it as it ends sessions; keys that were made on purpose stay.
    let login = json!({"email": owner("acme"), "password": PASSWORD});
    let made = ann.nobody().post("/api/tokens", login).await.expect(201).json();
    let kept = self::key(&ann, "read").await;
    assert_eq!(ann.get("/api/keys").await.json()["items"].as_array().unwrap().len(), 1);
    let fields = [("old", PASSWORD), ("new", "a better one")];
    assert_eq!(ann.submit("/account/password", &fields).await.status, 303);
    get(&ann, made["key"].as_str().unwrap(), "/api/expenses").await.refused(401, "unknown_key", "revoked");
    get(&ann, &kept, "/api/expenses").await.expect(200);
    let wrong = json!({"email": owner("acme"), "password": "battery staple"});
    ann.nobody().post("/api/tokens", wrong).await.refused(401, "wrong_credentials", "wrong");
}

#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_its_digest_and_its_use_is_noted() {
    let site = Site::start().await;
    let ann = site.organisation("acme", freehold::tenant::Model::Shared).await;
    let fields = [("name", "a script <b>"), ("scope", "read"), ("days", "30")];
    let page = ann.submit("/account/keys", &fields).await.shows(200, "Copy it now");
    let secret = page.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let again = ann.page("/account/keys").await.shows(200, "a script &#60;b&#62;");
    assert!(!again.contains(&secret), "the key is shown again");
    assert!(again.contains("never"));

    get(&ann, &secret, "/api/expenses").await.expect(200);
    let noted = async {
        while ann.get("/api/keys").await.json()["items"][0]["last_used_on"].is_null() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), noted).await.expect("the use is noted");

    let tenant = site.deployment.freehold.directory().find(&"acme".parse().unwrap()).unwrap();
    let truth = site.deployment.truth(&tenant).await;
    let kept: String = truth.query_one("select k::text from api_keys k", &[]).await.unwrap().get(0);
    assert!(!kept.contains(&secret) && !kept.contains(secret.rsplit('_').next().unwrap()));
    truth.execute("update api_keys set expires_at = now()", &[]).await.unwrap();
    get(&ann, &secret, "/api/expenses").await.refused(401, "unknown_key", "time is over");
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_and_never_passed_over_for_the_cookie() {
    let site = Site::start().await;
    let ann = site.organisation("acme", freehold::tenant::Model::Shared).await;
    for token in ["expenses_", "expenses_x_y", &key(&ann, "read").await.replace("expenses_", "expenses_0")] {
        let request = ann.request(Method::GET, "/api/expenses").header("authorization", format!("Bearer {token}"));
        let answer = ann.send(request.body(Full::from("")).unwrap()).await;
        assert_eq!(answer.status, 401, "{token}: {}", answer.text());
    }
    for (field, value, words) in [
        ("name", "", "1 to 100"),
        ("name", &"x".repeat(101), "1 to 100"),
        ("scope", "everything", "unknown scope"),
        ("days", "forever", "how long"),
        ("days", "0", "1 to 3650"),
    ] {
        let mut fields = vec![("name", "x"), ("scope", "read"), ("days", "30")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        ann.submit("/account/keys", &fields).await.shows(422, "Nothing was saved");
        let page = ann.submit("/account/keys", &fields).await.text().to_lowercase();
        assert!(page.contains(words), "{field} {value:?} does not say {words:?}");
    }
}

#[tokio::test]
async fn a_front_end_is_answered_on_the_origins_that_were_named_and_on_no_others() {
    let known = "http://front.example:5173";
    let site = Site::start_with(|app| app.with_front_ends([known.parse().unwrap()])).await;
    let ann = site.organisation("acme", freehold::tenant::Model::Shared).await;
    for (origin, allowed) in [(known, true), ("http://evil.example", false), ("http://front.example", false)] {
        let preflight = ann.nobody().request(Method::OPTIONS, "/api/tokens").header("origin", origin);
        let preflight = preflight
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type, authorization");
        let answer = ann.send(preflight.body(Full::from("")).unwrap()).await;
        let told = answer.headers.get("access-control-allow-origin").is_some_and(|value| value == origin);
        assert_eq!(told, allowed, "{origin}");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));

        let login = json!({"email": owner("acme"), "password": PASSWORD});
        let request = ann.nobody().request(Method::POST, "/api/tokens").header("origin", origin);
        let request = request.header("sec-fetch-site", "cross-site").header("content-type", "application/json");
        let answer = ann.send(request.body(Full::from(login.to_string())).unwrap()).await;
        assert_eq!(answer.status, if allowed { 201 } else { 403 }, "{origin}: {}", answer.text());
    }
}
