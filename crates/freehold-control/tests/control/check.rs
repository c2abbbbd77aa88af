use freehold::tenant::Model;

use crate::support::*;

/// A fault per rule, planted in the shared placement `{p}` with a superuser's rights, and the object that must be named.
const FAULTS: &[(&str, &str, &str)] = &[
    ("FH001", "alter table {p}.accounts no force row level security", "accounts"),
    ("FH001", "alter table {p}.accounts disable row level security", "accounts"),
    ("FH002", "drop policy freehold_insert on {p}.accounts", "accounts"),
    ("FH002", "alter policy freehold_select on {p}.accounts using (true)", "accounts"),
    ("FH003", "grant truncate on {p}.accounts to freehold_app", "accounts"),
    ("FH003", "grant references on {p}.accounts to public", "accounts"),
    (
        "FH004",
        "create table {p}.parts (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id)) partition by hash (tenant_id);
         create table {p}.parts_0 partition of {p}.parts for values with (modulus 1, remainder 0);
         alter table {p}.parts owner to freehold_owner; alter table {p}.parts_0 owner to freehold_owner;
         select freehold.tenant_table('{p}.parts'); grant select on {p}.parts_0 to freehold_app",
        "parts_0",
    ),
    ("FH005", "create view {p}.peek as select id from {p}.accounts; grant select on {p}.peek to freehold_app", "peek"),
    ("FH005", "create materialized view {p}.kept as select id from {p}.accounts; grant select on {p}.kept to freehold_tenant", "kept"),
    ("FH006", "create function {p}.all_rows() returns bigint language sql security definer as 'select count(*) from {p}.accounts'", "all_rows"),
    ("FH007", "alter role freehold_app bypassrls", "freehold_app"),
    ("FH007", "alter role freehold_tenant superuser", "freehold_tenant"),
    ("FH008", "grant freehold_owner to freehold_app", "freehold_app"),
    ("FH008", "create role middle; grant freehold_owner to middle; grant middle to freehold_app", "freehold_app"),
    ("FH008", "grant pg_read_all_data to freehold_tenant", "freehold_tenant"),
    ("FH009", "alter table {p}.entries owner to freehold_app", "entries"),
    ("FH010", "grant temporary on database freehold_data to public", "freehold_data"),
    ("FH010", "grant create on database freehold_data to freehold_app", "freehold_data"),
    ("FH011", "grant create on schema {p} to freehold_app", "{p}"),
    ("FH011", "grant create on schema public to public", "public"),
    ("FH012", "create sequence {p}.numbers; grant usage on sequence {p}.numbers to freehold_app", "numbers"),
    ("FH013", "create extension dblink", "dblink"),
    ("FH014", "create function {p}.same(text) returns bool leakproof language plpgsql immutable as 'begin return true; end'", "same"),
    ("FH015", "create unique index by_name on {p}.accounts (name)", "accounts"),
    ("FH016", "select lo_from_bytea(0, 'x'); grant execute on function lo_get(oid) to public", "large objects"),
    ("FH017", "alter role freehold_app set row_security = off", "freehold_app"),
    ("FH017", "alter role freehold_app set array_nulls = off", "freehold_app"),
    ("FH017", "alter database freehold_data set session_preload_libraries = 'auto_explain'", "freehold_data"),
    ("FH018", "create table {p}.switches (name text primary key); grant select on {p}.switches to freehold_app", "switches"),
    (
        "FH019",
        "create table global.rates (code text primary key); alter table global.rates owner to freehold_owner;
         grant insert on global.rates to freehold_app",
        "rates",
    ),
    (
        "FH020",
        "create function {p}.run(text text) returns void language plpgsql as 'begin execute text; end'",
        "freehold.installation",
    ),
];

#[tokio::test]
async fn a_fleet_as_it_is_set_up_has_no_findings() {
    let fleet = Fleet::start().await;
    for model in Model::ALL {
        fleet.tenant(&format!("the-{model}"), model).await;
    }
    let findings = fleet.control.check().await.unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}

/// A deployment into which one fault after the other is planted.
struct Patient {
    fleet: Fleet,
    placement: String,
}

impl Patient {
    async fn admit() -> Self {
        let fleet = Fleet::start().await;
        let placement = one(&fleet.data().await, "select id from freehold.placements").await;
        let spare = "create database spare template freehold_data";
        fleet.superuser("postgres").await.batch_execute(spare).await.unwrap();
        Self { fleet, placement }
    }

    /// Puts the data database and the roles back as they were.
    async fn heal(&self) {
        let server = self.fleet.superuser("postgres").await;
        for statement in [
            "drop database freehold_data with (force)",
            "create database freehold_data template spare",
            "revoke all on database freehold_data from public",
            "grant connect, create, temporary on database freehold_data to freehold_control",
            "grant connect on database freehold_data to freehold_app",
            "alter role freehold_app nobypassrls; alter role freehold_tenant nosuperuser; alter role freehold_app reset all",
            "drop role if exists middle; revoke freehold_owner from freehold_app; revoke pg_read_all_data from freehold_tenant",
        ] {
            server.batch_execute(statement).await.unwrap();
        }
        let findings = self.fleet.control.check().await.unwrap();
        assert!(findings.is_empty(), "the patient was not healed: {findings:#?}");
    }

    async fn plant(&self, fault: &str) {
        self.fleet.data().await.batch_execute(&fault.replace("{p}", &self.placement)).await.unwrap();
    }
}

#[tokio::test]
async fn every_rule_finds_the_fault_that_was_planted_for_it() {
    let patient = Patient::admit().await;
    for (rule, fault, object) in FAULTS {
        patient.plant(fault).await;
        let findings = patient.fleet.control.check().await.unwrap();
        let object = object.replace("{p}", &patient.placement);
        assert!(
            findings.iter().any(|finding| finding.rule == *rule && finding.object.contains(&object)),
            "{rule} did not see: {fault}\nfound: {findings:#?}"
        );
        patient.heal().await;
    }
}

#[tokio::test]
async fn what_a_finding_gives_as_its_cure_cures_it() {
    // Cures that are advice, or need somebody to decide what to keep.
    const ADVICE: [&str; 2] = ["FH015", "FH016"];
    let patient = Patient::admit().await;
    for (rule, fault, _) in FAULTS.iter().filter(|(rule, fault, _)| !ADVICE.contains(rule) && !fault.contains("middle"))
    {
        patient.plant(fault).await;
        let findings = patient.fleet.control.check().await.unwrap();
        let data = patient.fleet.data().await;
        for finding in findings.iter().filter(|finding| finding.rule == *rule) {
            data.batch_execute(&finding.fix).await.unwrap_or_else(|error| panic!("{rule}: {}: {error:?}", finding.fix));
        }
        let left = patient.fleet.control.check().await.unwrap();
        assert!(!left.iter().any(|finding| finding.rule == *rule), "{rule}: {left:#?}");
        drop(data);
        patient.heal().await;
    }
}
