use freehold::login::Login;
use freehold::tenant::Model;
use freehold_control::{Baseline, CheckOptions, ControlError, Finding, Severity, check_database, fix, self_test};
use tokio_postgres::Config;

use crate::support::*;

/// A database of somebody else, with the faults that hand-written row-level security has.
const ELSEWHERE: &str = "create role elsewhere_app login;
     create role elsewhere_owner nologin;
     create table firms (id uuid primary key, name text not null);
     create table invoices (firm uuid not null references firms, id uuid primary key, total bigint not null);
     create index on invoices (firm);
     alter table invoices owner to elsewhere_owner;
     alter table invoices enable row level security;
     create policy firm_rows on invoices using (firm = current_setting('app.firm', true)::uuid);
     grant select, insert, update, delete, truncate on invoices to elsewhere_app;";

fn login(fleet: &Fleet, user: &str, database: &str) -> Login {
    let mut config = Config::new();
    config.host_path(fleet.server.socket_dir()).port(fleet.server.port()).user(user).dbname(database);
    config.into()
}

async fn elsewhere(fleet: &Fleet) -> Login {
    fleet.superuser("postgres").await.batch_execute("create database elsewhere").await.unwrap();
    fleet.superuser("elsewhere").await.batch_execute(ELSEWHERE).await.unwrap();
    login(fleet, "postgres", "elsewhere")
}

fn knowing(tenant_column: &str) -> CheckOptions {
    CheckOptions {
        tenant_columns: vec![tenant_column.to_owned()],
        roles: vec!["elsewhere_app".to_owned()],
        ..CheckOptions::default()
    }
}

fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

#[tokio::test]
async fn every_rule_finds_the_faults_planted_for_it_and_none_alarms_on_a_clean_twin() {
    let place = place();
    let server = start_server(&place).await;
    let mut admin = Config::new();
    admin.host_path(server.socket_dir()).port(server.port()).user("postgres");
    let report = self_test(&admin.into()).await.unwrap();
    assert!(report.problems.is_empty(), "{:#?}", report.problems);
    assert_eq!((report.found, report.false_alarms), (report.planted, 0));
    assert!(report.rules >= 170, "{} rules", report.rules);
    assert!(report.planted >= report.rules && report.clean_twins >= report.rules);
}

#[tokio::test]
async fn a_fleet_as_it_is_set_up_has_no_findings() {
    let fleet = Fleet::start().await;
    for model in Model::ALL {
        fleet.tenant(&format!("the-{model}"), model).await;
    }
    let findings = fleet.control.check(&apart_from_the_version()).await.unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}

/// The server of a test is whatever the machine has.
fn apart_from_the_version() -> CheckOptions {
    CheckOptions { ignore: vec!["FH80".to_owned()], ..CheckOptions::default() }
}

#[tokio::test]
async fn a_fault_in_one_tenants_database_is_found_there() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("apart", Model::Database).await;
    let elsewhere = fleet.superuser(&home.database).await;
    let fault = format!("alter table {}.accounts disable row level security", home.placement);
    elsewhere.batch_execute(&fault).await.unwrap();
    let findings = fleet.control.check(&apart_from_the_version()).await.unwrap();
    assert!(
        findings.iter().any(|found| found.database == home.database && found.object.contains("accounts")),
        "{findings:#?}"
    );
    assert!(findings.iter().all(|found| found.database == home.database), "{findings:#?}");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_a_finding() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("apart", Model::Database).await;
    let drop = format!("drop database {} with (force)", home.database);
    fleet.superuser("postgres").await.batch_execute(&drop).await.unwrap();
    let findings = fleet.control.check(&apart_from_the_version()).await.unwrap();
    assert_eq!(rules(&findings), ["FH000"]);
    assert_eq!((&findings[0].database, findings[0].severity), (&home.database, Severity::High));
}

#[tokio::test]
async fn a_database_without_freehold_is_checked_by_its_own_words() {
    let fleet = Fleet::start().await;
    let database = elsewhere(&fleet).await;
    let findings = check_database(&database, &knowing("firm")).await.unwrap();
    let found = rules(&findings);
    for rule in ["FH105", "FH230", "FH316", "FH704"] {
        assert!(found.contains(&rule), "{rule}: {findings:#?}");
    }
    let severities: Vec<_> = findings.iter().map(|finding| finding.severity).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b), "the worst comes first: {severities:?}");
}

/// Nothing found is only good news where something was looked at.
#[tokio::test]
async fn a_database_in_which_nothing_belongs_to_a_tenant_is_an_error() {
    let fleet = Fleet::start().await;
    let database = elsewhere(&fleet).await;
    let ignoring_all = CheckOptions { ignore: vec!["FH".to_owned()], ..knowing("customer") };
    let refusal = check_database(&database, &ignoring_all).await.unwrap_err();
    assert!(matches!(refusal, ControlError::NoTenantTables { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("customer"), "{refusal}");
}

#[tokio::test]
async fn a_baseline_lets_known_findings_be_and_a_fix_makes_them_go() {
    let fleet = Fleet::start().await;
    let database = elsewhere(&fleet).await;
    let findings = check_database(&database, &knowing("firm")).await.unwrap();
    let baseline = Baseline::of(&findings);
    fleet.superuser("elsewhere").await.batch_execute("alter table invoices disable row level security").await.unwrap();
    let drift = baseline.compare(check_database(&database, &knowing("firm")).await.unwrap());
    assert!(!drift.new.is_empty() && drift.new.iter().all(|finding| finding.object.contains("invoices")), "{drift:#?}");

    let before = check_database(&database, &knowing("firm")).await.unwrap();
    let report = fix(&database, &before).await.unwrap();
    assert!(report.refused.is_empty(), "{report:#?}");
    let after = check_database(&database, &knowing("firm")).await.unwrap();
    let mended: Vec<_> = before.iter().filter(|finding| finding.statement().is_some()).collect();
    assert!(!mended.is_empty());
    for finding in mended {
        assert!(!after.contains(finding), "{finding:#?} is still there");
    }
}

/// Schemas of tenants are alike, and one that is not is found among them.
#[tokio::test]
async fn of_schemas_that_are_alike_three_are_looked_at_and_the_odd_one_too() {
    let fleet = Fleet::start().await;
    let database = elsewhere(&fleet).await;
    let schemas = "do $$ begin
         for number in 10..39 loop
             execute format('create schema tenant_%s; create table tenant_%1$s.rows (firm uuid not null, id uuid not null, primary key (firm, id));
                             grant truncate on tenant_%1$s.rows to elsewhere_app', number);
         end loop;
         grant references on tenant_33.rows to elsewhere_app;
     end $$";
    fleet.superuser("elsewhere").await.batch_execute(schemas).await.unwrap();
    let findings = check_database(&database, &knowing("firm")).await.unwrap();
    let objects = |rule| {
        findings
            .iter()
            .filter(|found| found.rule == rule)
            .map(|found| (found.object.as_str(), found.alike))
            .collect::<Vec<_>>()
    };
    assert_eq!(objects("FH317"), [("tenant_33.rows", 0)], "{findings:#?}");
    let truncated = objects("FH316");
    assert!(truncated.contains(&("tenant_10.rows", 26)) && truncated.contains(&("tenant_33.rows", 0)), "{truncated:?}");
    assert_eq!(truncated.len(), 5, "three of thirty, the odd one, and public.invoices: {truncated:?}");
}
