use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(crate) enum Role {
    /// Everything, also adding people.
    Owner,
    /// Decides on expenses, imports files.
    Approver,
    /// Names categories, submits expenses, and changes what it submitted until somebody decided on it. Sees all of them.
    Member,
}

/// A text that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown role {0:?}: use owner, approver or member")]
pub(crate) struct UnknownRole(String);

impl TryFrom<String> for Role {
    type Error = UnknownRole;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "owner" => Ok(Self::Owner),
            "approver" => Ok(Self::Approver),
            "member" => Ok(Self::Member),
            _ => Err(UnknownRole(text)),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Approver => "approver",
            Self::Member => "member",
        })
    }
}

impl Role {
    /// All of them, with what they may do, for people who choose one.
    pub(crate) const ALL: [(Self, &'static str); 3] = [
        (Self::Member, "Submits expenses, and sees all of them"),
        (Self::Approver, "Decides on expenses and imports files besides"),
        (Self::Owner, "Does everything: people, rules, budgets, settings"),
    ];

    /// As the heading of a choice.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Approver => "Approver",
            Self::Member => "Member",
        }
    }

    /// As the end of a sentence: `you join as an approver`.
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            Self::Owner => "an owner",
            Self::Approver => "an approver",
            Self::Member => "a member",
        }
    }

    /// Whether the person decides on expenses: approves, rejects, pays.
    pub(crate) fn decides(self) -> bool {
        matches!(self, Self::Owner | Self::Approver)
    }
}
