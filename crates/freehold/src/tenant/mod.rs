//! Tenants and what is known of them: values, no I/O.

mod id;
mod placement;
mod slug;
mod status;

pub use id::TenantId;
pub use placement::{ClusterId, InvalidPlacementId, Model, Placement, PlacementId, UnknownModel};
pub use slug::{InvalidSlug, RESERVED_SLUGS, Slug};
pub use status::{Status, UnknownStatus};

/// An organisation that uses the application, as the directory knows it.
///
/// A `Tenant` is a value that only the [directory](crate::directory) makes: it is shared behind an `Arc`, travels with the
/// request and into spawned tasks, and never changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) slug: Slug,
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) placement: Option<Placement>,
    pub(crate) plan: Option<String>,
}

impl Tenant {
    /// Never changes, never reused.
    pub fn id(&self) -> TenantId {
        self.id
    }

    /// The name in host names and paths; can be changed.
    pub fn slug(&self) -> &Slug {
        &self.slug
    }

    /// The name people read.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the tenant may do now.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The isolation model of the tenant's placement; `None` before it was provisioned and after it was deleted.
    pub fn model(&self) -> Option<Model> {
        self.placement.as_ref().map(|placement| placement.model)
    }

    /// The plan the tenant pays for, in the application's own words.
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }
}
