//! sqlmap finds injections and empties databases through them, and knows nothing of Freehold.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use freehold::isolation::TokioPostgres;
use freehold_testing::{Twin, Twins, connect, tool, under_every_model};
use http::StatusCode;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::victim::Victim;

/// How long one run of sqlmap may take; it takes a tenth.
const PATIENCE: Duration = Duration::from_secs(90);

/// What A has, and sqlmap must find: else it found no injection, and that it found nothing of B shows nothing.
const NOTE_OF_A: &str = "a note of anna";

/// An application of A whose endpoints put `q` into the text of a statement, and say what the database says.
struct Careless {
    a: Twin,
    bare: Client,
    bare_notes: String,
    /// Every text that `/guarded` sent.
    sent: Mutex<Vec<String>>,
}

#[derive(Deserialize)]
struct Search {
    q: String,
}

/// In a scope of A, where what is asked is Freehold's to answer for. What a statement writes stays.
async fn guarded(State(careless): State<Arc<Careless>>, Query(Search { q }): Query<Search>) -> Response {
    let mut scope = careless.a.db::<TokioPostgres>().write();
    let answer = match scope.ad_hoc(&format!("select text from notes where text like '%{q}%'"), &[]).await {
        Ok(rows) => scope.commit().await.map(|()| rows),
        Err(error) => Err(error),
    };
    let (status, texts) = told(answer);
    careless.sent.lock().extend(texts.iter().cloned());
    (status, Json(texts)).into_response()
}

/// With a filter written by hand, and nothing behind it.
async fn bare(State(careless): State<Arc<Careless>>, Query(Search { q }): Query<Search>) -> Response {
    let sql = format!("{} and text like '%{q}%'", careless.bare_notes);
    let (status, texts) = told(careless.bare.query(&sql, &[]).await);
    (status, Json(texts)).into_response()
}

/// The rows' first column, or everything there is to know of the error: an attacker reads rows out of its text.
fn told<E: Error>(answer: Result<Vec<Row>, E>) -> (StatusCode, Vec<String>) {
    match answer {
        Ok(rows) => {
            let text = |row: &Row| row.try_get::<_, Option<String>>(0).ok().flatten().unwrap_or_default();
            (StatusCode::OK, rows.iter().map(text).collect())
        }
        Err(error) => {
            let mut causes = vec![error.to_string()];
            let mut cause = error.source();
            while let Some(error) = cause {
                causes.push(error.to_string());
                cause = error.source();
            }
            (StatusCode::INTERNAL_SERVER_ERROR, causes)
        }
    }
}

/// A login of this name, that owns nothing, reads the notes of everybody and is held by no policy.
async fn unguarded(victim: &Victim, role: &str) -> Client {
    let truth = victim.twins.truth(&victim.twins.b).await;
    let database: String = truth.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let grants = format!(
        "create role {role} login bypassrls; grant connect on database {database} to {role};
         grant usage on schema {schema} to {role}; grant select on {schema}.notes to {role}",
        schema = victim.schema
    );
    truth.batch_execute(&grants).await.unwrap();
    connect(role, &database).await
}

/// Serves the application on loopback, and returns its address.
async fn serve(careless: &Arc<Careless>) -> String {
    let routes = Router::new().route("/guarded", get(guarded)).route("/bare", get(bare)).with_state(careless.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// Has sqlmap dump the notes of a schema through an endpoint, and returns all it printed, which has the rows in it.
async fn dump(sqlmap: &Path, url: &str, schema: &str) -> String {
    let state = tempfile::tempdir().unwrap();
    let run = Command::new(sqlmap)
        .args(["--batch", "--disable-coloring", "--threads=1", "--flush-session"])
        .args(["--url", &format!("{url}?q=a"), "-p", "q", "--dbms=postgresql"])
        // Delays are how time-based injection reads, bit by bit: a second is told apart on loopback.
        .args(["--level=3", "--risk=3", "--technique=BEUSTQ", "--time-sec=1"])
        .args(["--dump", "-T", "notes", "-D", schema])
        .arg("--output-dir")
        .arg(state.path())
        // It keeps files there, and sets the terminal up, of whoever runs it.
        .env("HOME", state.path())
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, run).await.expect("sqlmap comes to an end").unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "sqlmap: {}", output.status);
    printed
}

under_every_model! {
    "tests/migrations";

    /// Through an endpoint that has what sqlmap looks for. The same endpoint with a filter written by hand gives B away.
    async fn sqlmap_dumps_the_rows_of_its_own_tenant_alone(twins: Twins) {
        let Some(sqlmap) = tool("bin/sqlmap") else {
            println!("sqlmap is not installed: nothing was tested (./dev test installs it)");
            return;
        };
        let victim = Victim::of(twins).await;
        let a = &victim.twins.a;
        let truth = victim.twins.truth(a).await;
        let schema_of_a: String = truth.query_one("select current_schema()::text", &[]).await.unwrap().get(0);
        let role = format!("unguarded_{}", Uuid::new_v4().simple());
        let careless = Arc::new(Careless {
            a: a.clone(),
            bare: unguarded(&victim, &role).await,
            bare_notes: format!("select text from {}.notes where tenant_id = '{}'", victim.schema, a.tenant.id()),
            sent: Mutex::default(),
        });
        let address = serve(&careless).await;

        let printed = dump(&sqlmap, &format!("{address}/bare"), &victim.schema).await;
        // With its grants, so that the tables of B are found as they were.
        let gone = format!("drop owned by {role}; drop role {role}");
        victim.twins.truth(&victim.twins.b).await.batch_execute(&gone).await.unwrap();
        assert!(printed.contains(&victim.canary), "sqlmap cannot do what it is here for");

        for schema in BTreeSet::from([&schema_of_a, &victim.schema]) {
            let printed = dump(&sqlmap, &format!("{address}/guarded"), schema).await;
            assert!(!printed.contains(&victim.canary), "sqlmap has rows of B");
            assert!(printed.contains(NOTE_OF_A) || *schema != schema_of_a, "sqlmap did not find the injection");
        }
        let sent = std::mem::take(&mut *careless.sent.lock());
        let leaks: Vec<_> = sent.iter().filter(|text| text.contains(&victim.canary)).collect();
        assert!(leaks.is_empty(), "{leaks:#?}");
        assert!(sent.iter().any(|text| text.contains(NOTE_OF_A)), "nothing was kept of what was sent");
        victim.assert_unharmed().await;
    }
}
