//! What browsers are told about every answer.

use freehold::tenant::Model;
use http::Method;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http_body_util::Full;

use crate::client::{Answer, Client, PASSWORD};
use crate::support::{Site, owner};

/// What a browser could do with the answer of this address that it is not to, if anything.
pub(super) fn careless(address: &str, answer: &Answer) -> Option<String> {
    let header = |name: http::HeaderName| answer.headers.get(name).map_or("", |value| value.to_str().unwrap());
    let policy = header(CONTENT_SECURITY_POLICY);
    let is_strict =
        ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"]
            .iter()
            .all(|rule| policy.contains(rule));
    if !is_strict || policy.contains("unsafe") || policy.contains("https:") {
        return Some(format!("its policy is {policy:?}"));
    }
    if header(X_CONTENT_TYPE_OPTIONS) != "nosniff" {
        return Some("its kind may be guessed".to_owned());
    }
    // What has its digest in its address, and is shown before anybody is logged in.
    let is_file =
        ["/assets/", "/brand/", "/logo/"].iter().any(|folder| address.starts_with(folder)) && answer.status == 200;
    let keeping = if is_file { "public, max-age=31536000, immutable" } else { "no-store" };
    if header(CACHE_CONTROL) != keeping {
        return Some(format!("it is kept by {:?}", header(CACHE_CONTROL)));
    }
    let opener = http::HeaderName::from_static("cross-origin-opener-policy");
    let is_page = header(CONTENT_TYPE).starts_with("text/html");
    if is_page && (header(REFERRER_POLICY), header(opener)) != ("same-origin", "same-origin") {
        return Some("its address, or its window, is told to other sites".to_owned());
    }
    let cookies = answer.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
    let is_loose = |cookie: &&str| {
        let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
        let has = |attribute: &str| attributes.contains(&attribute);
        !has("Path=/") || !has("HttpOnly") || !has("SameSite=Lax") || cookie.to_lowercase().contains("domain=")
    };
    cookies.into_iter().find(is_loose).map(|cookie| format!("it sets {cookie:?}"))
}

/// Answers of every kind that are no page which a link leads to.
async fn refusals(owner: &Client) -> Vec<(&'static str, Answer)> {
    let from_elsewhere = owner.request(Method::POST, "/settings").header("sec-fetch-site", "cross-site");
    let large = owner.browsing(Method::POST, "/settings").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    vec![
        ("/nothing", owner.page("/nothing").await),
        ("/logo/x.png", owner.page("/logo/x.png").await),
        ("/api/nothing", owner.get("/api/nothing").await),
        ("/api/expenses", owner.nobody().get("/api/expenses").await),
        ("/expenses", owner.nobody().page("/expenses").await),
        ("/expenses", owner.delete("/expenses").await),
        ("/settings", owner.submit("/settings", &[("name", "")]).await),
        ("/settings", owner.send(from_elsewhere.body(Full::default()).unwrap()).await),
        ("/settings", owner.send(large.body(Full::from("x".repeat(300_000))).unwrap()).await),
        ("/login", owner.nobody().submit("/login", &[("email", "a@b"), ("password", "x")]).await),
    ]
}

#[tokio::test]
async fn refusals_are_as_careful_as_pages() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (address, answer) in refusals(&ann).await {
        assert_eq!(careless(address, &answer), None, "{address}: {answer:?}");
        assert!(!answer.headers.contains_key(STRICT_TRANSPORT_SECURITY), "there is no TLS here");
    }
    site.base().page("/").await.shows(200, "Sign up");
    for path in ["/", "/signup", "/find?slug=nobody", "/nothing"] {
        assert_eq!(careless(path, &site.base().page(path).await), None, "{path}");
    }
    let unknown = site.host("nobody").page("/").await;
    assert_eq!(careless("/", &unknown), None, "{unknown:?}");
}

#[tokio::test]
async fn behind_tls_no_cookie_and_no_page_goes_without_it() {
    let site = Site::start_at("https://expenses.example").await;
    let base = Client::at(site.address, "expenses.example");
    base.post("/api/signup", crate::support::sign_up("acme", Model::Shared)).await.expect(201);
    let nobody = base.below("acme");
    let entered = nobody.submit("/login", &[("email", &owner("acme")), ("password", PASSWORD)]).await;
    assert_eq!(entered.leads(), "/");
    let cookie = entered.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-session=") && cookie.ends_with("; Secure"), "{cookie}");
    let ann = nobody.with_cookie_of(&entered);
    // Under its other name it could come from a sibling host.
    let mut renamed = ann.clone();
    renamed.cookie = ann.cookie.as_deref().map(|cookie| cookie.replace("__Host-", ""));
    renamed.get("/api/expenses").await.refused(401, "not_logged_in", "log in");
    for (address, answer) in refusals(&ann).await.into_iter().chain([("/", ann.page("/").await)]) {
        assert_eq!(careless(address, &answer), None, "{address}: {answer:?}");
        assert_eq!(answer.headers[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    }
}
