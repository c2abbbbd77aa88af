use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::tenant::Tenant;

/// Enough that a change among a million tenants copies about a thousand entries, and few enough to be small when empty.
const SHARDS: usize = 1_024;

/// A map that is read without locks. A change copies the shard it is in and swaps it.
#[derive(Debug)]
pub(super) struct Shards<K> {
    shards: Vec<ArcSwap<HashMap<K, Arc<Tenant>>>>,
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone> Shards<K> {
    pub(super) fn new() -> Self {
        let empty = Arc::new(HashMap::new());
        Self { shards: (0..SHARDS).map(|_| ArcSwap::new(empty.clone())).collect(), hasher: RandomState::new() }
    }

    pub(super) fn get(&self, key: &K) -> Option<Arc<Tenant>> {
        self.shards[self.shard(key)].load().get(key).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().len()).sum()
    }

    /// Every value, a shard at a time.
    pub(super) fn all(&self) -> Vec<Arc<Tenant>> {
        self.shards.iter().flat_map(|shard| shard.load().values().cloned().collect::<Vec<_>>()).collect()
    }

    /// Sets or, with `None`, removes; the last change of a key counts. Only one caller at a time: the directory's
    /// follower.
    pub(super) fn update(&self, changes: Vec<(K, Option<Arc<Tenant>>)>) {
        let mut by_shard: HashMap<usize, Vec<_>> = HashMap::new();
        for change in changes {
            by_shard.entry(self.shard(&change.0)).or_default().push(change);
        }
        for (shard, changes) in by_shard {
            let mut entries = HashMap::clone(&self.shards[shard].load());
            for (key, tenant) in changes {
                match tenant {
                    Some(tenant) => entries.insert(key, tenant),
                    None => entries.remove(&key),
                };
            }
            self.shards[shard].store(Arc::new(entries));
        }
    }

    fn shard(&self, key: &K) -> usize {
        self.hasher.hash_one(key) as usize % SHARDS
    }
}
