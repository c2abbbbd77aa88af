use std::fmt;
use std::str::FromStr;

/// What a tenant may do now. The [gate](crate::gate) asks it on every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Being created; nobody can use it yet.
    Provisioning,
    /// In use.
    Active,
    /// May read; every context is minted for reading, so the database refuses writes too.
    ReadOnly,
    /// Locked by an operator.
    Suspended,
    /// Waiting for its rows to be dropped.
    Deleting,
    /// Gone; the catalog keeps the row as a record.
    Deleted,
}

/// A status of the catalog that this version of the library does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown tenant status {0:?}: the catalog is newer than this library; upgrade the application")]
pub struct UnknownStatus(pub String);

impl Status {
    /// The word the catalog and the command line use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::ReadOnly => "read_only",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Provisioning, Self::Active, Self::ReadOnly, Self::Suspended, Self::Deleting, Self::Deleted]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
