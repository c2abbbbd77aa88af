use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a key reaches; never further than the person it acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(crate) enum KeyScope {
    /// Reads.
    Read,
    /// Also submits, changes, decides and imports.
    Write,
    /// Also what owners alone do.
    Manage,
}

/// A text that names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}: use read, write or manage")]
pub(crate) struct UnknownScope(String);

impl KeyScope {
    /// All of them, with what they mean, for people who choose one.
    pub(crate) const ALL: [(Self, &'static str); 3] = [
        (Self::Read, "Reads expenses, reports and people"),
        (Self::Write, "Also submits, changes, decides and imports"),
        (Self::Manage, "Everything you may do"),
    ];

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Manage => "manage",
        }
    }
}

impl TryFrom<String> for KeyScope {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().map(|(scope, _)| scope).find(|scope| scope.name() == text).ok_or(UnknownScope(text))
    }
}
