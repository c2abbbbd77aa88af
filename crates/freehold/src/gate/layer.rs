use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::Request;
use tower::{Layer, Service, ServiceExt};

use super::extract::Admitted;
use super::{GateError, admit};
use crate::Freehold;
use crate::resolve::{Chain, ResolveError};

/// The way in: resolves the tenant of a request and asks the gate, before any handler runs.
///
/// As a tower [`Layer`] it lets through only requests of a tenant. [`router`](Self::router) also serves the routes of the
/// application itself, to requests that name no tenant.
#[derive(Clone, Debug)]
pub struct Tenancy {
    freehold: Freehold,
    chain: Chain,
}

impl Tenancy {
    /// Resolves by `chain`, among the tenants that `freehold` knows.
    pub fn new(freehold: &Freehold, chain: Chain) -> Self {
        Self { freehold: freehold.clone(), chain }
    }

    /// One router out of two: `tenants` for requests of a tenant, `base` for requests that name none. Neither is reachable
    /// in the other's place, so a path may stand in both.
    pub fn router(&self, tenants: Router, base: Router) -> Router {
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

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let admitted = admit(self.tenancy.freehold.directory(), &self.tenancy.chain, &mut parts);
        match (admitted, &self.base) {
            (Ok(Some(tenant)), _) => {
                parts.extensions.insert(Admitted { tenant, freehold: self.tenancy.freehold.clone() });
                let tenants = self.tenants.clone();
                Box::pin(async move { Ok(tenants.oneshot(Request::from_parts(parts, body)).await.into_response()) })
            }
            (Ok(None), Some(base)) => {
                let base = base.clone();
                Box::pin(async move { Ok(base.oneshot(Request::from_parts(parts, body)).await.into_response()) })
            }
            (Ok(None), None) => Box::pin(async { Ok(GateError::Resolve(ResolveError::NoSlug).into_response()) }),
            (Err(error), _) => Box::pin(async { Ok(error.into_response()) }),
        }
    }
}
