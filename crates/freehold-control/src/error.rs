use std::path::PathBuf;

use freehold::tenant::{InvalidPlacementId, PlacementId, Slug, UnknownModel};
use tokio_postgres::error::SqlState;

/// Why an operation on the fleet was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// A server or database cannot be reached.
    #[error("cannot connect to database {database}: check that the server runs and lets {user} in")]
    Connect {
        /// The database.
        database: String,
        /// The login.
        user: String,
        /// What the driver said.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A statement of ours failed.
    #[error("{doing} failed")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the driver said.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A reference to a password leads nowhere.
    #[error("there is no password at {reference}: set the variable, or write the file")]
    Password {
        /// `env:NAME` or `file:PATH`.
        reference: String,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something else stands where a password should be named; it may be the password, so it is not repeated.
    #[error("a password is named, not given: use env:NAME or file:PATH")]
    PasswordGiven,
    /// Another tenant has the slug.
    #[error("the slug {slug} is taken: choose another")]
    SlugTaken {
        /// The slug.
        slug: Slug,
    },
    /// Another tenant had the slug until lately.
    #[error("the slug {slug} is reserved for the tenant that was renamed: choose another, or wait until that ends")]
    SlugReserved {
        /// The slug.
        slug: Slug,
    },
    /// A deletion that is to be taken back has begun to erase.
    #[error("tenant {slug} cannot be undeleted: its grace period is over, and its rows are being erased")]
    ErasureBegun {
        /// The slug.
        slug: Slug,
    },
    /// A key that names one request was used for another.
    #[error("the idempotency key names a request for another slug than {slug}: each request has a key of its own")]
    KeyTaken {
        /// The slug.
        slug: Slug,
    },
    /// A tenant's name or a request's key is empty or too long, or has a NUL in it.
    #[error("a name and an idempotency key have 1 to 200 characters each, and no NUL")]
    Length,
    /// Nothing watches this database.
    #[error("database {database} is not observed: `freehold observe start` begins it")]
    NotObserved {
        /// The database.
        database: String,
    },
    /// The catalog has no cluster of this name.
    #[error("there is no cluster {cluster}: `freehold status` shows them")]
    UnknownCluster {
        /// The name.
        cluster: String,
    },
    /// No tenant has this slug.
    #[error("there is no tenant {slug}: `freehold tenant list` shows them")]
    UnknownTenant {
        /// The slug.
        slug: Slug,
    },
    /// A condition that chooses tenants cannot be understood.
    #[error(
        "the condition is refused: {message}: it is SQL over slug, name, status, model, placement, cluster, plan and \
         created_at, such as: plan = 'pro' and status = 'active'"
    )]
    Condition {
        /// What the database said.
        message: String,
    },
    /// The tenant is not in a state in which this can be done.
    #[error("tenant {slug} is {status}: it cannot be {wanted}")]
    WrongStatus {
        /// The slug.
        slug: Slug,
        /// The status it has.
        status: String,
        /// What was asked.
        wanted: &'static str,
    },
    /// A name that no operator can have.
    #[error("{name:?} cannot be the name of an operator: use 1 to 200 characters without spaces")]
    OperatorName {
        /// The name.
        name: String,
    },
    /// There is an operator of this name.
    #[error("there is an operator {name} already: `freehold user list` shows them")]
    OperatorTaken {
        /// The name.
        name: String,
    },
    /// There is no operator of this name.
    #[error("there is no operator {name}: `freehold user list` shows them")]
    UnknownOperator {
        /// The name.
        name: String,
    },
    /// A password of an operator is too easy to try out, or too long to be one.
    #[error("a password of an operator has 12 to 200 characters")]
    UnfitPassword,
    /// A password could not be hashed.
    #[error("a password cannot be hashed")]
    Hash(#[source] argon2::password_hash::Error),
    /// No cluster takes new tenants.
    #[error("no cluster takes new tenants: run `freehold up`")]
    NoCluster,
    /// There is no placement of this name with tenants in it.
    #[error("there is no placement {placement} that tenants live in")]
    UnknownPlacement {
        /// The name.
        placement: PlacementId,
    },
    /// An act that goes on record names nobody, or no reason.
    #[error("say who does this, and for what reason: it goes on record")]
    Unexplained,
    /// The catalog says something this version does not understand.
    #[error("the catalog cannot be read: {0}")]
    Catalog(String),
    /// An operation failed for good.
    #[error("operation {operation} failed: {reason}")]
    Operation {
        /// The operation.
        operation: uuid::Uuid,
        /// Its last error.
        reason: String,
    },
    /// Another worker holds the operation, or took it over.
    #[error("operation {operation} is in other hands")]
    LeaseLost {
        /// The operation.
        operation: uuid::Uuid,
    },
    /// A directory or file of migrations cannot be read.
    #[error("cannot read {path}", path = path.display())]
    MigrationFile {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The files of migrations contradict each other, or what was applied.
    #[error("{path}: {problem}", path = path.display())]
    InvalidMigration {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A migration failed. Nothing of it is there, unless it runs without a transaction.
    #[error("migration {file} failed in {place}{at}: {message}{hint}",
            place = if placement.is_empty() { "the database" } else { placement },
            at = line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Migration {
        /// The file.
        file: String,
        /// The placement, or empty for the database itself.
        placement: String,
        /// The line of the file, where it is known.
        line: Option<usize>,
        /// What the database said.
        message: String,
        /// Its hint on a line of its own, if it gave one.
        hint: String,
        /// The error itself.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A database that is to be checked has no table with a tenant column.
    #[error("no table has a column that says whose a row is, by the names {columns}: name yours with --tenant-column")]
    NoTenantTables {
        /// The names that were looked for.
        columns: String,
    },
    /// A migration left a table that the application would not be kept out of.
    #[error(
        "migration {file} leaves {table} without the policies of a tenant table: \
         add to it: select freehold.tenant_table('{table}'), or its parent's name if it is a partition"
    )]
    Unprotected {
        /// The file.
        file: String,
        /// The table.
        table: String,
    },
    /// Transactions that a tenant began before it was fenced did not end.
    #[error(
        "{transactions} transactions that write to the tenant's tables are still open: end them; the worker tries again"
    )]
    StillWriting {
        /// How many.
        transactions: i64,
    },
    /// A tenant's rows were deleted, and there are some.
    #[error(
        "a trigger keeps rows in {table}, or writes them while they are deleted: as a superuser, \
         grant set on parameter session_replication_role to freehold_control; then delete the tenant again"
    )]
    NotErased {
        /// The table.
        table: String,
    },
    /// An index that was being built without a lock is unfinished, and nothing in it can be relied on.
    #[error(
        "migration {file} leaves index {index} invalid in {place}: another run drops it and runs the file again",
        place = if placement.is_empty() { "the database" } else { placement }
    )]
    InvalidIndex {
        /// The file.
        file: String,
        /// The placement, or empty for the database itself.
        placement: String,
        /// The index.
        index: String,
    },
    /// A database that is to be ours holds somebody's tables.
    #[error("database {database} holds tables that are not Freehold's: name another one")]
    Occupied {
        /// The database.
        database: String,
    },
    /// The catalog was upgraded past what this version understands.
    #[error("the catalog has schema version {found}, and this program was built for {supported}: upgrade it")]
    Incompatible {
        /// The version found.
        found: i32,
        /// The version this was built for.
        supported: i32,
    },
    /// The server is older than Freehold needs.
    #[error("the server is PostgreSQL {version}: Freehold needs 15 or newer")]
    TooOld {
        /// Its version.
        version: String,
    },
    /// A database was sealed with another master key, or is a copy.
    #[error(
        "database {database} was sealed with master key {sealed_with}, and the configured one is {configured}: \
             configure that key, or run `freehold seal rotate --force`"
    )]
    WrongKey {
        /// The database.
        database: String,
        /// The fingerprint found.
        sealed_with: String,
        /// The fingerprint of the configured key.
        configured: String,
    },
    /// A database has the keys of another one.
    #[error("database {database} has the seal keys of the database it was copied from: run `freehold seal rotate`")]
    Copy {
        /// The database.
        database: String,
    },
}

impl ControlError {
    /// What went wrong, with everything that led to it: for the catalog, which keeps one text.
    pub(crate) fn full_text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// Whether the same is likely to succeed once the server is up, has room or has ended what is in the way.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::StillWriting { .. } => true,
            Self::Connect { source, .. } | Self::Database { source, .. } | Self::Migration { source, .. } => {
                // No code: the connection broke. Connection, resources, shutdown, locks (PostgreSQL Error Codes).
                let code = source.code().map(SqlState::code);
                let codes = ["08", "53", "57P01", "57P02", "57P03", "55P03", "40P01"];
                source.is_closed()
                    || code.is_some_and(|code| codes.iter().any(|passing| code.starts_with(passing)))
                    || matches!(self, Self::Connect { .. }) && code.is_none()
            }
            _ => false,
        }
    }

    /// For `map_err`: a statement failed that gives `slug` to a tenant.
    pub(crate) fn naming<'a>(doing: &'static str, slug: &'a Slug) -> impl Fn(tokio_postgres::Error) -> Self + 'a {
        move |source| match source.as_db_error() {
            Some(error) if *error.code() == SqlState::UNIQUE_VIOLATION => match error.constraint() {
                Some("former_slugs") => Self::SlugReserved { slug: slug.clone() },
                _ => Self::SlugTaken { slug: slug.clone() },
            },
            _ => Self::Database { doing, source },
        }
    }

    /// For `map_err`: a statement failed while `doing` something.
    pub(crate) fn doing(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}

impl From<UnknownModel> for ControlError {
    fn from(error: UnknownModel) -> Self {
        Self::Catalog(error.to_string())
    }
}

impl From<InvalidPlacementId> for ControlError {
    fn from(error: InvalidPlacementId) -> Self {
        Self::Catalog(error.to_string())
    }
}
