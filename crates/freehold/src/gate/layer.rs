use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::Request;
use tower::util::MapRequestLayer;
use tower::{Layer, Service, ServiceExt};
use tracing::Instrument;

use super::admit;
use super::counts::Counts;
use super::extract::Admitted;
use super::log::{Noted, RequestLog, note_route};
use super::outcome::Outcome;
use crate::Freehold;
use crate::resolve::{Chain, ResolveError};
use crate::tenant::Tenant;

/// The way in: resolves the tenant of a request and asks the gate, before any handler runs.
///
/// As a tower [`Layer`] it lets through only requests of a tenant. [`router`](Self::router) also serves the routes of the
/// application itself, to requests that name no tenant.
#[derive(Clone, Debug)]
pub struct Tenancy {
    freehold: Freehold,
    chain: Chain,
    log: Option<RequestLog>,
    counts: Counts,
}

impl Tenancy {
    /// Resolves by `chain`, among the tenants that `freehold` knows.
    pub fn new(freehold: &Freehold, chain: Chain) -> Self {
        Self { freehold: freehold.clone(), chain, log: None, counts: Counts::default() }
    }

    /// Keeps a log of all requests, also of those that are refused.
    pub fn logged(self, log: RequestLog) -> Self {
        Self { log: Some(log), ..self }
    }

    /// One router out of two: `tenants` for requests of a tenant, `base` for requests that name none. Neither is reachable
    /// in the other's place, so a path may stand in both.
    pub fn router(&self, tenants: Router, base: Router) -> Router {
        let (tenants, base) = match self.log {
            // Which route it was is known behind the router.
            Some(_) => (tenants.layer(MapRequestLayer::new(note_route)), base.layer(MapRequestLayer::new(note_route))),
            None => (tenants, base),
        };
        let front = TenantService { tenancy: self.clone(), tenants, base: Some(base) };
        Router::new().fallback_service(front)
    }
}

impl<S> Layer<S> for Tenancy {
    type Service = TenantService<S>;

    fn layer(&self, tenants: S) -> Self::Service {
        TenantService { tenancy: self.clone(), tenants, base: None }
    }
}

/// A service behind [`Tenancy`].
#[derive(Clone, Debug)]
pub struct TenantService<S> {
    tenancy: Tenancy,
    tenants: S,
    base: Option<Router>,
}

impl<S> Service<Request<Body>> for TenantService<S>
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Which service a request goes to is known only once it is here; that one is waited for in `call`.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(log) = &self.tenancy.log else { return self.answer(request) };
        let line = log.begin(&mut request);
        let span = line.span();
        let answer = span.in_scope(|| self.answer(request));
        let logged = async move {
            let mut response = answer.await?;
            line.end(&mut response);
            Ok(response)
        };
        Box::pin(logged.instrument(span))
    }
}

/// Where a request goes.
enum Way {
    In(Arc<Tenant>),
    Base(Router),
}

impl<S> TenantService<S>
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response, Infallible>> {
        let (mut parts, body) = request.into_parts();
        let admitted = admit(self.tenancy.freehold.directory(), &self.tenancy.chain, &mut parts);
        let way = admitted.and_then(|tenant| match (tenant, &self.base) {
            (Some(tenant), _) => Ok(Way::In(tenant)),
            (None, Some(base)) => Ok(Way::Base(base.clone())),
            (None, None) => Err(ResolveError::NoSlug.into()),
        });
        let outcome = match &way {
            Ok(Way::In(_)) => Outcome::Admitted,
            Ok(Way::Base(_)) => Outcome::Base,
            Err(error) => error.into(),
        };
        if let Some(noted) = parts.extensions.get::<Noted>() {
            noted.outcome(outcome);
        }
        let counts = self.tenancy.counts.clone();
        let counted = move |response: Response| {
            counts.count(outcome, response.status());
            Ok(response)
        };
        match way {
            Ok(Way::In(tenant)) => {
                parts.extensions.insert(Admitted { tenant, freehold: self.tenancy.freehold.clone() });
                let tenants = self.tenants.clone();
                Box::pin(
                    async move { counted(tenants.oneshot(Request::from_parts(parts, body)).await.into_response()) },
                )
            }
            Ok(Way::Base(base)) => {
                Box::pin(async move { counted(base.oneshot(Request::from_parts(parts, body)).await.into_response()) })
            }
            Err(error) => Box::pin(async move { counted(error.into_response()) }),
        }
    }
}
