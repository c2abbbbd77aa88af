use std::collections::HashMap;

use freehold::isolation::{Access, Scope, Sqlx, Write};
use sha2::{Digest as _, Sha256};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// The SHA-256 of a name, which stands for it where its length would matter: in indexes and in memory.
pub(crate) type Digest = [u8; 32];

/// The digest of a name.
pub(crate) fn digest(name: &str) -> Digest {
    Sha256::digest(name).into()
}

/// A table of names.
pub(crate) struct Names {
    find: &'static str,
    add: &'static str,
}

/// Who is paid.
pub(crate) const SUPPLIERS: Names = Names {
    find: "select id, digest from suppliers where digest = any($1)",
    add: "insert into suppliers (id, name, digest) select id, name, digest \
          from unnest($1::uuid[], $2::text[], $3::bytea[]) as new (id, name, digest) \
          on conflict (tenant_id, digest) do nothing returning id, digest",
};

/// Parts of the organisation.
pub(crate) const UNITS: Names = Names {
    find: "select id, digest from units where digest = any($1)",
    add: "insert into units (id, name, digest) select id, name, digest \
          from unnest($1::uuid[], $2::text[], $3::bytea[]) as new (id, name, digest) \
          on conflict (tenant_id, digest) do nothing returning id, digest",
};

/// What it was for.
pub(crate) const CATEGORIES: Names = Names {
    find: "select id, digest from categories where digest = any($1)",
    add: "insert into categories (id, name, digest) select id, name, digest \
          from unnest($1::uuid[], $2::text[], $3::bytea[]) as new (id, name, digest) \
          on conflict (tenant_id, digest) do nothing returning id, digest",
};

impl Names {
    /// The id of one name, which is added if it is not there; the empty name has none.
    pub(crate) async fn id(&self, scope: &mut Scope<Sqlx, Write>, name: &str) -> Result<Option<Uuid>, sqlx::Error> {
        if name.is_empty() {
            return Ok(None);
        }
        let digest = digest(name);
        let ids = self.ids(scope, &HashMap::from([(digest, name.to_owned())])).await?;
        Ok(ids.get(&digest).copied())
    }

    /// The ids of these names. Those that are not there are added.
    pub(crate) async fn ids(
        &self,
        scope: &mut Scope<Sqlx, Write>,
        names: &HashMap<Digest, String>,
    ) -> Result<HashMap<Digest, Uuid>, sqlx::Error> {
        let mut wanted: Vec<Digest> = names.keys().copied().collect();
        // One order for all, so that two who add the same names wait for each other and not crosswise.
        wanted.sort_unstable();
        let mut ids = self.find(scope, &wanted).await?;

        wanted.retain(|digest| !ids.contains_key(digest));
        if !wanted.is_empty() {
            ids.extend(self.add(scope, &wanted, names).await?);
            // What somebody else added in between was not ours to return.
            wanted.retain(|digest| !ids.contains_key(digest));
        }
        if !wanted.is_empty() {
            ids.extend(self.find(scope, &wanted).await?);
        }
        Ok(ids)
    }

    /// Adds one name, and returns its id unless it was there.
    pub(crate) async fn add_new(
        &self,
        scope: &mut Scope<Sqlx, Write>,
        name: &str,
    ) -> Result<Option<Uuid>, sqlx::Error> {
        let digest = digest(name);
        let added = self.add(scope, &[digest], &HashMap::from([(digest, name.to_owned())])).await?;
        Ok(added.get(&digest).copied())
    }

    async fn find<A: Access>(
        &self,
        scope: &mut Scope<Sqlx, A>,
        wanted: &[Digest],
    ) -> Result<HashMap<Digest, Uuid>, sqlx::Error> {
        sqlx::query(self.find).bind(wanted).fetch_all(scope).await?.iter().map(id_and_digest).collect()
    }

    async fn add(
        &self,
        scope: &mut Scope<Sqlx, Write>,
        wanted: &[Digest],
        names: &HashMap<Digest, String>,
    ) -> Result<HashMap<Digest, Uuid>, sqlx::Error> {
        let ids: Vec<Uuid> = wanted.iter().map(|_| Uuid::now_v7()).collect();
        let texts: Vec<&str> = wanted.iter().map(|digest| names[digest].as_str()).collect();
        let added = sqlx::query(self.add).bind(ids).bind(texts).bind(wanted).fetch_all(scope).await?;
        added.iter().map(id_and_digest).collect()
    }
}

fn id_and_digest(row: &PgRow) -> Result<(Digest, Uuid), sqlx::Error> {
    Ok((row.try_get("digest")?, row.try_get("id")?))
}
