//! What can be typed.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use freehold::tenant::{Model, Slug};
use freehold_control::Pooler;

use crate::settings::DATA;
use http::Uri;

/// One application, one set of migrations, many tenants.
///
/// Data go to standard output, everything else to standard error. Exit codes: 0 done; 1 refused, or failed for a reason
/// you can mend; 2 unexpected; 3 problems were found.
#[derive(Debug, Parser)]
#[command(name = "freehold", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Tell nothing but data and errors: no advice, no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// The directory with the key, the configuration and the private PostgreSQL
    #[arg(long, global = true, value_name = "DIR", env = "FREEHOLD_DATA", default_value = DATA)]
    pub(crate) data: PathBuf,
    /// The configuration [default: freehold.toml in the data directory]
    #[arg(long, global = true, value_name = "FILE", env = "FREEHOLD_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The directory of the application's migrations [default: as configured, else migrations]
    #[arg(long, global = true, value_name = "DIR", env = "FREEHOLD_MIGRATIONS")]
    pub(crate) migrations: Option<PathBuf>,
    /// The catalog, as freehold_control [default: in the private PostgreSQL]
    #[arg(long, global = true, value_name = "URL", env = "FREEHOLD_CONTROL_URL", hide_env_values = true)]
    pub(crate) catalog_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    OnDeployment(OnDeployment),
    #[command(flatten)]
    OfProgram(OfProgram),
}

/// What works on a deployment, and reads the configuration first.
#[derive(Debug, Subcommand)]
pub(crate) enum OnDeployment {
    /// Write a key, a configuration and directories for migrations, and the first migration if its table is named
    Init {
        /// The first table of the application, if there is no migration yet
        table: Option<String>,
    },
    /// Set everything up and migrate; with a command, run it beside a worker until it ends
    Up(Up),
    /// Show what there is
    Status,
    /// Look for what is wrong with the deployment
    Doctor(Doctor),
    /// Create, show and change tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Say how applications reach a cluster
    #[command(subcommand)]
    Cluster(Cluster),
    /// Bring every placement up to the application's migrations
    Migrate(Migrate),
    /// Look through the databases for what could leak between tenants
    ///
    /// Without a database, every database of the deployment is checked. Exit code 3: there are findings.
    Check(Check),
    /// See what row-level security would hide or refuse, before it is switched on
    #[command(subcommand)]
    Observe(Observe),
    /// Attack a running application over HTTP as two of its tenants, which sign up for it
    ///
    /// Exit code 3: one tenant saw, changed or learned something of the other. The two tenants stay: scan what is made for tests.
    Scan(Scan),
    /// Operators: people who run the deployment, for its API and console to let in
    #[command(subcommand)]
    User(User),
    /// Keys that contexts are sealed with
    #[command(subcommand)]
    Seal(Seal),
    /// The private PostgreSQL
    #[command(subcommand)]
    Pg(Pg),
    /// Run a process of the deployment
    #[command(subcommand)]
    Serve(Serve),
}

/// What the program does by itself.
#[derive(Debug, Subcommand)]
pub(crate) enum OfProgram {
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write a manual page for each command
    Man {
        /// Where to
        directory: PathBuf,
    },
    /// Write the reference of the documents
    #[command(hide = true)]
    Reference {
        /// Where to
        directory: PathBuf,
    },
    /// Run a command that ends when its parent does
    #[command(hide = true)]
    Child(Child),
}

#[derive(Args, Debug)]
pub(crate) struct Up {
    /// An administrator's login to the server, to set it up or upgrade it [default: of the private PostgreSQL]
    #[arg(long, value_name = "URL", env = "FREEHOLD_ADMIN_URL", hide_env_values = true)]
    pub(crate) admin_url: Option<String>,
    /// Gives freehold_app this password, and notes where applications find it: `env:NAME` or `file:PATH`
    #[arg(long, value_name = "REFERENCE", requires = "admin_url")]
    pub(crate) app_password: Option<String>,
    /// Gives freehold_control this password, and notes where workers find it
    #[arg(long, value_name = "REFERENCE", requires = "admin_url")]
    pub(crate) control_password: Option<String>,
    /// Gives freehold_reader this password
    #[arg(long, value_name = "REFERENCE", requires = "admin_url")]
    pub(crate) reader_password: Option<String>,
    /// Print `ready` and the origin of this URL once it answers 200
    #[arg(long, value_name = "URL", requires = "command")]
    pub(crate) ready_url: Option<Uri>,
    /// What to run, with FREEHOLD_CATALOG_URL and FREEHOLD_MASTER_KEY_FILE set
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    #[command(flatten)]
    One(OneTenant),
    /// Run any command with a login that reaches one tenant's rows, and is gone afterwards; the audit records it
    ///
    /// For one tenant the exit code is the command's. For several the command runs for one after the other, and the exit code is 1 if
    /// it failed for any.
    Exec(Exec),
}

/// What is done to one tenant, or told of it.
#[derive(Debug, Subcommand)]
pub(crate) enum OneTenant {
    /// Create a tenant and wait until it is active
    Create {
        /// Its name in host names
        slug: Slug,
        /// The name people read [default: the slug]
        #[arg(long)]
        name: Option<String>,
        /// Where its rows live: shared, schema or database
        #[arg(long, default_value = "shared")]
        model: Model,
        /// Names this request: asked again with the same key, the same tenant is given [default: made from the slug]
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// List the tenants
    List,
    /// Show one tenant
    Show {
        /// Its name in host names
        slug: Slug,
    },
    /// Change the name or the plan
    Set(Set),
    /// Give a tenant another slug; the directory of every application follows within a second
    Rename {
        #[command(flatten)]
        change: Change,
        /// Its new name in host names
        new_slug: Slug,
        /// How many days nobody else gets the old one, to which links and mail still lead
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        reserve_days: u32,
    },
    /// Lock a tenant: its people get a page that says so, and nothing is erased
    Suspend(Change),
    /// Give a tenant back everything
    Resume(Change),
    /// Erase a tenant when its grace period is over
    Delete {
        #[command(flatten)]
        change: Change,
        /// How many days nothing is erased yet; 0 erases at once
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        grace_days: u32,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Take a deletion back, in its grace period; the tenant is what it was before
    Undelete(Change),
    /// Run SQL inside the tenant's scope; the audit records it
    Sql(Sql),
}

/// A change of one tenant, for the audit.
#[derive(Args, Clone, Debug)]
pub(crate) struct Change {
    /// Its name in host names
    pub(crate) slug: Slug,
    /// Why, for the audit
    #[arg(long, default_value = "no reason was given")]
    pub(crate) reason: String,
}

#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["name", "plan", "no_plan", "read_only"])))]
pub(crate) struct Set {
    #[command(flatten)]
    pub(crate) change: Change,
    /// The name people read
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What it pays for
    #[arg(long, conflicts_with = "no_plan")]
    pub(crate) plan: Option<String>,
    /// It pays for nothing
    #[arg(long)]
    pub(crate) no_plan: bool,
    /// It may read, and not write; `resume` ends this. A suspended tenant is resumed first
    #[arg(long)]
    pub(crate) read_only: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Sql {
    #[command(flatten)]
    pub(crate) change: Change,
    /// One statement [default: statements from standard input, each ended by a semicolon]
    pub(crate) statement: Option<String>,
    /// Let statements write, and keep what they wrote
    #[arg(long)]
    pub(crate) write: bool,
}

#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("whose").required(true).args(["slug", "all", "condition"])))]
pub(crate) struct Exec {
    /// Its name in host names
    pub(crate) slug: Option<Slug>,
    /// For every tenant that is active, read-only or suspended
    #[arg(long)]
    pub(crate) all: bool,
    /// For those of them where this SQL holds, over slug, name, status, model, placement, cluster, plan and created_at
    #[arg(long = "where", value_name = "EXPR")]
    pub(crate) condition: Option<String>,
    /// Let the command write
    #[arg(long)]
    pub(crate) write: bool,
    /// Why, for the audit
    #[arg(long, default_value = "no reason was given")]
    pub(crate) reason: String,
    /// What to run, with PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGOPTIONS, FREEHOLD_TENANT, FREEHOLD_TENANT_ID and
    /// FREEHOLD_PLACEMENT set
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Migrate {
    /// Only the placement of this tenant, and its database
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: Option<Slug>,
    #[command(subcommand)]
    pub(crate) command: Option<MigrateCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Show what every placement lacks
    Status,
    /// Compare what each placement has with what the others have. Exit code 3: one differs
    Verify,
    /// Write a tenant migration with the next number
    New {
        /// What it does, in lower-case letters, digits and underscores
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// Make applications connect through a connection pooler; the control plane goes on connecting to the server itself
    #[command(group(clap::ArgGroup::new("way").required(true).args(["pooler", "direct"])))]
    Pooler {
        /// The cluster's name, as `freehold status` shows it
        cluster: String,
        /// Where the pooler is
        #[arg(value_name = "HOST:PORT")]
        pooler: Option<Pooler>,
        /// Connect to the server itself
        #[arg(long)]
        direct: bool,
        /// Why, for the audit
        #[arg(long, default_value = "no reason was given")]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Create an operator, who may do everything. A tenant's own people are rows of the application's tables
    Create {
        /// The name to log in by
        name: String,
        /// Say that it is an operator's
        #[arg(long, required = true)]
        superuser: bool,
        /// Where the password is: `env:NAME` or `file:PATH` [default: one is made, and printed once]
        #[arg(long, value_name = "REFERENCE")]
        password: Option<String>,
        /// Why, for the audit
        #[arg(long, default_value = "no reason was given")]
        reason: String,
    },
    /// List the operators
    List,
    /// Remove an operator
    Remove {
        /// The name
        name: String,
        /// Why, for the audit
        #[arg(long, default_value = "no reason was given")]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Seal {
    /// Give every database a new key; the one before stays valid until the next time
    Rotate {
        /// Also where a database was sealed with another master key
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pg {
    /// Start it, and leave it running
    Start,
    /// Stop it
    Stop {
        /// Stop the servers of tests instead, which stay for the next run; TARGET is where the build is [default: target]
        #[arg(long, value_name = "TARGET", num_args = 0..=1, default_missing_value = "target")]
        tests: Option<PathBuf>,
    },
    /// Print the address of one of its databases
    Url {
        /// The database
        #[arg(default_value = "postgres")]
        database: String,
        /// The login
        #[arg(long, default_value = "postgres")]
        user: String,
    },
    /// Find PostgreSQL on this machine, or install it
    Install {
        /// The major version [default: any that works, the newest if one must be installed]
        major: Option<u32>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Serve {
    /// Run operations on the fleet: provisioning, deleting
    Worker {
        /// How many operations at a time
        #[arg(long, default_value = "1")]
        tasks: NonZeroUsize,
        /// Serve /metrics, /healthz and /readyz there, over HTTP and to everybody who reaches it; a port alone is on this machine
        #[arg(long, value_name = "ADDR", value_parser = listen_address)]
        metrics_listen: Option<SocketAddr>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Look at a connection pooler instead, by the address and login that an application uses
    #[arg(long, value_name = "URL")]
    pub(crate) pooler: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// One database, with or without Freehold in it
    #[arg(long, value_name = "URL", env = "FREEHOLD_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// The column that says whose a row is; again for another [default: tenant_id and other usual names]
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant_column: Vec<String>,
    /// What the application logs in as, or changes to [default: every role that policies bind]
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Vec<String>,
    /// A schema to look at [default: all but the server's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) schema: Vec<String>,
    /// Rules to leave out: FH204, or FH7 for all that begin with it
    #[arg(long, value_name = "RULE")]
    pub(crate) ignore: Vec<String>,
    /// How to print findings
    #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
    pub(crate) format: ReportFormat,
    /// Findings that are known: only others count
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write today's findings to the baseline
    #[arg(long, requires = "baseline")]
    pub(crate) write_baseline: bool,
    /// Run the SQL that mends the findings
    #[arg(long, conflicts_with = "write_baseline")]
    pub(crate) fix: bool,
    /// Print that SQL, and run nothing
    #[arg(long, requires = "fix")]
    pub(crate) dry_run: bool,
    /// List the rules
    #[arg(long, conflicts_with_all = ["database_url", "baseline", "fix", "self_test"])]
    pub(crate) rules: bool,
    /// Plant every fault the rules are for, on a PostgreSQL of its own, and see whether they are found
    #[arg(long, conflicts_with_all = ["baseline", "fix"])]
    pub(crate) self_test: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Observe {
    /// Watch every table with tenants in it
    Start {
        #[command(flatten)]
        database: Database,
        /// The column that says whose a row is; again for another [default: tenant_id and other usual names]
        #[arg(long, value_name = "NAME")]
        tenant_column: Vec<String>,
        /// A schema to look at [default: all but the server's own]
        #[arg(long, value_name = "NAME")]
        schema: Vec<String>,
        /// The setting in which the application says for which tenant it works [default: the first row of a transaction says it]
        #[arg(long, value_name = "NAME")]
        setting: Option<String>,
        /// Do not watch what the owners of tables do
        #[arg(long)]
        without_owners: bool,
    },
    /// Show what would be hidden or refused so far. Exit code 3: there is something
    Report {
        #[command(flatten)]
        database: Database,
    },
    /// Watch no more, and forget what was seen
    Stop {
        #[command(flatten)]
        database: Database,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Database {
    /// The database, with the login of its owner or of a superuser
    #[arg(long, value_name = "URL", env = "FREEHOLD_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: String,
}

#[derive(Args, Debug)]
pub(crate) struct Scan {
    /// The application's base host
    pub(crate) url: String,
    /// The path of its OpenAPI document [default: where most are]
    #[arg(long, value_name = "PATH")]
    pub(crate) openapi: Option<String>,
    /// What the document does not tell: how to sign up and log in, bodies, operations to leave alone
    #[arg(long, value_name = "FILE")]
    pub(crate) recipe: Option<PathBuf>,
    /// Attack this operation, such as 'GET /expenses/{id}', and no other; several times for several
    #[arg(long, value_name = "OPERATION")]
    pub(crate) only: Vec<String>,
    /// Write the report as JUnit XML too
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    #[default]
    Text,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

#[derive(Args, Debug)]
pub(crate) struct Child {
    /// The process whose end is the command's end
    #[arg(long)]
    pub(crate) parent: i32,
    /// What to run
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

/// An address and a port, or a port of this machine.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    port.or_else(|_| text.parse())
        .map_err(|_| "use a port like 9184, or an address with one like 10.0.0.7:9184".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_has_no_contradictions() {
        Cli::command().debug_assert();
    }
}
