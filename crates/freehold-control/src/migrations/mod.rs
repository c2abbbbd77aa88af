//! An application's migrations: two directories of plain SQL.
//!
//! `migrations/shared` runs once per database, in schema `global`; `migrations/tenant` once per placement, in its schema.
//! A file is named `NNNN_name.sql`; `NNNN_name.down.sql` beside it is what undoes it. A first line
//! `-- freehold: no-transaction` runs the file outside a transaction; `-- freehold: backfill` runs it as the control plane,
//! which sees all rows, instead of as the owner of the tables, who sees none. What changes rows needs it, and so does a
//! foreign key that is added to tables that are there: PostgreSQL checks the rows they have.
//!
//! Without a header a file runs in one transaction, of which it is not the master: `begin` and `commit` are refused.

mod statements;

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use statements::{Statement, split};

use crate::ControlError;

/// A migration as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The number its name begins with.
    pub version: i32,
    /// The rest of its name.
    pub name: String,
    /// SHA-256 of the file, in hex.
    pub checksum: String,
    /// The statements.
    pub sql: String,
    /// Not to be run in a transaction.
    pub no_transaction: bool,
    /// To be run with sight of all rows.
    pub backfill: bool,
}

/// Every migration of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrations {
    /// Once per database.
    pub shared: Vec<Migration>,
    /// Once per placement.
    pub tenant: Vec<Migration>,
}

/// The last migrations that every placement is to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rollout {
    pub(crate) shared: i32,
    pub(crate) tenant: i32,
}

impl Migration {
    /// The file's name.
    pub fn file_name(&self) -> String {
        format!("{:04}_{}.sql", self.version, self.name)
    }

    /// Whether it has a word that the statements have which make routines, also as text that is put together.
    pub(crate) fn may_create_routines(&self) -> bool {
        let sql = self.sql.to_ascii_lowercase();
        ["function", "procedure", "routine", "aggregate", "extension", "execute"].iter().any(|word| sql.contains(word))
    }
}

impl Migrations {
    /// Reads `shared/` and `tenant/` below a directory. A directory that is not there has no migrations.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, has a name that is none, a number that another has, or no statement yet.
    pub fn read(directory: &Path) -> Result<Self, ControlError> {
        let all = |name| read_statements(&directory.join(name), None);
        Ok(Self { shared: all("shared")?, tenant: all("tenant")? })
    }

    /// The same with those that have no statement yet: to tell what is missing where, and to run none.
    pub(crate) fn read_begun(directory: &Path) -> Result<Self, ControlError> {
        let all = |name| read_directory(&directory.join(name), None);
        Ok(Self { shared: all("shared")?, tenant: all("tenant")? })
    }

    /// Reads those that were rolled out. What is written behind them may be unfinished.
    pub(crate) fn read_rolled_out(directory: &Path, rollout: Rollout) -> Result<Self, ControlError> {
        let up_to = |name, last| read_statements(&directory.join(name), Some(last));
        Ok(Self { shared: up_to("shared", rollout.shared)?, tenant: up_to("tenant", rollout.tenant)? })
    }

    /// How far they go.
    pub(crate) fn rollout(&self) -> Rollout {
        let last = |migrations: &[Migration]| migrations.last().map_or(0, |last| last.version);
        Rollout { shared: last(&self.shared), tenant: last(&self.tenant) }
    }

    /// Those of the database itself, or of a placement.
    pub(crate) fn of(&self, placement: &str) -> &[Migration] {
        if placement.is_empty() { &self.shared } else { &self.tenant }
    }

    /// Writes the first tenant migration, which creates a table, unless there is one already. Returns its path.
    ///
    /// # Errors
    ///
    /// When the name is none, or the file cannot be written.
    pub fn create_first(directory: &Path, table: &str) -> Result<Option<PathBuf>, ControlError> {
        let directory = directory.join("tenant");
        let path = directory.join(format!("0001_create_{table}.sql"));
        if !is_name(table) || table.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(invalid(&path, "use lower-case letters, digits and underscores for the table's name"));
        }
        if !read_directory(&directory, None)?.is_empty() {
            return Ok(None);
        }
        let unwritten = |source| ControlError::MigrationFile { path: path.clone(), source };
        fs::create_dir_all(&directory).map_err(unwritten)?;
        fs::write(&path, FIRST.replace("{table}", table)).map_err(unwritten)?;
        Ok(Some(path))
    }

    /// Writes an empty tenant migration with the next number, and returns its path.
    ///
    /// # Errors
    ///
    /// When the name is none, or the file cannot be written.
    pub fn create(directory: &Path, name: &str) -> Result<PathBuf, ControlError> {
        let directory = directory.join("tenant");
        let next = read_directory(&directory, None)?.last().map_or(1, |last| last.version + 1);
        let path = directory.join(format!("{next:04}_{name}.sql"));
        if !is_name(name) {
            return Err(invalid(&path, "use lower-case letters, digits and underscores for its name"));
        }
        let unwritten = |source| ControlError::MigrationFile { path: path.clone(), source };
        fs::create_dir_all(&directory).map_err(unwritten)?;
        fs::write(&path, SKELETON).map_err(unwritten)?;
        Ok(path)
    }
}

const FIRST: &str = "\
-- Runs once in every placement, with its schema as search_path: no schema is named here.
create table {table} (
    -- Whose row it is; without being told, the tenant of the scope. Every key begins with it.
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
-- Gives the table its policies and grants, or refuses it, says why, and what to write instead.
select freehold.tenant_table('{table}');
";

const SKELETON: &str = "\
-- Runs once in every placement, with its schema as search_path. Keys lead with tenant_id.
--
-- create table things (
--     tenant_id uuid not null,
--     id uuid not null,
--     name text not null,
--     primary key (tenant_id, id)
-- );
-- select freehold.tenant_table('things');
";

/// The migrations of a directory, all or those up to a number, each with something to do.
fn read_statements(directory: &Path, last: Option<i32>) -> Result<Vec<Migration>, ControlError> {
    let migrations = read_directory(directory, last)?;
    if let Some(empty) = migrations.iter().find(|migration| split(&migration.sql).is_empty()) {
        let words = "has no statement yet: write one, or remove the file";
        return Err(invalid(&directory.join(empty.file_name()), words));
    }
    let found = migrations.last().map_or(0, |last| last.version);
    match last.filter(|&last| last > found) {
        Some(last) => {
            let words = format!("ends at {found:04}, and {last:04} was rolled out: use the files of that version");
            Err(invalid(directory, &words))
        }
        None => Ok(migrations),
    }
}

/// The files of a directory, all or those up to a number.
fn read_directory(directory: &Path, last: Option<i32>) -> Result<Vec<Migration>, ControlError> {
    let unreadable = |source| ControlError::MigrationFile { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut migrations: Vec<Migration> = Vec::new();
    let mut undoing = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(undone) = file.strip_suffix(".down.sql") {
            undoing.push((path.clone(), format!("{undone}.sql")));
        } else if file.ends_with(".sql") {
            migrations.push(read_file(&path, &file)?);
        }
    }
    migrations.sort_by(|one, other| (one.version, &one.name).cmp(&(other.version, &other.name)));
    if let Some((path, undone)) =
        undoing.into_iter().find(|(_, undone)| migrations.iter().all(|migration| migration.file_name() != *undone))
    {
        return Err(invalid(&path, &format!("undoes {undone}, which is not here: rename or remove it")));
    }
    migrations.retain(|migration| last.is_none_or(|last| migration.version <= last));
    refuse_wrong_numbers(directory, &migrations)?;
    Ok(migrations)
}

/// Numbers count up from 1: a gap is a file that somebody forgot, and would be applied out of order when it turns up.
fn refuse_wrong_numbers(directory: &Path, migrations: &[Migration]) -> Result<(), ControlError> {
    let mut before: Option<&Migration> = None;
    for migration in migrations {
        let last = before.map_or(0, |before| before.version);
        let problem = match before {
            Some(before) if before.version == migration.version => {
                format!("has the number of {}: renumber one of them", before.file_name())
            }
            _ if migration.version != last + 1 => {
                format!("follows {last:04}, so {:04} is missing: add it, or renumber", last + 1)
            }
            _ => {
                before = Some(migration);
                continue;
            }
        };
        return Err(invalid(&directory.join(migration.file_name()), &problem));
    }
    Ok(())
}

fn read_file(path: &Path, file: &str) -> Result<Migration, ControlError> {
    let parts = file.strip_suffix(".sql").and_then(|stem| stem.split_once('_'));
    let (version, name) = parts
        .filter(|(number, name)| number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()) && is_name(name))
        .and_then(|(number, name)| Some((number.parse::<i32>().ok().filter(|version| *version > 0)?, name)))
        .ok_or_else(|| invalid(path, "is not named like 0001_create_expenses.sql"))?;
    let sql =
        fs::read_to_string(path).map_err(|source| ControlError::MigrationFile { path: path.to_owned(), source })?;
    let headers: Vec<&str> = sql.lines().map_while(|line| line.strip_prefix("-- freehold:")).map(str::trim).collect();
    if let Some(unknown) = headers.iter().find(|header| !["no-transaction", "backfill"].contains(header)) {
        return Err(invalid(path, &format!("has the unknown header {unknown:?}: use no-transaction or backfill")));
    }
    let no_transaction = headers.contains(&"no-transaction");
    if !no_transaction && let Some(statement) = split(&sql).iter().find(|statement| statement.controls_transaction()) {
        let line = line_at(&sql, statement.offset);
        let problem = format!(
            "line {line} begins or ends a transaction, but the file runs in one: remove it, or begin the file with `-- freehold: no-transaction`"
        );
        return Err(invalid(path, &problem));
    }
    Ok(Migration {
        version,
        name: name.to_owned(),
        checksum: hex::encode(Sha256::digest(&sql)),
        no_transaction,
        backfill: headers.contains(&"backfill"),
        sql,
    })
}

/// The line of a file in which a byte is, counted from 1.
pub(crate) fn line_at(sql: &str, offset: usize) -> usize {
    1 + sql.bytes().take(offset).filter(|b| *b == b'\n').count()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn invalid(path: &Path, problem: &str) -> ControlError {
    ControlError::InvalidMigration { path: path.to_owned(), problem: problem.to_owned() }
}
