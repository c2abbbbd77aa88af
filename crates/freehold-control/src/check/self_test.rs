use std::sync::Arc;

use freehold::isolation::MasterKey;
use freehold::login::Login;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::{Client, Transaction};

use super::rule::{Fault, Rule};
use super::run::{CheckOptions, Finding, aim, judge, judge_by, structure};
use crate::connection::connect;
use crate::{ControlError, Installer, Passwords};

const FIXTURE: &str = include_str!("../../sql/check/fixture.sql");
const FREEHOLD_FIXTURE: &str = include_str!("../../sql/check/freehold/fixture.sql");

/// Whether the rules see what was put before them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SelfTest {
    /// Rules there are.
    pub rules: usize,
    /// Faults that were planted.
    pub planted: usize,
    /// Faults that their rule found, and named.
    pub found: usize,
    /// Faults whose finding came with SQL that mends them, and was run.
    pub mended: usize,
    /// Clean twins, each judged by every rule.
    pub clean_twins: usize,
    /// Findings on clean twins.
    pub false_alarms: usize,
    /// What went wrong, in words. Empty is good.
    pub problems: Vec<String>,
}

/// Plants every fault and every clean twin, one at a time, in databases of its own on a server that nobody else uses, and
/// lets the rules judge them. Everything is rolled back.
///
/// # Errors
///
/// When the server cannot be used as a superuser.
pub async fn self_test(admin: &Login) -> Result<SelfTest, ControlError> {
    const DATABASE: &str = "freehold_check";
    let failed = ControlError::doing("preparing the self-test");
    let server = connect(&admin.to_database("postgres")).await?;
    let create = format!("create database {DATABASE} template template0 encoding 'UTF8'");
    server.batch_execute(&create).await.map_err(&failed)?;
    let mut report = SelfTest { rules: Rule::all().len(), ..SelfTest::default() };
    let mut plain = connect(&admin.to_database(DATABASE)).await?;
    try_rules(&mut plain, FIXTURE, |rule| rule.family != "freehold", &mut report).await?;
    let mut ours = install_freehold(admin).await?;
    try_rules(&mut ours, FREEHOLD_FIXTURE, |rule| rule.family == "freehold", &mut report).await?;
    Ok(report)
}

async fn install_freehold(admin: &Login) -> Result<Client, ControlError> {
    const DATA: &str = "freehold_check_data";
    Installer {
        admin: admin.clone(),
        host: "localhost".to_owned(),
        port: 5432,
        catalog: "freehold_check_catalog".to_owned(),
        data: DATA.to_owned(),
        cluster: "self-test".to_owned(),
        master_key: Arc::new(MasterKey::generate()),
        passwords: Passwords::default(),
    }
    .install()
    .await?;
    connect(&admin.to_database(DATA)).await
}

async fn try_rules(
    client: &mut Client,
    fixture: &str,
    is_meant: impl Fn(&Rule) -> bool,
    report: &mut SelfTest,
) -> Result<(), ControlError> {
    let failed = ControlError::doing("running the self-test");
    let mut prepared = client.transaction().await.map_err(&failed)?;
    prepared.batch_execute(fixture).await.map_err(&failed)?;
    let untouched = structure(&prepared).await.map_err(&failed)?;
    let judges: Vec<_> = Rule::all().iter().filter(|rule| rule.family != "freehold" || is_meant(rule)).collect();
    let attempt = prepared.transaction().await.map_err(&failed)?;
    aim(&attempt, &CheckOptions::default()).await.map_err(&failed)?;
    let judgement = attempt.prepare(&Rule::query_of(&judges)).await.map_err(&failed)?;
    attempt.rollback().await.map_err(&failed)?;
    for rule in Rule::all().iter().filter(|rule| is_meant(rule)) {
        for fault in &rule.faults {
            report.planted += 1;
            let mut attempt = prepared.transaction().await.map_err(&failed)?;
            let outcome = match plant(&attempt, fault.sql).await {
                Ok(()) => find_and_mend(&mut attempt, rule, fault, &untouched, report).await.map_err(&failed)?,
                Err(error) => Err(format!("a fault cannot be planted: {}", message(&error))),
            };
            report.problems.extend(outcome.err().map(|problem| format!("{}: {problem}", rule.id)));
            attempt.rollback().await.map_err(&failed)?;
        }
        for twin in &rule.clean_twins {
            report.clean_twins += 1;
            let mut attempt = prepared.transaction().await.map_err(&failed)?;
            if let Err(error) = plant(&attempt, twin).await {
                let problem = format!("{}: a clean twin cannot be planted: {}", rule.id, message(&error));
                report.problems.push(problem);
                continue;
            }
            for alarm in judge_by(&mut attempt, &judges, &judgement, "").await.map_err(&failed)? {
                report.false_alarms += 1;
                let Finding { rule: other, object, why, .. } = alarm;
                report.problems.push(format!("{}: the clean twin alarms {other}: {object}: {why}", rule.id));
            }
            attempt.rollback().await.map_err(&failed)?;
        }
    }
    Ok(())
}

/// Puts one thing into the fixture.
async fn plant(fixture: &Transaction<'_>, sql: &str) -> Result<(), tokio_postgres::Error> {
    fixture.batch_execute(sql).await?;
    fixture.batch_execute("reset role").await?;
    // The fixture says itself which roles and which server version count.
    aim(fixture, &CheckOptions::default()).await.map(drop)
}

/// The rule must name what the fault is in, and where its fix is SQL, the fix must make the finding go.
async fn find_and_mend(
    transaction: &mut Transaction<'_>,
    rule: &'static Rule,
    fault: &Fault,
    untouched: &[(String, String)],
    report: &mut SelfTest,
) -> Result<Result<(), String>, tokio_postgres::Error> {
    let found = judge(transaction, &[rule], "").await?;
    let missed = fault.objects.iter().find(|object| !found.iter().any(|finding| finding.object.contains(**object)));
    if let Some(missed) = missed {
        return Ok(Err(format!("it does not see {missed}: it sees {:?}", objects(&found))));
    }
    report.found += 1;
    // Else a schema with the fault in it would pass for one of those that are alike, and not be looked at.
    let digests = structure(transaction).await?;
    let is_same = |schema: &&(String, String)| {
        digests.contains(schema) && fault.objects.iter().any(|object| object.starts_with(&format!("{}.", schema.0)))
    };
    if let Some((schema, _)) = untouched.iter().find(is_same) {
        return Ok(Err(format!("the structure of schema {schema} is what it was without the fault: {}", fault.sql)));
    }
    let statements: Vec<&str> = found.iter().filter_map(Finding::statement).collect();
    if statements.is_empty() {
        return Ok(Ok(()));
    }
    for statement in &statements {
        let attempt = transaction.savepoint("fix").await?;
        if let Err(error) = attempt.batch_execute(statement).await {
            return Ok(Err(format!("its fix fails: {statement}: {}", message(&error))));
        }
        attempt.commit().await?;
    }
    let left = judge(transaction, &[rule], "").await?;
    let left: Vec<_> = left.into_iter().filter(|finding| finding.statement().is_some()).collect();
    if !left.is_empty() {
        return Ok(Err(format!("its fix does not mend {:?}", objects(&left))));
    }
    report.mended += 1;
    Ok(Ok(()))
}

fn objects(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} ({})", finding.object, finding.why)).collect()
}

fn message(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}
