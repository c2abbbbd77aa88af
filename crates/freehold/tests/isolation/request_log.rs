//! What the log says of a request, and what it does not say.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{ConnectInfo, Path};
use axum::routing::get;
use axum::{Extension, Router};
use freehold::gate::{RequestId, RequestLog, Tenancy};
use freehold::resolve::{Chain, Subdomain};
use freehold::tenant::Model;
use freehold_testing::Twins;
use http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;

use crate::support::{cut_off, migrations, until};

/// What this thread logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn keep(&self) -> DefaultGuard {
        let log = self.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(move || log.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// What was logged since the last time.
    fn taken(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn note(Path(id): Path<String>, Extension(request): Extension<RequestId>, headers: HeaderMap) -> String {
    tracing::info!("the handler is at work on {}", id.len());
    format!("{request} {}", headers["x-request-id"].to_str().unwrap())
}

async fn router(twins: &Twins, log: RequestLog) -> Router {
    let chain = Chain::new(Subdomain::of(["shelf.test"]).unwrap());
    let tenants = Router::new().route("/notes/{id}", get(note)).route("/stuck", get(std::future::pending::<()>));
    Tenancy::new(&twins.deployment.freehold, chain)
        .logged(log)
        .router(tenants, Router::new().route("/about/{topic}", get(|| async {})))
}

fn request(host: &str, path: &str) -> Request<Body> {
    Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_request_is_one_line_that_says_whose_it_was_and_how_it_was_answered() {
    let twins = Twins::start(migrations(), Model::Shared).await;
    let router = router(&twins, RequestLog::new()).await;
    let (log, anna) = (Log::default(), twins.a.tenant.id());
    let _kept = log.keep();
    for (host, path, status, expected) in [
        (
            "anna.shelf.test",
            "/notes/secret-7?token=secret",
            StatusCode::OK,
            vec![
                "http.request.method=GET".to_owned(),
                "http.route=\"/notes/{id}\"".to_owned(),
                format!("tenant.id={anna}"),
                "tenant.slug=\"anna\"".to_owned(),
                "gate.outcome=\"admitted\"".to_owned(),
                "GET /notes/{id} of anna is answered 200 in ".to_owned(),
                "http.response.status_code=200".to_owned(),
                "duration_ms=".to_owned(),
            ],
        ),
        (
            "anna.shelf.test",
            "/nothing/secret",
            StatusCode::NOT_FOUND,
            vec!["gate.outcome=\"admitted\"".into(), "GET (no route) of anna is answered 404".into()],
        ),
        (
            "shelf.test",
            "/about/secret",
            StatusCode::OK,
            vec!["gate.outcome=\"base\"".into(), "GET /about/{topic} is answered 200".into()],
        ),
        (
            "nobody.shelf.test",
            "/notes/secret",
            StatusCode::NOT_FOUND,
            vec!["gate.outcome=\"unknown_tenant\"".into(), "GET (no route) is answered 404".into()],
        ),
    ] {
        let response = router.clone().oneshot(request(host, path)).await.unwrap();
        let logged = log.taken();
        assert_eq!(response.status(), status);
        let id = response.headers()["x-request-id"].to_str().unwrap();
        for part in expected.iter().map(String::as_str).chain([&*format!("request{{request.id={id} ")]) {
            assert!(logged.contains(part), "{part} is missing:\n{logged}");
        }
        assert!(!logged.contains("secret"), "{logged}");
        assert_eq!(logged.matches(" is answered ").count(), 1, "{logged}");
        // Whatever is logged on the way is in the span too.
        assert!(logged.lines().all(|line| line.contains(id)), "{logged}");
    }
}

#[tokio::test]
async fn a_request_that_the_gate_refuses_is_logged_with_its_tenant() {
    let twins = Twins::start(migrations(), Model::Shared).await;
    let router = router(&twins, RequestLog::new()).await;
    let (directory, anna) = (twins.deployment.freehold.directory(), twins.a.tenant.id());
    let catalog = freehold_testing::connect("postgres", twins.deployment.catalog_database()).await;
    catalog.execute("update catalog.tenants set status = 'suspended' where id = $1", &[anna.as_uuid()]).await.unwrap();
    let suspended = freehold::tenant::Status::Suspended;
    until("the directory knows", || async { directory.get(anna).unwrap().status() == suspended }).await;
    let log = Log::default();
    let _kept = log.keep();
    router.oneshot(request("anna.shelf.test", "/notes/1")).await.unwrap();
    let logged = log.taken();
    for part in [&*format!("tenant.id={anna}"), "gate.outcome=\"suspended\"", "of anna is answered 402"] {
        assert!(logged.contains(part), "{part} is missing:\n{logged}");
    }
}

#[tokio::test]
async fn an_id_is_taken_from_a_listed_proxy_and_from_nobody_else() {
    let twins = Twins::start(migrations(), Model::Shared).await;
    let router = router(&twins, RequestLog::new().trusting(["10.0.0.0/8".parse().unwrap()])).await;
    let ask = |peer: Option<[u8; 4]>, ids: &[&str]| {
        let mut request = request("anna.shelf.test", "/notes/1");
        for id in ids {
            request.headers_mut().append("x-request-id", id.parse().unwrap());
        }
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 1))));
        }
        let router = router.clone();
        async move {
            let response = router.oneshot(request).await.unwrap();
            let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert_eq!(body, format!("{id} {id}"), "the handler sees another id than the client");
            id
        }
    };
    let proxy = Some([10, 1, 2, 3]);
    assert_eq!(ask(proxy, &["from-the-proxy/7"]).await, "from-the-proxy/7");
    for (peer, ids) in [
        (None, vec!["x1"]),
        (Some([11, 0, 0, 1]), vec!["x1"]),
        (proxy, vec!["x1", "x1"]),
        (proxy, vec!["x1 tenant.slug=bert"]),
        (proxy, vec![""]),
        (proxy, vec!["x".repeat(129).leak()]),
        (proxy, vec![]),
    ] {
        let id = ask(peer, &ids).await;
        assert!(!id.contains('x') && id.len() == 36, "{peer:?} {ids:?} became {id}");
    }
    assert_ne!(ask(None, &[]).await, ask(None, &[]).await);
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_is_logged_as_given_up() {
    let twins = Twins::start(migrations(), Model::Shared).await;
    let router = router(&twins, RequestLog::new()).await;
    let log = Log::default();
    let _kept = log.keep();
    let stuck = router.oneshot(request("anna.shelf.test", "/stuck"));
    assert!(cut_off(stuck, 1).await.is_none());
    let logged = log.taken();
    assert!(logged.contains("GET /stuck of anna was given up after"), "{logged}");
}

#[tokio::test]
async fn as_a_layer_it_logs_the_route_too() {
    let twins = Twins::start(migrations(), Model::Shared).await;
    let chain = Chain::new(Subdomain::of(["shelf.test"]).unwrap());
    let tenancy = Tenancy::new(&twins.deployment.freehold, chain).logged(RequestLog::new());
    let router = Router::new().route("/notes/{id}", get(note)).layer(tenancy);
    let log = Log::default();
    let _kept = log.keep();
    router.clone().oneshot(request("anna.shelf.test", "/notes/1")).await.unwrap();
    router.oneshot(request("shelf.test", "/notes/1")).await.unwrap();
    let logged = log.taken();
    assert!(logged.contains("GET /notes/{id} of anna is answered 200"), "{logged}");
    assert!(logged.contains("gate.outcome=\"no_tenant\"}: ") && logged.contains("is answered 404"), "{logged}");
}
