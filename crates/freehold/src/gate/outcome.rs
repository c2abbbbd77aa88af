use super::GateError;
use crate::resolve::ResolveError;

/// What became of a request at the gate, in a word: for logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Admitted,
    Base,
    InvalidHost,
    NoTenant,
    Conflict,
    InvalidToken,
    KeysUnavailable,
    Unknown,
    Provisioning,
    ReadOnly,
    Suspended,
    Deleting,
}

impl Outcome {
    pub(crate) const COUNT: usize = Self::Deleting as usize + 1;

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Base => "base",
            Self::InvalidHost => "invalid_host",
            Self::NoTenant => "no_tenant",
            Self::Conflict => "tenant_conflict",
            Self::InvalidToken => "invalid_token",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Unknown => "unknown_tenant",
            Self::Provisioning => "provisioning",
            Self::ReadOnly => "read_only",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
        }
    }
}

impl From<&GateError> for Outcome {
    fn from(error: &GateError) -> Self {
        match error {
            GateError::Resolve(ResolveError::Host(_)) => Self::InvalidHost,
            GateError::Resolve(ResolveError::NoSlug) => Self::NoTenant,
            GateError::Resolve(ResolveError::Conflict { .. }) => Self::Conflict,
            GateError::Resolve(ResolveError::Token(_)) => Self::InvalidToken,
            GateError::Resolve(ResolveError::KeysUnavailable { .. }) => Self::KeysUnavailable,
            GateError::Unknown { .. } => Self::Unknown,
            GateError::Provisioning { .. } => Self::Provisioning,
            GateError::ReadOnly { .. } => Self::ReadOnly,
            GateError::Suspended { .. } => Self::Suspended,
            GateError::Gone { .. } => Self::Deleting,
        }
    }
}
