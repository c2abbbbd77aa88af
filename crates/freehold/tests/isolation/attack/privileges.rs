use freehold_testing::{Outcome, Twins, under_every_model};

use super::victim::Victim;

/// What policies do not govern, so that it must not be granted.
const UNGOVERNED: &str = "select c.oid::regclass::text || ' ' || p.name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join (values ('truncate'), ('references'), ('trigger')) as p(name)
    where n.nspname like 't\\_%' and c.relkind in ('r', 'p') and has_table_privilege(c.oid, p.name)
    union all
    select c.oid::regclass::text || ' any' from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname like 't\\_%' and (c.relispartition or c.relkind in ('m', 'f')) and has_table_privilege(c.oid, 'select, insert, update, delete')
    union all
    select n.nspname || ' create' from pg_namespace n where has_schema_privilege(n.oid, 'create')
    union all
    select 'database ' || p.name from (values ('create'), ('temporary')) as p(name) where has_database_privilege(current_database(), p.name)
    union all
    select 'large objects' from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^lo_' and has_function_privilege(p.oid, 'execute')
    union all
    select 'member of ' || r.rolname from pg_roles r where pg_has_role(r.oid, 'member') and r.rolname not in (current_user, 'freehold_tenant')
    union all
    select 'attributes of ' || rolname from pg_roles
    where rolname = current_user and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
    union all
    select 'language ' || lanname from pg_language where lanpltrusted and lanname <> 'sql' and has_language_privilege(oid, 'usage')";

/// Everything that changes what is there, rather than rows of it.
const DDL: &[&str] = &[
    "truncate {schema}.notes",
    "truncate {schema}.readings cascade",
    "alter table {schema}.notes disable row level security",
    "alter table {schema}.notes no force row level security",
    "alter table {schema}.notes add column x integer",
    "drop table {schema}.notes cascade",
    "drop schema {schema} cascade",
    "drop policy freehold_select on {schema}.notes",
    "create policy all_of_it on {schema}.notes using (true)",
    "create rule r as on select to {schema}.notes do instead select 1",
    "create trigger t after insert on {schema}.notes for each row execute function suppress_redundant_updates_trigger()",
    "create table {schema}.trojan (a integer)",
    "create table child () inherits ({schema}.notes)",
    "create table {schema}.readings_2027 partition of {schema}.readings for values from ('2027-01-01') to ('2028-01-01')",
    "create temporary table notes (text text)",
    "create temporary view notes as select 1",
    "create view {schema}.v as select * from {schema}.notes",
    "create materialized view {schema}.m as select * from {schema}.notes",
    "create function {schema}.f() returns integer language sql as 'select 1'",
    "create function pg_temp.f() returns integer language sql as 'select 1'",
    "create operator {schema}.= (leftarg = uuid, rightarg = uuid, function = uuid_ne)",
    "create aggregate {schema}.a (text) (sfunc = textcat, stype = text)",
    "create type {schema}.t as enum ('x')",
    "create domain {schema}.d as text",
    "create cast (text as uuid) without function",
    "create collation {schema}.c from \"C\"",
    "create index on {schema}.notes (text)",
    "create statistics {schema}.s on text, amount from {schema}.notes",
    "create schema trojan",
    "create extension dblink",
    "create extension postgres_fdw",
    "create server s foreign data wrapper dummy",
    "create foreign data wrapper w",
    "import foreign schema public from server s into {schema}",
    "create publication p for table {schema}.notes",
    "create subscription s connection 'dbname=x' publication p",
    "create event trigger e on ddl_command_end execute function f()",
    "create language plperlu",
    "create role trojan",
    "create database trojan",
    "create tablespace t location '/tmp'",
    "alter system set log_statement = 'all'",
    "alter database postgres set work_mem = '1MB'",
    "alter role freehold_control with password 'x'",
    "alter role current_user bypassrls",
    "alter role current_user superuser",
    "alter function freehold.tenant_table(regclass) owner to current_user",
    "alter view freehold.context set (security_invoker = true)",
    "alter table {schema}.notes owner to current_user",
    "comment on table {schema}.notes is 'x'",
    "security label on table {schema}.notes is 'x'",
    "reassign owned by freehold_owner to current_user",
    "drop owned by freehold_owner",
    "grant freehold_owner to current_user",
    "grant select on freehold.seal_keys to current_user",
    "set role freehold_owner",
    "set role freehold_seal",
    "set role freehold_control",
    "set role postgres",
    "set session authorization freehold_control",
    "set session authorization postgres",
    "set session_replication_role = replica",
    "set log_statement = 'all'",
    "load 'auto_explain'",
    "vacuum freeze pg_catalog.pg_class; ",
    "cluster {schema}.notes",
    "reindex table {schema}.notes",
    "refresh materialized view {schema}.m",
    "checkpoint",
    "do $$ begin perform 1; end $$",
    "call f()",
    "prepare transaction 'x'",
];

/// Files, other connections, other sessions, and everything that runs text as somebody.
const OUTSIDE: &[&str] = &[
    "copy {schema}.notes to program 'cat'",
    "copy {schema}.notes from program 'echo'",
    "copy {schema}.notes to '/tmp/x'",
    "copy {schema}.notes from '/tmp/x'",
    "copy {schema}.notes from stdin",
    "copy (select 1) to program 'true'",
    "select pg_read_file('PG_VERSION')",
    "select pg_read_binary_file('PG_VERSION')",
    "select pg_ls_dir('.')",
    "select pg_stat_file('PG_VERSION')",
    "select pg_ls_waldir()",
    "select * from pg_hba_file_rules",
    "select lo_import('/etc/passwd')",
    "select lo_create(0)",
    "select lo_from_bytea(0, 'x')",
    "select lo_get(1)",
    "select * from pg_largeobject",
    "select * from pg_authid",
    "select * from pg_shadow",
    "select * from pg_statistic",
    "select * from pg_user_mapping",
    "select * from freehold.seal_keys",
    "select * from freehold.residents",
    "select * from freehold.placements",
    "select * from freehold.ledger",
    "select freehold.tenant_table('{schema}.notes')",
    "select freehold.global_table('{schema}.notes')",
    "insert into global.currencies values ('XXX', 2)",
    "update global.currencies set minor_units = 0",
    "delete from global.currencies",
    "select pg_terminate_backend(0)",
    "select pg_cancel_backend(0)",
    "select pg_reload_conf()",
    "select pg_rotate_logfile()",
    "select pg_stat_get_activity(null)",
    "select * from pg_stat_activity",
    "select * from pg_locks",
    "select pg_notify('x', 'y')",
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_xact_lock(1)",
    "select pg_logical_emit_message(false, 'x', 'y')",
    "select pg_create_logical_replication_slot('x', 'test_decoding')",
    "select pg_create_physical_replication_slot('x')",
    "select pg_export_snapshot()",
    "select query_to_xml('select 1', true, true, '')",
    "select query_to_xml_and_xmlschema('deallocate all', true, true, '')",
    "select cursor_to_xml('c', 1, true, true, '')",
    "select table_to_xml('{schema}.notes', true, true, '')",
    "select schema_to_xml('{schema}', true, true, '')",
    "select database_to_xml(true, true, '')",
    "select pg_switch_wal()",
    "select pg_create_restore_point('x')",
    "select pg_stat_reset()",
    "select pg_import_system_collations('pg_catalog')",
];

under_every_model! {
    "tests/migrations";

    /// 6, 14, 21, 26, 29: asked of the server, for every relation there is.
    async fn a_tenants_login_holds_no_privilege_that_policies_do_not_govern(twins: Twins) {
        let victim = Victim::of(twins).await;
        let outcome = victim.attack(UNGOVERNED).await;
        let held: Vec<&str> = outcome.rows().iter().map(|row| row.get(0)).collect();
        assert_eq!(held, [""; 0]);
    }

    /// 14, 24, 26
    async fn no_statement_changes_what_tables_roles_or_policies_there_are(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.refuses(DDL).await;
    }

    /// 14: this one is allowed, and changes nothing but what the tenant itself will never own.
    async fn default_privileges_of_a_login_that_owns_nothing_grant_nothing(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.attack("alter default privileges grant all on tables to public").await;
        victim.attack("alter default privileges for role freehold_owner grant all on tables to public").await;
        let truth = victim.twins.truth(&victim.twins.b).await;
        truth.batch_execute(&format!("set role freehold_owner; create table {}.later (a integer); reset role", victim.schema)).await.unwrap();
        assert!(matches!(victim.attack("select * from {schema}.later").await, Outcome::Refused(_)));
    }

    /// 21, 23, 29, 54, 56
    async fn no_statement_reaches_files_other_sessions_or_the_keys(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.refuses(OUTSIDE).await;
    }

    /// 6: the setting that turns a filter into an error is no way around the filter.
    async fn row_security_off_is_an_error_and_no_way_around(twins: Twins) {
        let victim = Victim::of(twins).await;
        let outcomes = victim.session(&["set local row_security = off", "select text from {schema}.notes"]).await;
        assert!(matches!(outcomes[1], Outcome::Refused(_)), "{outcomes:?}");
        victim.assert_unharmed().await;
    }

    /// 24: a table's large values are in a table of their own, which has no policies.
    async fn the_table_behind_large_values_is_closed(twins: Twins) {
        let victim = Victim::of(twins).await;
        let toasts = victim.attack("select reltoastrelid::regclass::text from pg_class where reltoastrelid <> 0 and relnamespace::regnamespace::text like 't\\_%'").await;
        assert!(!toasts.rows().is_empty());
        for row in toasts.rows() {
            let outcome = victim.attack(&format!("select chunk_data from {}", row.get::<_, &str>(0))).await;
            assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
        }
    }
}
