//! Tenants in memory, kept current from the catalog.
//!
//! Looking a tenant up takes no lock and no I/O. A change in the catalog arrives by NOTIFY, or with the next poll at most
//! a second later. What a process does in between for a tenant that moved or was deleted is refused by the database, which
//! compares the epoch of every context with its own; a change of its status is not, and while the catalog is away the
//! status that is known goes on to count.

mod follow;
mod shards;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use follow::DirectoryError;
pub(crate) use follow::follow;
use shards::Shards;

use crate::tenant::{Slug, Status, Tenant, TenantId};

/// The tenants this process knows.
///
/// A lookup costs the same for ten tenants and for a million.
#[derive(Debug)]
pub struct Directory {
    by_slug: Shards<Slug>,
    by_id: Shards<TenantId>,
    version: AtomicI64,
    began: Instant,
    /// When the catalog last answered: milliseconds since `began`.
    answered: AtomicU64,
    changed: watch::Sender<i64>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self {
            by_slug: Shards::new(),
            by_id: Shards::new(),
            version: AtomicI64::new(0),
            began: Instant::now(),
            answered: AtomicU64::new(0),
            changed: watch::Sender::new(0),
        }
    }

    /// The tenant of this name. A name that is no slug belongs to nobody.
    pub fn find(&self, slug: &Slug) -> Option<Arc<Tenant>> {
        self.by_slug.get(slug)
    }

    /// The tenant of this identity.
    pub fn get(&self, id: TenantId) -> Option<Arc<Tenant>> {
        self.by_id.get(&id)
    }

    /// All of them, in no order: for work that comes round to every tenant now and then.
    ///
    /// It takes as long as there are tenants, so it is nothing for the way of a request.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.by_id.all()
    }

    /// The version of the catalog this directory has seen. It rises with every change of any tenant.
    pub fn version(&self) -> i64 {
        self.version.load(Ordering::Acquire)
    }

    /// How long ago the catalog last answered. What changed there since then is not known here.
    pub fn age(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.answered.load(Ordering::Acquire)))
    }

    /// How many tenants are known. It is counted when it is asked for.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The catalog has answered, and everything it said was taken in.
    pub(crate) fn note_answer(&self) {
        self.answered.store(self.began.elapsed().as_millis() as u64, Ordering::Release);
    }

    /// Told each time the directory changed.
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.changed.subscribe()
    }

    /// Takes in tenants as the catalog has them now, forgets those that cannot be read, and notes the version.
    pub(crate) fn apply(&self, tenants: Vec<Tenant>, unreadable: &[TenantId], version: i64) {
        let tenants: Vec<Arc<Tenant>> = tenants.into_iter().map(Arc::new).collect();
        let forgotten = unreadable.iter().filter_map(|id| self.by_id.get(id));
        self.by_slug.update(forgotten.map(|tenant| (tenant.slug.clone(), None)).collect());
        self.by_id.update(unreadable.iter().map(|id| (*id, None)).collect());
        // A tenant that was renamed leaves its old name; one that was deleted leaves both.
        let old_names = tenants.iter().filter_map(|tenant| {
            let old = self.by_id.get(&tenant.id)?;
            let moved = old.slug != tenant.slug || tenant.status == Status::Deleted;
            (moved && self.by_slug.get(&old.slug).is_some_and(|holder| holder.id == old.id))
                .then(|| (old.slug.clone(), None))
        });
        let gone = |tenant: &Arc<Tenant>| tenant.status == Status::Deleted;
        let names: Vec<_> = old_names
            .chain(
                tenants.iter().filter(|tenant| !gone(tenant)).map(|tenant| (tenant.slug.clone(), Some(tenant.clone()))),
            )
            .collect();
        self.by_slug.update(names);
        self.by_id.update(tenants.iter().map(|tenant| (tenant.id, (!gone(tenant)).then(|| tenant.clone()))).collect());
        self.version.store(version, Ordering::Release);
        self.changed.send_replace(version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: TenantId, slug: &str, status: Status) -> Tenant {
        Tenant { id, slug: slug.parse().unwrap(), name: slug.to_owned(), status, placement: None, plan: None }
    }

    #[test]
    fn a_renamed_tenant_leaves_its_old_name_and_a_deleted_one_leaves_altogether() {
        let directory = Directory::new();
        let (one, other) = (TenantId::generate(), TenantId::generate());
        directory.apply(vec![tenant(one, "one", Status::Active), tenant(other, "other", Status::Active)], &[], 2);
        // The two swap names, which arrives as two changes in one go.
        directory.apply(vec![tenant(one, "other", Status::Active), tenant(other, "one", Status::Active)], &[], 4);
        assert_eq!(directory.find(&"other".parse().unwrap()).unwrap().id, one);
        assert_eq!(directory.find(&"one".parse().unwrap()).unwrap().id, other);
        directory.apply(vec![tenant(one, "other", Status::Deleted)], &[], 5);
        assert!(directory.find(&"other".parse().unwrap()).is_none());
        assert!(directory.get(one).is_none());
        assert_eq!(directory.version(), 5);
    }

    #[test]
    fn all_tenants_are_those_that_are_there_each_of_them_once() {
        let directory = Directory::new();
        let [one, other, gone] = [(); 3].map(|()| TenantId::generate());
        let active = |id, slug| tenant(id, slug, Status::Active);
        directory.apply(vec![active(one, "one"), active(other, "other"), active(gone, "gone")], &[], 3);
        directory.apply(vec![active(one, "renamed"), tenant(gone, "gone", Status::Deleted)], &[], 5);
        let mut all: Vec<_> = directory.tenants().iter().map(|tenant| tenant.slug().to_string()).collect();
        all.sort();
        assert_eq!(all, ["other", "renamed"]);
    }

    #[test]
    fn a_tenant_that_cannot_be_read_any_more_is_not_served_as_it_was() {
        let directory = Directory::new();
        let (one, other) = (TenantId::generate(), TenantId::generate());
        directory.apply(vec![tenant(one, "one", Status::Active), tenant(other, "other", Status::Active)], &[], 2);
        directory.apply(Vec::new(), &[one], 3);
        assert!(directory.find(&"one".parse().unwrap()).is_none());
        assert!(directory.get(one).is_none());
        assert!(directory.get(other).is_some());
    }
}
