//! Names that an import met before.

use std::collections::HashMap;

use freehold::isolation::{Scope, Sqlx, Write};
use uuid::Uuid;

use crate::names::{Digest, Names, digest};

/// Names that are remembered: 48 bytes each, however long the name is.
const REMEMBERED: usize = 100_000;

/// The ids of the names an import met, so that each is looked up about once.
///
/// Its size is bounded: a file in which every record has a name of its own forgets them in between, and pays with a lookup.
pub(super) struct Known {
    table: Names,
    ids: HashMap<Digest, Uuid>,
    new: HashMap<Digest, String>,
}

/// A name of a record, or none.
pub(super) type Reference = Option<Digest>;

impl Known {
    pub(super) fn of(table: Names) -> Self {
        Self { table, ids: HashMap::new(), new: HashMap::new() }
    }

    /// Takes note of a name.
    pub(super) fn refer(&mut self, name: &str) -> Reference {
        if name.is_empty() {
            return None;
        }
        let digest = digest(name);
        if !self.ids.contains_key(&digest) {
            self.new.entry(digest).or_insert_with(|| name.to_owned());
        }
        Some(digest)
    }

    /// Looks up the names noted since the last time, and returns the ids of `references`.
    pub(super) async fn resolve(
        &mut self,
        scope: &mut Scope<Sqlx, Write>,
        references: &[Reference],
    ) -> Result<Vec<Option<Uuid>>, sqlx::Error> {
        if !self.new.is_empty() {
            self.ids.extend(self.table.ids(scope, &self.new).await?);
            self.new.clear();
        }
        let ids =
            references.iter().map(|reference| reference.and_then(|digest| self.ids.get(&digest).copied())).collect();
        if self.ids.len() > REMEMBERED {
            self.ids.clear();
        }
        Ok(ids)
    }
}
