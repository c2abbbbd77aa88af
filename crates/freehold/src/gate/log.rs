use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use tracing::Span;
use tracing::field::Empty;

use super::outcome::Outcome;
use crate::resolve::Network;
use crate::tenant::Tenant;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a proxy.
const LONGEST: usize = 128;

/// One line in the log for each request, in a span that everything it does is in.
///
/// The span `request` has `request.id`, `http.request.method`, `http.route` (the pattern, never the path, which may hold what
/// does not belong into a log), `tenant.id`, `tenant.slug` and `gate.outcome`, each as soon as it is known. The line, at level
/// `info`, adds `http.response.status_code` and `duration_ms`: until the answer begins, not until its body ends.
///
/// ```
/// use freehold::gate::RequestLog;
///
/// // Behind a proxy that makes request ids of its own:
/// let log = RequestLog::new().trusting(["10.0.0.0/8".parse()?]);
/// # Ok::<(), freehold::resolve::UnknownNetwork>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestLog {
    proxies: Arc<[Network]>,
}

/// The id of a request: the one that stands in the log, and that the answer has in `x-request-id`. Handlers get it as
/// `Extension<RequestId>`, where [`Tenancy`](super::Tenancy::logged) keeps a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestLog {
    /// A log in which every request has an id that was made here.
    pub fn new() -> Self {
        Self::default()
    }

    /// The log, with the ids that these proxies send in `x-request-id`. Anybody else's could be that of another request.
    ///
    /// The application must be served with the peer's address (`into_make_service_with_connect_info::<SocketAddr>()`), or no
    /// header is believed.
    pub fn trusting(self, proxies: impl IntoIterator<Item = Network>) -> Self {
        Self { proxies: proxies.into_iter().collect() }
    }

    /// Opens the span of a request and gives the request its id.
    pub(super) fn begin(&self, request: &mut Request<Body>) -> Line {
        let sent = || {
            let mut values = request.headers().get_all(X_REQUEST_ID).iter();
            values.next().filter(|value| values.next().is_none() && is_id(value.as_bytes())).cloned()
        };
        let believed = Network::is_peer_of(&self.proxies, request.extensions());
        let id = RequestId(believed.then(sent).flatten().unwrap_or_else(made_here));
        let span = tracing::info_span!(
            "request",
            request.id = %id,
            http.request.method = %request.method(),
            http.route = Empty,
            tenant.id = Empty,
            tenant.slug = Empty,
            gate.outcome = Empty,
        );
        // What reads the header behind this reads what is in the log.
        request.headers_mut().insert(X_REQUEST_ID, id.0.clone());
        let noted = Noted(Arc::new(Notes { span, route: OnceLock::new(), tenant: OnceLock::new() }));
        noted.route(request);
        request.extensions_mut().insert(noted.clone());
        request.extensions_mut().insert(id.clone());
        Line { noted, id, method: request.method().clone(), began: Instant::now(), status: None }
    }
}

/// What is found out about a request on its way.
#[derive(Clone)]
pub(super) struct Noted(Arc<Notes>);

struct Notes {
    span: Span,
    route: OnceLock<MatchedPath>,
    tenant: OnceLock<Arc<Tenant>>,
}

impl Noted {
    /// Notes the route, if the request has come to one.
    fn route(&self, request: &Request<Body>) {
        if let Some(route) = request.extensions().get::<MatchedPath>()
            && self.0.route.set(route.clone()).is_ok()
        {
            self.0.span.record("http.route", route.as_str());
        }
    }

    pub(super) fn outcome(&self, outcome: Outcome) {
        self.0.span.record("gate.outcome", outcome.as_str());
    }

    pub(super) fn tenant(&self, tenant: &Arc<Tenant>) {
        if self.0.tenant.set(tenant.clone()).is_ok() {
            self.0.span.record("tenant.id", tracing::field::display(tenant.id));
            self.0.span.record("tenant.slug", tenant.slug.as_str());
        }
    }
}

/// Notes the route of a request, behind the router that found it.
pub(super) fn note_route(request: Request<Body>) -> Request<Body> {
    if let Some(noted) = request.extensions().get::<Noted>() {
        noted.route(&request);
    }
    request
}

/// The line of a request, written when it is dropped: with the answer, or without one if nobody waits for it any more, or the
/// handler panicked.
pub(super) struct Line {
    noted: Noted,
    id: RequestId,
    method: Method,
    began: Instant,
    status: Option<StatusCode>,
}

impl Line {
    pub(super) fn span(&self) -> Span {
        self.noted.0.span.clone()
    }

    /// Ends the line with the answer, which gets the request's id.
    pub(super) fn end(mut self, response: &mut Response) {
        response.headers_mut().insert(X_REQUEST_ID, self.id.0.clone());
        self.status = Some(response.status());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let notes = &*self.noted.0;
        let _entered = notes.span.enter();
        let duration_ms = self.began.elapsed().as_secs_f64() * 1_000.0;
        let (method, route) = (&self.method, notes.route.get().map_or("(no route)", MatchedPath::as_str));
        let of = notes.tenant.get().map_or(String::new(), |tenant| format!(" of {}", tenant.slug));
        match self.status.map(|status| status.as_u16()) {
            Some(status) => tracing::info!(
                http.response.status_code = status,
                duration_ms,
                "{method} {route}{of} is answered {status} in {duration_ms:.1} ms"
            ),
            None => tracing::info!(duration_ms, "{method} {route}{of} was given up after {duration_ms:.1} ms"),
        }
    }
}

/// Printable, without what could end a field or a line of a log.
fn is_id(value: &[u8]) -> bool {
    (1..=LONGEST).contains(&value.len())
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/+=@".contains(byte))
}

fn made_here() -> HeaderValue {
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    HeaderValue::from_str(&id.to_string()).expect("a UUID is ASCII")
}

impl RequestId {
    /// The id.
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("an id is ASCII")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}
