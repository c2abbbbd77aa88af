//! schemathesis makes requests up from the description of the API and holds the answers against it.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use freehold::tenant::Model;
use freehold_testing::tool;
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

use crate::client::Client;
use crate::support::Site;

/// How long one run may take; it takes a tenth.
const PATIENCE: Duration = Duration::from_secs(120);

/// Without `positive_data_acceptance`: that the currency is the organisation's and a cursor is one that was given is said in
/// words, not by the schema. Those about authentication need security schemes, of which the document names none.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      response_headers_conformance,negative_data_rejection,unsupported_method,allow_header_conformance";

/// What the base host serves and organisations' hosts do not.
const OF_THE_BASE: &str = "^/(api/signup|healthz)$";

/// The body of every answer.
type Answers = Arc<Mutex<Vec<Bytes>>>;

async fn keep(State(answers): State<Answers>, request: Request, next: Next) -> Response {
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    answers.lock().unwrap().push(body.clone());
    Response::from_parts(parts, Body::from(body))
}

/// Tries the operations that `which` chooses at the client's host, as the client.
async fn run(schemathesis: &Path, site: &Site, client: &Client, which: &[&str]) {
    let address = format!("http://{}", site.address);
    let mut run = Command::new(schemathesis);
    run.args(["run", &format!("{address}/api/openapi.json"), "--url", &address])
        // Names below localhost are not known on every machine: the address is connected to, and the host named.
        .args(["-H", &format!("Host: {}", client.host)])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--continue-on-failure"])
        .args(["--max-examples", "20", "--seed", "20261121", "--generation-database", "none", "--workers", "1"])
        .args(["--no-color", "--warnings", "off"])
        .args(which)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(cookie) = &client.cookie {
        run.args(["-H", &format!("Cookie: {cookie}")]);
    }
    // What it prints is the test's own output, and is there also when it never ends.
    let status = timeout(PATIENCE, run.status()).await.expect("schemathesis comes to an end").unwrap();
    assert!(status.success(), "schemathesis: {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_answers_as_its_description_says() {
    let Some(schemathesis) = tool("bin/schemathesis") else {
        println!("schemathesis is not installed: nothing was tested (./dev test installs it)");
        return;
    };
    let answers = Answers::default();
    let site = Site::start_behind(async |_, router| router.layer(from_fn_with_state(answers.clone(), keep))).await;
    let a = site.organisation("anna", Model::Shared).await;
    let b = site.organisation("bert", Model::Shared).await;
    let canary = Uuid::new_v4().simple().to_string();
    a.add(json!({"date": "2026-01-01", "amount": "1.00", "category": "of anna"})).await;
    b.add(json!({"date": "2026-01-01", "amount": "4711.00", "category": canary})).await;
    let before = b.get("/api/expenses").await.expect(200).json();
    answers.lock().unwrap().clear();

    // Logging out ends the session that all requests need.
    run(&schemathesis, &site, &a, &["--exclude-path", "/api/logout", "--exclude-path-regex", OF_THE_BASE]).await;
    a.get("/api/expenses").await.expect(200);
    let answers = std::mem::take(&mut *answers.lock().unwrap());
    let holds = |answer: &Bytes, text: &str| String::from_utf8_lossy(answer).contains(text);
    assert!(answers.iter().any(|answer| holds(answer, "of anna")), "nothing was read");
    let leaks: Vec<_> = answers.iter().filter(|answer| holds(answer, &canary)).collect();
    assert!(leaks.is_empty(), "{leaks:?}");

    run(&schemathesis, &site, &site.base(), &["--include-path-regex", OF_THE_BASE]).await;
    assert_eq!(b.get("/api/expenses").await.expect(200).json(), before);
}
