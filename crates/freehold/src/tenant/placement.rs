use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rand::RngExt;
use serde::{Deserialize, Serialize};

/// How a tenant's rows are kept apart from others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// In tables that many tenants use, behind row-level security (elsewhere: pool).
    Shared,
    /// In a schema of its own (elsewhere: bridge).
    Schema,
    /// In a database of its own, reached by a login of its own (elsewhere: silo).
    Database,
}

/// A text that names no isolation model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown model {0:?}: use shared, schema or database")]
pub struct UnknownModel(pub String);

impl Model {
    /// Every model, in the order of growing separation.
    pub const ALL: [Self; 3] = [Self::Shared, Self::Schema, Self::Database];

    /// The word the catalog and the command line use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Schema => "schema",
            Self::Database => "database",
        }
    }
}

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|model| model.as_str() == text).ok_or_else(|| UnknownModel(text.to_owned()))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The opaque name of a placement: `t_` and 16 random characters of base32 (RFC 4648, lower case).
///
/// It is the name of the schema, and for [`Model::Database`] also of the database and of its login. Catalogues are
/// readable by every login, so the name says nothing about the tenant. It needs no quoting in SQL, ever.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacementId {
    /// The id, and behind it [`PATH_END`](Self::PATH_END).
    path: Arc<str>,
}

/// A text that is no placement id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no placement id: expected t_ and 16 characters of a-z and 2-7")]
pub struct InvalidPlacementId(pub String);

impl PlacementId {
    const ALPHABET: &'static [u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    const LENGTH: usize = 18;
    /// Temporary tables come last, so that none can stand in for a tenant's table.
    const PATH_END: &'static str = ",pg_temp";

    /// A new random id: 80 bits.
    pub fn generate() -> Self {
        let mut random = rand::rng();
        let random = (0..16).map(|_| char::from(Self::ALPHABET[random.random_range(0..32)]));
        Self::with_path("t_".chars().chain(random).collect())
    }

    fn with_path(id: String) -> Self {
        Self { path: (id + Self::PATH_END).into() }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.path[..Self::LENGTH]
    }

    /// The `search_path` of a transaction in this placement: its schema and nothing to fall through to.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for PlacementId {
    type Err = InvalidPlacementId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("t_") {
            Some(random) if random.len() == 16 && random.bytes().all(|b| Self::ALPHABET.contains(&b)) => {
                Ok(Self::with_path(text.to_owned()))
            }
            _ => Err(InvalidPlacementId(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for PlacementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for PlacementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a PostgreSQL server in the catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub Arc<str>);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a tenant's rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placement {
    /// The schema, and under [`Model::Database`] the database and the login.
    pub id: PlacementId,
    /// The isolation model.
    pub model: Model,
    /// The server.
    pub cluster: ClusterId,
    /// The database on it.
    pub database: Arc<str>,
    /// Rises when the tenant moves. The database refuses contexts of any other epoch.
    pub epoch: i64,
}

impl Placement {
    /// A placement, as the catalog describes it.
    pub fn new(id: PlacementId, model: Model, cluster: ClusterId, database: impl Into<Arc<str>>, epoch: i64) -> Self {
        Self { id, model, cluster, database: database.into(), epoch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_parse_and_do_not_repeat() {
        let (one, other) = (PlacementId::generate(), PlacementId::generate());
        assert_eq!(one.as_str().parse::<PlacementId>().unwrap(), one);
        assert_ne!(one, other);
    }

    #[test]
    fn what_would_need_quoting_in_sql_is_no_placement_id() {
        for text in [
            "",
            "t_",
            "t_\"; drop schema x; --",
            "T_aaaaaaaaaaaaaaaa",
            "t_aaaaaaaaaaaaaaa1",
            "t_aaaaaaaaaaaaaaaaa",
            "public",
        ] {
            assert!(text.parse::<PlacementId>().is_err(), "{text:?} was taken for a placement id");
        }
    }
}
