use std::fmt;

use http::{Extensions, Uri};

use crate::directory::Directory;
use crate::tenant::{Slug, TenantId};

/// How a request names its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TenantName {
    /// By the name people use, which can change.
    Slug(Slug),
    /// By identity.
    Id(TenantId),
}

impl TenantName {
    /// Whether both name one tenant. A slug and an id do if the tenant of that id has that slug now; where nobody has the
    /// slug, they do not.
    pub(super) fn agrees_with(&self, other: &Self, directory: &Directory) -> bool {
        match (self, other) {
            (Self::Slug(slug), Self::Id(id)) | (Self::Id(id), Self::Slug(slug)) => {
                directory.find(slug).is_some_and(|tenant| tenant.id == *id)
            }
            (one, other) => one == other,
        }
    }
}

impl From<Slug> for TenantName {
    fn from(slug: Slug) -> Self {
        Self::Slug(slug)
    }
}

impl From<TenantId> for TenantName {
    fn from(id: TenantId) -> Self {
        Self::Id(id)
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slug(slug) => slug.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// What a resolver found in a request.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The tenant that is named.
    pub tenant: TenantName,
    /// The URI without what named the tenant, if the handler is not to see that.
    pub rewritten: Option<Uri>,
    /// What the resolver hands on to the handlers. They see it only if the request gets through the gate.
    pub extensions: Extensions,
}

impl Claim {
    /// A claim that leaves the request as it is.
    pub fn of(tenant: impl Into<TenantName>) -> Self {
        Self { tenant: tenant.into(), rewritten: None, extensions: Extensions::new() }
    }

    /// The claim of two resolvers that name one tenant.
    pub(super) fn joined(mut self, other: Self) -> Self {
        // An id stays right when the tenant is renamed in this moment.
        if matches!(other.tenant, TenantName::Id(_)) {
            self.tenant = other.tenant;
        }
        self.extensions.extend(other.extensions);
        Self { rewritten: self.rewritten.or(other.rewritten), ..self }
    }
}

/// Whom a request is for.
#[derive(Clone, Debug)]
pub enum Address {
    /// A tenant.
    Tenant(Claim),
    /// The application itself: its front page, its sign-up.
    Base,
    /// Nobody that is known.
    Unknown,
}
