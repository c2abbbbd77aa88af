use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::isolation::{Driver, TenantDb};
use crate::tenant::Tenant;
use crate::{Freehold, Problem};

/// What the gate leaves with a request that it let through.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) tenant: Arc<Tenant>,
    pub(super) freehold: Freehold,
}

/// The tenant of a request, as an axum extractor.
#[derive(Clone, Debug)]
pub struct CurrentTenant(pub Arc<Tenant>);

/// A handler asked for the tenant of a request that did not come through [`Tenancy`](super::Tenancy).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the route has no tenant: put it behind freehold::gate::Tenancy")]
pub struct NoTenant;

impl IntoResponse for NoTenant {
    fn into_response(self) -> Response {
        tracing::error!(error = &self as &dyn std::error::Error, "a handler for tenants was reached without one");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
            .detail("something went wrong on our side")
            .into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentTenant {
    type Rejection = NoTenant;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let admitted = parts.extensions.get::<Admitted>().ok_or(NoTenant)?;
        Ok(Self(admitted.tenant.clone()))
    }
}

impl<S: Send + Sync, D: Driver> FromRequestParts<S> for TenantDb<D> {
    type Rejection = NoTenant;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let admitted = parts.extensions.get::<Admitted>().ok_or(NoTenant)?;
        Ok(admitted.freehold.tenant_db(&admitted.tenant))
    }
}
