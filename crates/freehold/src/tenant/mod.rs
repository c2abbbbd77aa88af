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
/// A `Tenant` is a value: it is shared behind an `Arc`, travels with the request and into spawned tasks, and never
/// changes. A newer one comes from the [directory](crate::directory).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tenant {
    /// Never changes, never reused.
    pub id: TenantId,
    /// The name in host names and paths; can be changed.
    pub slug: Slug,
    /// The name people read.
    pub name: String,
    /// What the tenant may do now.
    pub status: Status,
    /// Where the tenant's rows are. Absent until it was provisioned and after it was deleted.
    pub placement: Option<Placement>,
    /// The plan the tenant pays for, in the application's own words.
    pub plan: Option<String>,
}
