//! What `--json` prints: the one place that says so.
//!
//! The schema and its reference in the documents are made from these types and from those of the crates below, whose fields
//! have the meaning that their comments give.

use std::path::Path;

use freehold_control::{
    Diagnosis, Finding, Observation, Observed, OperatorRow, Overview, Rule, SelfTest, TenantRow, Verification,
};
use freehold_scan::Report;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Rises when a member changes its meaning or goes. A new member does not make it rise.
pub(crate) const VERSION: u32 = 1;

/// The one member of a document beside its version, which says what the document is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Document<'a> {
    /// `init`: the files and directories that were written.
    Written(&'a [String]),
    /// `up` without a command: what an application needs in its environment.
    Environment(Environment<'a>),
    /// `status`: what there is.
    Status(Status<'a>),
    /// `doctor`: what was looked at, and how it is.
    Diagnoses(&'a [Diagnosis]),
    /// `tenant create`, `tenant show` and what changes a tenant: the tenant as it is now.
    Tenant(&'a TenantRow),
    /// `tenant list`: every tenant that was not erased, by slug.
    Tenants(&'a [TenantRow]),
    /// `tenant delete`: what was deleted, and when it will be erased.
    Deleted(Deleted<'a>),
    /// `tenant sql`: the rows of a statement, each an object with a member per column; one document per statement.
    Rows(&'a [Map<String, Value>]),
    /// `tenant exec`: how the command ended for each tenant. What the command prints goes to standard error.
    Exec(&'a [Executed<'a>]),
    /// `user create`: the operator, and the password if one was made.
    User(NewUser<'a>),
    /// `user list`: every operator, by name.
    Users(&'a [OperatorRow]),
    /// `cluster pooler`: how applications reach the cluster now.
    Cluster(Reached<'a>),
    /// `migrate`: what was done, and what failed.
    Migrate(Migrated<'a>),
    /// `migrate status`: what every database lacks.
    Databases(&'a [Lacking<'a>]),
    /// `migrate verify`: whether placements that have the same migrations are the same.
    Verification(&'a Verification),
    /// `migrate new`: the file that was written.
    Created(&'a Path),
    /// `check`: what could leak.
    Findings(&'a [Finding]),
    /// `check --fix`: what was mended.
    Fixes(Fixes<'a>),
    /// `check --fix --dry-run`: SQL that would mend the findings.
    Script(&'a str),
    /// `check --rules`: the rules.
    Rules(&'a [Rule]),
    /// `check --self-test`: whether the rules find what they are for.
    SelfTest(&'a SelfTest),
    /// `observe start`: what is watched now.
    Observed(&'a Observed),
    /// `observe report`: what would be hidden or refused.
    Observations(&'a [Observation]),
    /// `observe stop`: the tables that are not watched any more.
    Ended(&'a [String]),
    /// `scan`: what was probed, and what one tenant saw of the other.
    Scan(&'a Report),
    /// `seal rotate`: the databases that have a new key.
    Rotated(&'a [Rotated<'a>]),
    /// `pg start` and `pg url`: the address of a database.
    Url(&'a str),
    /// `pg install`: the PostgreSQL that was found or installed.
    Postgres(Postgres<'a>),
}

/// Variables for an application.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) struct Environment<'a> {
    /// The catalog, as `freehold_reader`.
    pub(crate) freehold_catalog_url: &'a str,
    /// The file with the key that contexts are sealed with.
    pub(crate) freehold_master_key_file: &'a Path,
}

/// A deployment at a glance.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status<'a> {
    /// What the catalog has.
    pub(crate) overview: &'a Overview,
    /// How many placements and databases lack a migration.
    pub(crate) behind: usize,
    /// The directory of the private PostgreSQL, if one runs.
    pub(crate) postgres: Option<&'a Path>,
}

/// A tenant that is to be erased.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted<'a> {
    /// Its slug.
    pub(crate) slug: &'a str,
    /// In how many days it will be erased; 0: it is.
    pub(crate) grace_days: u32,
}

/// How a command ended for a tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Executed<'a> {
    /// The tenant's slug.
    pub(crate) slug: &'a str,
    /// Its exit code, if it was run.
    pub(crate) code: Option<u8>,
    /// Why it was not run, or its login not taken away.
    pub(crate) error: Option<String>,
}

/// An operator who was created.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NewUser<'a> {
    /// The name to log in by.
    pub(crate) name: &'a str,
    /// The password, if one was made. It is kept nowhere.
    pub(crate) password: Option<&'a str>,
}

/// A cluster, as applications reach it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Reached<'a> {
    /// Its name.
    pub(crate) id: &'a str,
    /// The pooler that applications connect to, if there is one.
    pub(crate) pooler: Option<&'a str>,
}

/// What came of a migration of the fleet.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Migrated<'a> {
    /// Migrations applied, in databases and placements.
    pub(crate) applied: usize,
    /// Placements that had nothing to do.
    pub(crate) current: usize,
    /// What could not be migrated. The rest was.
    pub(crate) failures: Vec<Unmigrated<'a>>,
}

/// A place that could not be migrated.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Unmigrated<'a> {
    /// The database.
    pub(crate) database: &'a str,
    /// The placement; empty for the database itself.
    pub(crate) placement: &'a str,
    /// The tenant that alone lives there.
    pub(crate) tenant: Option<&'a str>,
    /// Why.
    pub(crate) error: String,
    /// The command that tries again.
    pub(crate) retry: String,
}

/// What a database lacks.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Lacking<'a> {
    /// The database.
    pub(crate) database: &'a str,
    /// Placements that lack nothing.
    pub(crate) current: usize,
    /// The others, the database itself first.
    pub(crate) pending: Vec<Pending<'a>>,
}

/// What one place lacks.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Pending<'a> {
    /// The placement; empty for the database itself.
    pub(crate) placement: &'a str,
    /// The files, in the order they will be applied.
    pub(crate) migrations: Vec<String>,
}

/// What came of mending.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Fixes<'a> {
    /// Statements that ran.
    pub(crate) done: &'a [String],
    /// Statements that were refused.
    pub(crate) refused: Vec<Refused<'a>>,
}

/// A statement that was refused.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Refused<'a> {
    /// The statement.
    pub(crate) statement: &'a str,
    /// What the database said.
    pub(crate) reason: &'a str,
}

/// A database with a new key.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rotated<'a> {
    /// The database.
    pub(crate) database: &'a str,
    /// Which key of the database it is.
    pub(crate) generation: i32,
}

/// A PostgreSQL on this machine.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Postgres<'a> {
    /// Its version.
    pub(crate) version: String,
    /// The directory of its programs.
    pub(crate) bin: &'a Path,
}

impl Document<'_> {
    /// The whole document.
    pub(crate) fn to_json(&self) -> serde_json::Result<Value> {
        let mut document = serde_json::to_value(self)?;
        document["version"] = json!(VERSION);
        Ok(document)
    }
}

/// The JSON Schema of every document (JSON Schema 2020-12).
pub(crate) fn schema() -> Schema {
    let mut schema = schema_for!(Document<'_>);
    if let Some(members) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        for member in members {
            member["properties"]["version"] = json!({ "const": VERSION });
            member["required"].as_array_mut().into_iter().for_each(|required| required.push(json!("version")));
        }
    }
    schema.insert("title".to_owned(), json!("What freehold prints with --json"));
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_take_long_to_make_are_as_the_schema_says() {
        let validator = jsonschema::validator_for(schema().as_value()).unwrap();
        let (scanned, tested) = (Report::default(), SelfTest::default());
        for document in [Document::Scan(&scanned), Document::SelfTest(&tested)] {
            let json = document.to_json().unwrap();
            assert!(validator.is_valid(&json), "{json}");
        }
        assert!(!validator.is_valid(&json!({ "scan": Report::default() })), "the version is missing");
    }
}
