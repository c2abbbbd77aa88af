use std::sync::Arc;
use std::time::Duration;

use crate::tenant::{ClusterId, TenantId};

/// The error of a driver, or of whatever stands below it.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a scope gave no answer. Never an empty answer instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// The tenant is not provisioned, or was deleted.
    #[error("tenant {tenant} has no placement: provision it first")]
    NotPlaced {
        /// The tenant.
        tenant: TenantId,
    },
    /// The catalog names a cluster this process has no endpoint for.
    #[error("cluster {cluster} is not in the catalog's list of endpoints")]
    UnknownCluster {
        /// The cluster.
        cluster: ClusterId,
    },
    /// A reference to a password leads nowhere.
    #[error("the password of cluster {cluster} is not at {reference}")]
    Password {
        /// The cluster.
        cluster: ClusterId,
        /// Where the catalog says it is: `env:NAME` or `file:PATH`.
        reference: String,
    },
    /// The server could not be reached, or refused the login.
    #[error("cannot connect to database {database} of cluster {cluster}")]
    Connect {
        /// The cluster.
        cluster: ClusterId,
        /// The database.
        database: Arc<str>,
        /// What the driver said.
        #[source]
        source: Source,
    },
    /// Schema `freehold` of the database is too old or too new for this library.
    #[error("database {database} has schema freehold version {found}; this library works with {supported}: {advice}")]
    Incompatible {
        /// The database.
        database: String,
        /// The version it has.
        found: i32,
        /// The versions that work.
        supported: &'static str,
        /// What to upgrade.
        advice: &'static str,
    },
    /// The database has no key, or one that was not derived from the configured master key.
    #[error(
        "database {database} is sealed with {sealed_with}, and the configured master key is {configured}: \
             configure that key, or run `freehold seal rotate` with this one"
    )]
    WrongKey {
        /// The database.
        database: String,
        /// Fingerprint of the key the database was sealed with, or `no key`.
        sealed_with: String,
        /// Fingerprint of the configured key.
        configured: String,
    },
    /// The tenant's share of connections, or all of them, stayed in use.
    #[error("no connection for tenant {tenant} became free within {waited:?}")]
    Busy {
        /// The tenant.
        tenant: TenantId,
        /// How long the scope waited.
        waited: Duration,
    },
    /// The scope ran past its deadline. The statement was cancelled and the connection closed.
    #[error("the scope ran past its deadline of {deadline:?}")]
    Deadline {
        /// The time a scope may take.
        deadline: Duration,
    },
    /// The database refused the context. The reason is the database's, but a tenant's SQL can raise one like it.
    #[error("the database refused the tenant context: {reason}{}", advice(reason))]
    ContextRefused {
        /// What the database said.
        reason: String,
    },
    /// The placement is no longer the tenant's: it moved or was deleted since the directory was read.
    #[error("the placement of tenant {tenant} is no longer current")]
    Stale {
        /// The tenant.
        tenant: TenantId,
    },
    /// A write in a context for reading: in a read scope, or of a tenant that may only read.
    #[error("the scope of tenant {tenant} is for reading")]
    ReadOnly {
        /// The tenant.
        tenant: TenantId,
    },
    /// EXPLAIN, in tables that other tenants' rows are in or beside: its estimates come from the rows of all.
    #[error(
        "EXPLAIN is refused in a scope, because estimates tell of other tenants' rows: explain as an administrator"
    )]
    Explain,
    /// An earlier statement of this scope failed, so nothing was committed.
    #[error("the transaction was rolled back, because an earlier statement failed")]
    RolledBack,
    /// The connection broke, or the server went away. Whatever the scope did was rolled back, unless this came from a
    /// commit, whose outcome is then unknown.
    #[error("the connection to the database was lost")]
    Disconnected {
        /// What the driver said.
        #[source]
        source: Source,
    },
    /// The scope ended before: by a deadline or a lost connection.
    #[error("the scope has ended: open another")]
    Ended,
    /// The database refused the statement; or, without a SQLSTATE, the driver could not send it or read the answer.
    #[error("{}", match sqlstate {
        Some(sqlstate) => format!("the database refused the statement (SQLSTATE {sqlstate})"),
        None => "the statement could not be sent, or its answer not be read".to_owned(),
    })]
    Database {
        /// The SQLSTATE (PostgreSQL: Appendix A), if the database gave one.
        sqlstate: Option<String>,
        /// What the driver said. It may quote rows: for logs, not for clients.
        #[source]
        source: Source,
    },
}

/// A context that was not tampered with is still not genuine where the key was derived for a database of another name.
fn advice(reason: &str) -> &'static str {
    if reason.contains("is not genuine") {
        "; if the database is a copy of another one, run `freehold seal rotate`"
    } else {
        ""
    }
}

/// What kind of trouble an error is: a label for metrics, and a hint whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Too much at once; try later.
    Busy,
    /// The database cannot be used now; try later.
    Unavailable,
    /// It took too long.
    Timeout,
    /// The picture of the tenant was old; try again now.
    Stale,
    /// A write where only reading is allowed.
    ReadOnly,
    /// The transaction lost against another one; try again now.
    Conflict,
    /// A row that must be unique is there already, or one that must exist is not.
    Constraint,
    /// A value does not fit: it is missing, out of range, no value of its type, or not what a check allows.
    Value,
    /// The statement or the set-up is wrong; trying again cannot help.
    Fault,
}

impl ErrorKind {
    /// The word for a metric label.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Stale => "stale",
            Self::ReadOnly => "read_only",
            Self::Conflict => "conflict",
            Self::Constraint => "constraint",
            Self::Value => "value",
            Self::Fault => "fault",
        }
    }
}

impl ScopeError {
    /// What kind of trouble this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy { .. } => ErrorKind::Busy,
            // It waited for a backend for too long, behind a pooler.
            Self::ContextRefused { reason } if reason.contains("expired") => ErrorKind::Busy,
            Self::Connect { .. } | Self::Disconnected { .. } => ErrorKind::Unavailable,
            Self::Deadline { .. } => ErrorKind::Timeout,
            Self::Stale { .. } => ErrorKind::Stale,
            Self::ReadOnly { .. } => ErrorKind::ReadOnly,
            Self::Database { .. } => match self.sqlstate() {
                Some("0A000" | "40001" | "40P01" | "55P03") => ErrorKind::Conflict,
                Some("53100" | "53200" | "53300" | "53400") => ErrorKind::Unavailable,
                Some("57014") => ErrorKind::Timeout,
                Some("23502" | "23514") => ErrorKind::Value,
                Some(state) if state.starts_with("22") => ErrorKind::Value,
                Some(state) if state.starts_with("23") => ErrorKind::Constraint,
                _ => ErrorKind::Fault,
            },
            _ => ErrorKind::Fault,
        }
    }

    /// The SQLSTATE of a statement the database refused (PostgreSQL: Appendix A).
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Database { sqlstate, .. } => sqlstate.as_deref(),
            _ => None,
        }
    }

    /// Whether a new connection may do what this one could not: the server closed it, or the database has another key or
    /// another clock than when it was opened.
    ///
    /// A tenant's SQL can raise such an error, and pays for it with the connection.
    pub(crate) fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Disconnected { .. } => true,
            Self::ContextRefused { reason } => {
                reason.contains("a key this database does not have")
                    || reason.contains("not genuine")
                    || reason.contains("expired")
            }
            _ => false,
        }
    }

    /// Whether a kept statement was planned for other columns than the table has now (feature_not_supported), or some SQL has
    /// deallocated it (invalid_sql_statement_name).
    pub(crate) fn is_of_a_kept_statement(&self) -> bool {
        matches!(self.sqlstate(), Some("0A000" | "26000"))
    }

    /// Reads what the database said about a statement of `tenant`. After a `fatal` error it has closed the connection.
    ///
    /// A refused context is told by the text that `freehold.context` puts into the failed cast (SQLSTATE 22P02). A
    /// tenant's SQL can raise the same text, to its own harm only: nothing is decided on it but the kind of the error.
    pub(crate) fn from_database(tenant: TenantId, sqlstate: &str, message: &str, fatal: bool, source: Source) -> Self {
        if fatal {
            return Self::Disconnected { source };
        }
        if sqlstate == "25006" {
            return Self::ReadOnly { tenant };
        }
        let refused = (sqlstate == "22P02").then(|| message.split_once("\"freehold: ")).flatten();
        match refused.map(|(_, reason)| reason.trim_end_matches('"')) {
            Some("the tenant context is stale") => Self::Stale { tenant },
            Some("the tenant context is read-only") => Self::ReadOnly { tenant },
            Some(reason) => Self::ContextRefused { reason: reason.to_owned() },
            None => Self::Database { sqlstate: Some(sqlstate.to_owned()), source },
        }
    }
}
