use std::collections::{HashSet, VecDeque};

use freehold::tenant::TenantId;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Whose outboxes are to be looked into: each organisation once, in the order in which they rang.
///
/// One that rings again goes to the end, so that nobody's many letters keep those of others waiting.
#[derive(Debug, Default)]
pub(super) struct Bell {
    queue: Mutex<Queue>,
    rung: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    order: VecDeque<TenantId>,
    waiting: HashSet<TenantId>,
}

impl Bell {
    pub(super) fn ring(&self, tenant: TenantId) {
        let mut queue = self.queue.lock();
        if queue.waiting.insert(tenant) {
            queue.order.push_back(tenant);
            self.rung.notify_one();
        }
    }

    /// Waits for the next. Dropped while it waits, it took nobody.
    pub(super) async fn next(&self) -> TenantId {
        loop {
            if let Some(tenant) = self.take() {
                return tenant;
            }
            self.rung.notified().await;
        }
    }

    fn take(&self) -> Option<TenantId> {
        let mut queue = self.queue.lock();
        let tenant = queue.order.pop_front()?;
        queue.waiting.remove(&tenant);
        // A ring may have woken somebody who then went away; whoever comes passes it on.
        if !queue.order.is_empty() {
            self.rung.notify_one();
        }
        Some(tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_is_looked_at_once_and_in_order_and_again_when_it_rings_again() {
        let bell = Bell::default();
        let (a, b) = (TenantId::generate(), TenantId::generate());
        for tenant in [a, b, a] {
            bell.ring(tenant);
        }
        assert_eq!((bell.next().await, bell.next().await, bell.take()), (a, b, None));
        bell.ring(a);
        assert_eq!(bell.next().await, a);
    }

    #[tokio::test]
    async fn whoever_waits_hears_it_and_so_do_two_who_wait() {
        let bell = Bell::default();
        let (a, b) = (TenantId::generate(), TenantId::generate());
        let (first, second, ()) = tokio::join!(bell.next(), bell.next(), async {
            bell.ring(a);
            bell.ring(b);
        });
        assert_eq!(HashSet::from([first, second]), HashSet::from([a, b]));
    }
}
