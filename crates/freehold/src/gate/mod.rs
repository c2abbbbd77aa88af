//! The gate: what a tenant may do now.

mod counts;
mod extract;
mod layer;
mod log;
mod outcome;

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::ACCEPT;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

pub use extract::{CurrentTenant, NoTenant};
pub use layer::{Tenancy, TenantService};
use log::Noted;
pub use log::{RequestId, RequestLog};

use crate::Problem;
use crate::directory::Directory;
use crate::resolve::{Address, Chain, ResolveError, TenantName};
use crate::tenant::{Slug, Status, Tenant};

/// Why a request does not get through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The request names no tenant, in a wrong way, or two.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// No tenant has this name.
    #[error("there is no tenant {name}")]
    Unknown {
        /// The name.
        name: TenantName,
    },
    /// The tenant is being created.
    #[error("tenant {slug} is not ready yet")]
    Provisioning {
        /// The tenant.
        slug: Slug,
    },
    /// The tenant may read, and this is no request for reading.
    #[error("tenant {slug} may only read")]
    ReadOnly {
        /// The tenant.
        slug: Slug,
    },
    /// The tenant was locked by an operator.
    #[error("tenant {slug} is suspended")]
    Suspended {
        /// The tenant.
        slug: Slug,
        /// Whether the client is a browser that shows pages.
        page: bool,
    },
    /// The tenant is being deleted.
    #[error("tenant {slug} is being deleted")]
    Gone {
        /// The tenant.
        slug: Slug,
    },
}

/// Asks who the request is for and whether they may. `None`: it is for the application itself.
pub(crate) fn admit(
    directory: &Directory,
    chain: &Chain,
    request: &mut Parts,
) -> Result<Option<Arc<Tenant>>, GateError> {
    let claim = match chain.resolve(request, directory)? {
        Address::Tenant(claim) => claim,
        Address::Base => return Ok(None),
        Address::Unknown => return Err(ResolveError::NoSlug.into()),
    };
    let found = match &claim.tenant {
        TenantName::Slug(slug) => directory.find(slug),
        TenantName::Id(id) => directory.get(*id),
    };
    let Some(tenant) = found else { return Err(GateError::Unknown { name: claim.tenant }) };
    if let Some(noted) = request.extensions.get::<Noted>() {
        noted.tenant(&tenant);
    }
    let slug = || tenant.slug.clone();
    match tenant.status {
        Status::Active => {}
        Status::ReadOnly if is_reading(&request.method) => {}
        Status::ReadOnly => return Err(GateError::ReadOnly { slug: slug() }),
        Status::Suspended => return Err(GateError::Suspended { slug: slug(), page: wants_page(&request.headers) }),
        Status::Provisioning => return Err(GateError::Provisioning { slug: slug() }),
        Status::Deleting => return Err(GateError::Gone { slug: slug() }),
        Status::Deleted => return Err(GateError::Unknown { name: claim.tenant }),
    }
    if let Some(uri) = claim.rewritten {
        request.uri = uri;
    }
    request.extensions.extend(claim.extensions);
    Ok(Some(tenant))
}

/// The methods that are safe by definition (RFC 9110, section 9.2.1).
fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Browsers name HTML first; programs ask for JSON or for anything.
fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.trim_start().starts_with("text/html"))
}

impl IntoResponse for GateError {
    fn into_response(self) -> Response {
        match self {
            Self::Resolve(error) => return error.into_response(),
            Self::Unknown { .. } => {
                Problem::new(StatusCode::NOT_FOUND, "unknown_tenant").detail("there is no organisation at this address")
            }
            Self::Provisioning { .. } => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "provisioning")
                .detail("the organisation is being set up: try again in a moment")
                .retry_after(1),
            Self::ReadOnly { .. } => Problem::new(StatusCode::PAYMENT_REQUIRED, "read_only")
                .detail("the organisation can be read, but not changed, for now"),
            Self::Suspended { page: true, .. } => return suspended_page(),
            Self::Suspended { page: false, .. } => Problem::new(StatusCode::PAYMENT_REQUIRED, "suspended")
                .detail("the organisation is suspended; nothing of it is lost"),
            Self::Gone { .. } => Problem::new(StatusCode::GONE, "deleting").detail("the organisation is being deleted"),
        }
        .into_response()
    }
}

fn suspended_page() -> Response {
    const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Suspended</title>\
                        <h1>This organisation is suspended</h1>\
                        <p>Whoever runs this service can say why, and end it. Nothing is lost.</p></html>";
    (StatusCode::PAYMENT_REQUIRED, axum::response::Html(PAGE)).into_response()
}
