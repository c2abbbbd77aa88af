//! The application with a bug in front of it, of the kinds that let tenants meet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use freehold_testing::Deployment;
use http::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::Client;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A handler reads through a scope that sees all tenants.
    OperatorScope,
    /// A session of any host is let in at every host.
    SessionOnTheWrongHost,
    /// A page behind a cursor is a page of all tenants' rows.
    CursorWithoutTenant,
    /// A table is taken for reference data.
    StaticTable,
    /// An error says what the row holds that was not to be touched.
    ErrorText,
    /// A row is deleted by its id alone.
    DeleteById,
    /// A header chooses the tenant.
    HeaderChooses,
    /// What another tenant has is forbidden, not absent.
    ForbiddenNotAbsent,
    /// A name can be given once among all tenants.
    UniqueAcrossTenants,
    /// What another tenant has takes longer to refuse.
    Timing,
    /// The query chooses the tenant.
    QueryChooses,
    /// A file is given to whoever knows its address.
    FileWithoutSession,
    /// A member of the body chooses the tenant.
    BodyChooses,
    /// Answers are cached by their path.
    CacheByPath,
}

pub(crate) struct Planted {
    bug: Bug,
    truth: Client,
    /// Hosts, and a session that is good there.
    sessions: Mutex<HashMap<String, HeaderValue>>,
    cache: Mutex<HashMap<String, (StatusCode, Vec<u8>)>>,
}

impl Planted {
    pub(crate) async fn new(bug: Bug, deployment: &Deployment) -> Arc<Self> {
        let truth = freehold_testing::connect("postgres", deployment.data_database()).await;
        let path =
            "select set_config('search_path', (select id from freehold.placements where model = 'shared'), false)";
        truth.batch_execute(path).await.unwrap();
        Arc::new(Self { bug, truth, sessions: Mutex::default(), cache: Mutex::default() })
    }

    /// Of any tenant.
    async fn expense(&self, id: &str) -> Option<Value> {
        let row =
            "select json_build_object('id', id, 'description', description)::text from expenses where id::text = $1";
        let row = self.truth.query_opt(row, &[&id]).await.unwrap()?;
        serde_json::from_str(row.get(0)).ok()
    }

    /// The request as the owner of the tenant named `slug` would send it at its own host.
    fn redirect(&self, request: &mut Request, slug: &str) {
        let sessions = self.sessions.lock().unwrap();
        let Some((host, session)) = sessions.iter().find(|(host, _)| host.split('.').next() == Some(slug)) else {
            return;
        };
        request.headers_mut().insert(HOST, host.parse().unwrap());
        request.headers_mut().insert(COOKIE, session.clone());
    }

    fn remember(&self, host: String, response: &Response) {
        let cookie = response.headers().get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok()?.split(';').next());
        if let Some(cookie) = cookie {
            self.sessions.lock().unwrap().insert(host, cookie.parse().unwrap());
        }
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Lets requests through, but for those the bug is about.
pub(crate) async fn plant(State(planted): State<Arc<Planted>>, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let host = request.headers()[HOST].to_str().unwrap().to_owned();
    let id = path.strip_prefix("/api/expenses/").unwrap_or_default().to_owned();
    let cookie = request.headers().get(COOKIE).cloned();
    let is = |bug, wanted: Method, at: &str| planted.bug == bug && method == wanted && path == at;
    match planted.bug {
        Bug::SessionOnTheWrongHost => {
            let sessions = planted.sessions.lock().unwrap();
            if cookie.is_some_and(|cookie| sessions.values().any(|known| *known == cookie))
                && let Some(own) = sessions.get(&host)
            {
                request.headers_mut().insert(COOKIE, own.clone());
            }
        }
        Bug::HeaderChooses if path == "/api/reports/monthly" => {
            if let Some(slug) = request.headers().get("x-tenant").cloned() {
                planted.redirect(&mut request, slug.to_str().unwrap());
            }
        }
        Bug::QueryChooses if path == "/api/reports/by-unit" => {
            if let Some(slug) = query.split('&').find_map(|pair| pair.strip_prefix("tenant_id=")) {
                planted.redirect(&mut request, slug);
            }
        }
        Bug::FileWithoutSession if path.ends_with("/rejections") => {
            let own = planted.sessions.lock().unwrap().get(&host).cloned();
            if let (None, Some(own)) = (cookie, own) {
                request.headers_mut().insert(COOKIE, own);
            }
        }
        Bug::BodyChooses if is(Bug::BodyChooses, Method::POST, "/api/expenses") => {
            let (parts, body) = request.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            let slug =
                serde_json::from_slice::<Value>(&bytes).unwrap_or_default()["tenant"].as_str().map(ToOwned::to_owned);
            request = Request::from_parts(parts, Body::from(bytes));
            if let Some(slug) = slug {
                planted.redirect(&mut request, &slug);
            }
        }
        Bug::UniqueAcrossTenants if is(Bug::UniqueAcrossTenants, Method::POST, "/api/categories") => {
            let (parts, body) = request.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            let name = serde_json::from_slice::<Value>(&bytes).unwrap_or_default()["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let taken =
                planted.truth.query_opt("select from categories where name = $1 limit 1", &[&name]).await.unwrap();
            if taken.is_some() {
                return answer(StatusCode::CONFLICT, &json!({ "code": "taken" }));
            }
            request = Request::from_parts(parts, Body::from(bytes));
        }
        Bug::CacheByPath if is(Bug::CacheByPath, Method::GET, "/api/reports/by-unit") => {
            if let Some((status, body)) = planted.cache.lock().unwrap().get(&path).cloned() {
                return (status, body).into_response();
            }
        }
        _ => (),
    }
    let response = next.run(request).await;
    if path == "/api/login" {
        planted.remember(host, &response);
    }
    let refused = response.status() == StatusCode::NOT_FOUND && !id.is_empty();
    match planted.bug {
        Bug::OperatorScope if refused && method == Method::GET => {
            planted.expense(&id).await.map_or(response, |expense| answer(StatusCode::OK, &expense))
        }
        Bug::ErrorText if refused && method == Method::PATCH => match planted.expense(&id).await {
            Some(expense) => answer(StatusCode::NOT_FOUND, &json!({ "detail": format!("{expense} is not yours") })),
            None => response,
        },
        Bug::DeleteById if refused && method == Method::DELETE => {
            planted.truth.execute("delete from expenses where id::text = $1", &[&id]).await.unwrap();
            response
        }
        Bug::ForbiddenNotAbsent if refused && method == Method::GET => match planted.expense(&id).await {
            Some(_) => answer(StatusCode::FORBIDDEN, &json!({ "code": "forbidden" })),
            None => response,
        },
        Bug::Timing if refused && method == Method::GET => {
            let work = "select sum(length(repeat(e.description, n))) from expenses e, generate_series(1, 3000) n where e.id::text = $1";
            planted.truth.query_one(work, &[&id]).await.unwrap();
            response
        }
        Bug::CursorWithoutTenant
            if path == "/api/expenses" && query.contains("cursor=") && response.status().is_success() =>
        {
            let all = "select json_agg(json_build_object('id', id, 'description', description))::text from expenses";
            let all: String = planted.truth.query_one(all, &[]).await.unwrap().get(0);
            answer(StatusCode::OK, &json!({ "items": serde_json::from_str::<Value>(&all).unwrap() }))
        }
        Bug::StaticTable if is(Bug::StaticTable, Method::GET, "/api/categories") && response.status().is_success() => {
            let all = "select json_agg(json_build_object('id', id, 'name', name))::text from categories";
            let all: String = planted.truth.query_one(all, &[]).await.unwrap().get(0);
            answer(StatusCode::OK, &json!({ "items": serde_json::from_str::<Value>(&all).unwrap() }))
        }
        Bug::CacheByPath
            if is(Bug::CacheByPath, Method::GET, "/api/reports/by-unit") && response.status().is_success() =>
        {
            let (parts, body) = response.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            planted.cache.lock().unwrap().insert(path, (parts.status, bytes.to_vec()));
            Response::from_parts(parts, Body::from(bytes))
        }
        _ => response,
    }
}
