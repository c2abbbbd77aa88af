//! `freehold scan` finds nothing here, and finds what is planted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::middleware::Next;
use freehold_scan::{Options, scan};

use crate::planted::{Bug, Planted, plant};
use crate::support::Site;

fn options(site: &Site) -> Options {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut options = Options::new(format!("http://{}", site.base().host));
    options.recipe = toml::from_str(include_str!("../../scan.toml")).unwrap();
    options
}

/// A new operation that the scan knows no attack on fails here.
#[tokio::test]
async fn every_operation_is_probed_and_none_gives_anything_away() {
    let site = Site::start().await;
    let report = scan(options(&site)).await.unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    let unprobed: Vec<_> = report.operations.iter().filter(|operation| operation.probes.is_empty()).collect();
    assert!(unprobed.is_empty(), "{unprobed:#?}");
    assert!(report.operations.len() >= 16 && report.requests > 500, "{} operations", report.operations.len());
}

async fn site_with(bug: Bug) -> Site {
    Site::start_behind(async |deployment, router| {
        let planted = Planted::new(bug, deployment).await;
        router.layer(axum::middleware::from_fn_with_state(planted, plant))
    })
    .await
}

/// A scan of everything names the operation that a bug is in.
#[tokio::test]
async fn of_all_operations_the_one_with_the_bug_is_named() {
    let site = site_with(Bug::OperatorScope).await;
    let report = scan(options(&site)).await.unwrap();
    let named: BTreeSet<_> = report.findings.into_iter().map(|finding| finding.operation).collect();
    assert_eq!(named, BTreeSet::from(["GET /api/expenses/{id}".to_owned()]));
}

/// The attack that is meant for a bug finds it, in a scan of its operation.
async fn finds(bug: Bug, operation: &str, probe: &str) {
    let site = site_with(bug).await;
    let mut options = options(&site);
    options.only.push(operation.to_owned());
    let report = scan(options).await.unwrap();
    let named = report.findings.iter().any(|finding| finding.operation == operation && finding.probe == probe);
    assert!(named, "{bug:?}: {:#?}", report.findings);
    assert_eq!(report.probed(), 1, "{:#?}", report.operations);
}

#[tokio::test]
async fn what_is_to_be_left_alone_is_never_called() {
    const OPERATION: &str = "POST /api/budgets";
    // An answer says where it is.
    const FILE: &str = "GET /api/imports/{id}/rejections";
    let called = Arc::new(Mutex::new(BTreeSet::new()));
    let log = called.clone();
    let site = Site::start_behind(async |_, router| {
        router.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            log.lock().unwrap().insert(format!("{} {}", request.method(), request.uri().path()));
            next.run(request)
        }))
    })
    .await;
    let mut options = options(&site);
    options.recipe.leave.insert(OPERATION.to_owned(), "it calls the bank".to_owned());
    options.recipe.leave.insert(FILE.to_owned(), "it is large".to_owned());
    let report = scan(options).await.unwrap();
    let left = report.operations.iter().find(|operation| operation.operation == OPERATION).unwrap();
    assert_eq!((left.probes.len(), left.not_probed.as_deref()), (0, Some("it calls the bank")));
    let called = called.lock().unwrap();
    assert!(!called.contains(OPERATION) && called.contains("GET /api/budgets"), "{called:#?}");
    assert!(!called.iter().any(|call| call.ends_with("/rejections")), "{called:#?}");
}

#[tokio::test]
async fn an_operation_that_the_document_does_not_have_is_named() {
    let site = Site::start().await;
    let unknown = || "GET /api/expense".to_owned();
    let (mut only, mut left, mut body) = (options(&site), options(&site), options(&site));
    only.only.push(unknown());
    left.recipe.leave.insert(unknown(), "it calls the bank".to_owned());
    body.recipe.bodies.insert(unknown(), String::new());
    for options in [only, left, body] {
        let error = scan(options).await.unwrap_err().to_string();
        assert!(error.contains("no operation GET /api/expense;") && error.contains("GET /api/expenses,"), "{error}");
    }
}

macro_rules! planted_bugs {
    ($($name:ident: $bug:ident in $operation:literal by $probe:literal;)+) => {$(
        #[tokio::test]
        async fn $name() {
            finds(Bug::$bug, $operation, $probe).await;
        }
    )+};
}

planted_bugs! {
    finds_an_operator_scope_where_a_tenants_belongs: OperatorScope in "GET /api/expenses/{id}" by "ids of another tenant";
    finds_a_session_that_is_let_in_at_the_wrong_host: SessionOnTheWrongHost in "GET /api/expenses" by "session of another tenant";
    finds_a_cursor_without_a_tenant: CursorWithoutTenant in "GET /api/expenses" by "cursors of another tenant";
    finds_a_table_that_is_taken_for_reference_data: StaticTable in "GET /api/categories" by "headers that name another tenant";
    finds_an_error_that_says_too_much: ErrorText in "PATCH /api/expenses/{id}" by "ids of another tenant";
    finds_a_row_deleted_by_its_id_alone: DeleteById in "DELETE /api/expenses/{id}" by "ids of another tenant";
    finds_a_header_that_chooses_the_tenant: HeaderChooses in "GET /api/reports/monthly" by "headers that name another tenant";
    finds_forbidden_where_absent_belongs: ForbiddenNotAbsent in "GET /api/expenses/{id}" by "ids of another tenant";
    finds_a_key_that_spans_tenants: UniqueAcrossTenants in "POST /api/categories" by "bodies equal to another tenant's";
    finds_what_takes_longer_to_refuse: Timing in "GET /api/expenses/{id}" by "timing of ids";
    finds_a_query_that_chooses_the_tenant: QueryChooses in "GET /api/reports/by-unit" by "a query that names another tenant";
    finds_a_file_that_needs_no_session: FileWithoutSession in "GET /api/imports/{id}/rejections" by "no session";
    finds_a_body_that_chooses_the_tenant: BodyChooses in "POST /api/expenses" by "bodies that name another tenant";
    finds_answers_cached_by_their_path: CacheByPath in "GET /api/reports/by-unit" by "own reads, in turn";
}
