use std::collections::BTreeMap;

use freehold::login::Login;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, IsolationLevel, Row, ToStatement, Transaction};

use super::rule::{Rule, Severity};
use crate::connection::connect;
use crate::{ControlError, ControlPlane};

const VOCABULARY: &str = include_str!("../../sql/check/vocabulary.sql");
const STRUCTURE: &str = include_str!("../../sql/check/structure.sql");
/// The settings by which the vocabulary is told its options.
const TENANT_COLUMNS: &str = "freehold_check.tenant_columns";
const ROLES: &str = "freehold_check.roles";
const SCHEMAS: &str = "freehold_check.schemas";

/// What to know of a database that Freehold did not make.
///
/// Everything may stay empty: then every column with a usual name counts, every role that is not exempt from policies,
/// and every schema that is not the server's. Where schema `freehold` is installed, it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckOptions {
    /// The column that says whose a row is; several, where tables differ.
    pub tenant_columns: Vec<String>,
    /// What applications log in as, and what they change to.
    pub roles: Vec<String>,
    /// Where to look.
    pub schemas: Vec<String>,
    /// Rules that were looked at and are not wanted: `FH204`, or `FH7` for all that begin with it.
    pub ignore: Vec<String>,
}

/// Something that could leak, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// What is wrong where the rule fires.
    pub title: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The database it is in.
    pub database: String,
    /// The table, policy, function, role or setting.
    pub object: String,
    /// Why it could leak, here.
    pub why: String,
    /// SQL that mends it; or advice, as an SQL comment, where somebody has to decide.
    pub fix: String,
    /// How many schemas more are made just like the one it is in, and were not looked at for that.
    pub alike: i64,
}

impl ControlPlane {
    /// Looks through every database. No findings is the good answer. That one cannot be reached is a finding too.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be read.
    pub async fn check(&self, options: &CheckOptions) -> Result<Vec<Finding>, ControlError> {
        let catalog = self.catalog().await?;
        let mut findings = Vec::new();
        for (server, database) in self.databases(&catalog).await? {
            let found = async {
                let mut client = connect(&server.to_database(&database)).await?;
                run(&mut client, options).await
            };
            match found.await {
                Ok(found) => findings.extend(found.findings),
                Err(error) => findings.push(unreachable(database, &error)),
            }
        }
        Ok(findings)
    }
}

/// Looks through one database, with or without Freehold in it. Reads only.
///
/// # Errors
///
/// When it cannot be read. [`ControlError::NoTenantTables`] when nothing in it belongs to a tenant, as far as the options
/// tell.
pub async fn check_database(database: &Login, options: &CheckOptions) -> Result<Vec<Finding>, ControlError> {
    let mut client = connect(database).await?;
    let found = run(&mut client, options).await?;
    // Schemas of tenants need no column.
    if found.tenant_tables == 0 && found.findings.is_empty() {
        return Err(ControlError::NoTenantTables { columns: found.tenant_columns.join(", ") });
    }
    Ok(found.findings)
}

struct Found {
    findings: Vec<Finding>,
    tenant_tables: i64,
    tenant_columns: Vec<String>,
}

async fn run(client: &mut Client, options: &CheckOptions) -> Result<Found, ControlError> {
    let failed = ControlError::doing("checking a database");
    // One snapshot, so that the rules agree on what they see.
    let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start();
    let mut transaction = snapshot.await.map_err(&failed)?;
    let has_freehold = aim(&transaction, options).await.map_err(&failed)?;
    let database: String = transaction.query_one("select current_database()::text", &[]).await.map_err(&failed)?.get(0);
    let alike = choose_schemas(&transaction, options).await.map_err(&failed)?;
    let is_wanted = |rule: &&Rule| {
        let ignored = options.ignore.iter().any(|ignored| rule.id.starts_with(ignored.as_str()));
        !ignored && (has_freehold || rule.family != "freehold")
    };
    let rules: Vec<&'static Rule> = Rule::all().iter().filter(is_wanted).collect();
    let mut findings = judge(&mut transaction, &rules, &database).await.map_err(&failed)?;
    for finding in &mut findings {
        let is_in = |(schema, _): &&(String, i64)| finding.object.contains(&format!("{schema}."));
        finding.alike = alike.iter().find(is_in).map_or(0, |(_, more)| *more);
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(b.rule)));
    let counted = format!("{VOCABULARY}select (select count(*) from tenant_tables), tenant_columns from options");
    let counted = transaction.query_one(&counted, &[]).await.map_err(&failed)?;
    Ok(Found { findings, tenant_tables: counted.get(0), tenant_columns: counted.get(1) })
}

/// The tables with tenants in them, by their qualified names, and the column that says whose a row is.
pub(crate) async fn tenant_tables(
    transaction: &Transaction<'_>,
) -> Result<Vec<(String, String)>, tokio_postgres::Error> {
    let query = format!("{VOCABULARY}select name, tenant_column::text from tenant_tables order by 1");
    Ok(transaction.query(&query, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Tells the rules what to look at, for this transaction. Returns whether Freehold is installed.
pub(crate) async fn aim(transaction: &Transaction<'_>, options: &CheckOptions) -> Result<bool, tokio_postgres::Error> {
    // A rule's plan is used once, so there is nothing to gain from compiling it.
    // Nothing is known of how long the vocabulary's lists are, and joining two long ones row by row takes hours.
    transaction
        .batch_execute("set local search_path = pg_catalog; set local jit = off; set local enable_nestloop = off")
        .await?;
    let row = transaction.query_one("select to_regclass('freehold.residents') is not null", &[]).await?;
    let has_freehold: bool = row.get(0);
    let mut options = options.clone();
    if has_freehold && options.tenant_columns.is_empty() {
        options.tenant_columns.push("tenant_id".to_owned());
    }
    if has_freehold && options.roles.is_empty() {
        let logins = "select rolname::text from pg_roles \
                      where rolname in ('freehold_app', 'freehold_tenant') \
                         or rolname ~ '^t_[a-z2-7]{16}$' and pg_has_role(oid, 'freehold_tenant', 'member')";
        options.roles = transaction.query(logins, &[]).await?.iter().map(|row| row.get(0)).collect();
    }
    let settings = [(TENANT_COLUMNS, options.tenant_columns), (ROLES, options.roles), (SCHEMAS, options.schemas)];
    for (name, values) in settings.iter().filter(|(_, values)| !values.is_empty()) {
        transaction.query("select set_config($1, $2, true)", &[name, &values.join(",")]).await?;
    }
    Ok(has_freehold)
}

/// Of schemas that are made alike, such as those of tenants, has the rules look at three, since some see only several
/// together. Returns of which schemas there are more, and how many.
async fn choose_schemas(
    transaction: &Transaction<'_>,
    options: &CheckOptions,
) -> Result<Vec<(String, i64)>, tokio_postgres::Error> {
    const LOOKED_AT: usize = 3;
    if !options.schemas.is_empty() {
        return Ok(Vec::new());
    }
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (schema, digest) in structure(transaction).await? {
        kinds.entry(digest).or_default().push(schema);
    }
    let chosen: Vec<&str> = kinds.values().flat_map(|alike| alike.iter().take(LOOKED_AT)).map(String::as_str).collect();
    let are_all = kinds.values().all(|alike| alike.len() <= LOOKED_AT);
    // The setting is a list with commas in between.
    if are_all || chosen.iter().any(|schema| schema.contains(',')) {
        return Ok(Vec::new());
    }
    transaction.query("select set_config($1, $2, true)", &[&SCHEMAS, &chosen.join(",")]).await?;
    let more =
        |alike: &Vec<String>| Some((alike.first()?.clone(), i64::try_from(alike.len().checked_sub(LOOKED_AT)?).ok()?));
    Ok(kinds.values().filter_map(more).collect())
}

/// A digest of what each schema is made of, without its name.
pub(super) async fn structure(transaction: &Transaction<'_>) -> Result<Vec<(String, String)>, tokio_postgres::Error> {
    let rows = transaction.query(STRUCTURE, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// What the rules find. That one cannot be evaluated is a finding: nobody knows what it would have said.
pub(super) async fn judge(
    transaction: &mut Transaction<'_>,
    rules: &[&'static Rule],
    database: &str,
) -> Result<Vec<Finding>, tokio_postgres::Error> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    judge_by(transaction, rules, &Rule::query_of(rules), database).await
}

/// [Judges](judge) by the query of the rules, which may be prepared: to plan all of them takes longer than to run them.
pub(super) async fn judge_by(
    transaction: &mut Transaction<'_>,
    rules: &[&'static Rule],
    query: &(impl ToStatement + ?Sized),
    database: &str,
) -> Result<Vec<Finding>, tokio_postgres::Error> {
    let attempt = transaction.savepoint("rules").await?;
    match attempt.query(query, &[]).await {
        Ok(rows) => {
            attempt.commit().await?;
            Ok(rows.iter().filter_map(|row| finding(rules, row, database)).collect())
        }
        Err(error) => {
            let Some(said) = error.as_db_error() else { return Err(error) };
            attempt.rollback().await?;
            if let [rule] = rules {
                return Ok(vec![undecided(rule, database, said.message())]);
            }
            // One of them keeps the others from being heard: half of them at a time, until it is alone.
            let (some, others) = rules.split_at(rules.len() / 2);
            let mut findings = Box::pin(judge(transaction, some, database)).await?;
            findings.extend(Box::pin(judge(transaction, others, database)).await?);
            Ok(findings)
        }
    }
}

fn finding(rules: &[&'static Rule], row: &Row, database: &str) -> Option<Finding> {
    let id: &str = row.get(0);
    let rule = rules.iter().find(|rule| rule.id == id)?;
    Some(Finding {
        rule: rule.id,
        title: rule.title,
        severity: rule.severity,
        database: database.to_owned(),
        object: row.get(1),
        why: row.get(2),
        fix: row.get(3),
        alike: 0,
    })
}

fn undecided(rule: &Rule, database: &str, said: &str) -> Finding {
    Finding {
        rule: rule.id,
        title: rule.title,
        severity: rule.severity,
        database: database.to_owned(),
        object: format!("rule {}", rule.id),
        why: format!("it could not be evaluated, so nobody knows what it would find: {said}"),
        fix: "-- check with a login that may read the catalogue".to_owned(),
        alike: 0,
    }
}

fn unreachable(database: String, error: &ControlError) -> Finding {
    Finding {
        rule: "FH000",
        title: "A database could not be checked",
        severity: Severity::High,
        object: format!("database {database}"),
        database,
        why: format!("what it shows is not known: {}", error.full_text()),
        fix: "-- mend that, then check again".to_owned(),
        alike: 0,
    }
}
