//! What `freehold.tenant_table` refuses, and what it makes of a table.

use tokio_postgres::Client;
use tokio_postgres::error::DbError;

use crate::support::*;

/// The columns and the key that every tenant table has.
const X: &str = "create table x (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id))";

/// Statements that create a table `x` with one fault, what the refusal must say, and what it must advise. `{x}` stands
/// for [`X`], `{columns}` for its columns.
const FAULTS: &[(&str, &str, &str)] = &[
    ("create view x as select 1", "x is a view", "security_invoker"),
    ("create materialized view x as select 1", "x is a materialized view", "security_invoker"),
    ("create sequence x", "x is a sequence", "security_invoker"),
    (
        "reset role; create foreign data wrapper w; create server s foreign data wrapper w; create foreign table x ({columns}) server s",
        "x is a foreign table",
        "security_invoker",
    ),
    ("reset role; create temporary table x ({columns}, primary key (tenant_id, id))", "is temporary", "ordinary table"),
    ("create unlogged table x ({columns}, primary key (tenant_id, id))", "is unlogged", "ordinary table"),
    (
        "create table whole ({columns}, primary key (tenant_id, id)) partition by hash (tenant_id);
         create table x partition of whole for values with (modulus 1, remainder 0)",
        "x is a partition",
        "on its parent",
    ),
    ("{x}; create table child () inherits (x)", "is inherited by, another table", "declarative partitioning"),
    (
        "create table parent ({columns}); create table x (primary key (tenant_id, id)) inherits (parent)",
        "x inherits from",
        "declarative partitioning",
    ),
    (
        "set local search_path = global; create table x ({columns}, primary key (tenant_id, id))",
        "schema global is not a placement",
        "migrations/tenant",
    ),
    ("reset role; {x}", "x is owned by postgres", "owner to freehold_owner"),
    ("create table x (id uuid primary key)", "x has no column tenant_id", "tenant_id uuid not null"),
    ("create table x (tenant_id text not null, primary key (tenant_id))", "x.tenant_id is text", "type uuid"),
    ("create table x (tenant_id uuid, id uuid not null unique)", "x.tenant_id is uuid, nullable", "set not null"),
    (
        "create table x (tenant_id uuid not null generated always as (md5('')::uuid) stored, primary key (tenant_id))",
        "x.tenant_id is generated",
        "ordinary column",
    ),
    ("create table x ({columns})", "x has no primary key", "primary key (tenant_id, id)"),
    (
        "create table x ({columns}, primary key (id, tenant_id))",
        "x_pkey does not lead with tenant_id",
        "make it (tenant_id, id)",
    ),
    (
        "{x}; alter table x add email text unique",
        "x_email_key does not lead with tenant_id",
        "make it (tenant_id, email)",
    ),
    (
        "{x}; create unique index half on x (id) where id is not null",
        "half does not lead with tenant_id",
        "make it (tenant_id, id)",
    ),
    (
        "{x}; create unique index lowered on x (lower(id::text), tenant_id)",
        "lowered does not lead with tenant_id",
        "make it (tenant_id",
    ),
    (
        "{x}; alter table x add exclude using btree (id with =)",
        "x_id_excl does not lead with tenant_id",
        "make it (tenant_id, id)",
    ),
    (
        "reset role; create extension btree_gist schema public; set local role freehold_owner; {x};
         alter table x add exclude using gist (tenant_id with operator(pg_catalog.<>), id with operator(pg_catalog.=))",
        "does not compare tenant_id with =",
        "tenant_id with =",
    ),
    (
        "create table other ({columns}, primary key (tenant_id, id), unique (id)); {x}; alter table x add foreign key (id) references other (id)",
        "foreign key x_id_fkey of",
        "foreign key (tenant_id, id) references",
    ),
    (
        "{x}; create unique index on x (id); create table other (x uuid references x (id))",
        "foreign key other_x_fkey of",
        "foreign key (tenant_id, x) references",
    ),
    (
        "{x}; alter table x add other uuid; alter table x add foreign key (other, tenant_id) references x (tenant_id, id)",
        "does not carry tenant_id",
        "foreign key (tenant_id, other) references",
    ),
    (
        "{x}; alter table x add parent uuid; alter table x add foreign key (tenant_id, parent) references x (tenant_id, id) on delete set null",
        "would set tenant_id to null",
        "on delete set null (the other column)",
    ),
    (
        "{x}; alter table x add parent uuid; alter table x add foreign key (tenant_id, parent) references x (tenant_id, id) on delete set default",
        "would set tenant_id to its default",
        "name the columns",
    ),
    (
        "{x}; alter table x add parent uuid; alter table x add foreign key (tenant_id, parent) references x (tenant_id, id) on update set null",
        "would set tenant_id to null",
        "name the columns",
    ),
    (
        "{x}; alter table x add number serial",
        "x.number takes its default from a sequence",
        "generated always as identity",
    ),
    ("{x}; alter table x add kind regclass", "x.kind has type regclass, which cannot be copied", "name or a uuid"),
    ("{x}; alter table x add kinds oid[]", "x.kinds has type oid[], which cannot be copied", "name or a uuid"),
    ("create type mood as enum ('good'); {x}; alter table x add mood mood", "mood of this placement", "schema global"),
    (
        "create type mood as enum ('good'); {x}; alter table x add moods mood[]",
        "mood[] of this placement",
        "schema global",
    ),
    (
        "create domain positive as int check (value > 0); {x}; alter table x add n positive",
        "positive of this placement",
        "schema global",
    ),
    (
        "{x}; create function f() returns trigger language plpgsql security definer as 'begin return new; end';
         create trigger watch before insert on x for each row execute function f()",
        "trigger watch of",
        "security invoker",
    ),
    ("{x}; create rule quiet as on delete to x do instead nothing", "x has rule quiet", "drop rule quiet"),
    ("{x}; create policy mine on x to freehold_app using (true)", "names a role", "\"to public\""),
];

/// Tables that are in order, each in a form that resembles a fault.
const SOUND: &[&str] = &[
    "{x}",
    "{x}; alter table x add number bigint generated always as identity",
    "{x}; alter table x add email text, add unique (tenant_id, email)",
    "{x}; create unique index lowered on x (tenant_id, lower(id::text))",
    "{x}; alter table x add exclude using btree (tenant_id with =, id with =)",
    "{x}; alter table x add parent uuid; alter table x add foreign key (tenant_id, parent) references x (tenant_id, id) on delete set null (parent)",
    "{x}; alter table x add parent uuid; alter table x add foreign key (parent, tenant_id) references x (id, tenant_id) on delete cascade",
    "{x}; alter table x add currency text references global.currencies (code)",
    "create type global.mood as enum ('good'); {x}; alter table x add mood global.mood, add moods global.mood[]",
    "{x}; create policy mine on x as restrictive using (true)",
    "{x}; create function f() returns trigger language plpgsql as 'begin return new; end';
     create trigger watch before insert on x for each row execute function f()",
    "{x}; alter table x add gone serial; alter table x drop gone",
];

fn expand(sql: &str) -> String {
    sql.replace("{x}", X).replace("{columns}", "tenant_id uuid not null, id uuid not null")
}

/// Creates `x` in a transaction that is never committed, as a migration would, and declares it.
async fn declare(data: &Client, placement: &str, sql: &str) -> Result<(), DbError> {
    let begin = format!("begin; set local search_path = {placement}; set local role freehold_owner;");
    data.batch_execute(&format!("{begin}{}", expand(sql))).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let declared = data.batch_execute("reset role; select freehold.tenant_table('x')").await;
    let outcome = declared.map_err(|error| error.as_db_error().unwrap().clone());
    if outcome.is_err() {
        data.batch_execute("rollback").await.unwrap();
    }
    outcome
}

#[tokio::test]
async fn every_fault_is_refused_with_its_name_and_its_cure() {
    let fleet = Fleet::start().await;
    let data = fleet.data().await;
    let placement = one(&data, "select id from freehold.placements").await;
    for (sql, fault, advice) in FAULTS {
        let error = declare(&data, &placement, sql).await.expect_err(sql);
        assert!(
            error.message().contains("cannot be a tenant table") && error.message().contains(fault),
            "{sql}: {error:#?}"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains(advice)), "{sql}: {error:#?}");
    }
}

#[tokio::test]
async fn a_table_with_several_faults_is_told_all_of_them_at_once() {
    let fleet = Fleet::start().await;
    let data = fleet.data().await;
    let placement = one(&data, "select id from freehold.placements").await;
    let error = declare(&data, &placement, "create table x (id serial unique)").await.unwrap_err();
    for fault in ["no column tenant_id", "no primary key", "does not lead with tenant_id", "default from a sequence"] {
        assert!(error.message().contains(fault), "{fault}: {error:#?}");
    }
    assert_eq!(error.message().lines().count(), error.hint().unwrap().lines().count());
}

#[tokio::test]
async fn sound_tables_are_taken_and_declaring_them_again_changes_nothing() {
    let fleet = Fleet::start().await;
    let data = fleet.data().await;
    let placement = one(&data, "select id from freehold.placements").await;
    let picture = "select jsonb_build_array(c.relrowsecurity, c.relforcerowsecurity, c.relacl::text,
                       (select jsonb_agg(jsonb_build_array(p.polname, p.polcmd, p.polpermissive, p.polroles, pg_get_expr(p.polqual, c.oid),
                               pg_get_expr(p.polwithcheck, c.oid)) order by p.polname) from pg_policy p where p.polrelid = c.oid),
                       (select jsonb_agg(pg_get_expr(d.adbin, c.oid) order by d.adnum) from pg_attrdef d where d.adrelid = c.oid))
                   from pg_class c where c.oid = 'x'::regclass";
    for sql in SOUND {
        declare(&data, &placement, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:#?}"));
        let once = one(&data, picture).await;
        assert!(once.starts_with("[true, true, "), "{once}");
        data.batch_execute("select freehold.tenant_table('x')").await.unwrap();
        assert_eq!(once, one(&data, picture).await, "{sql}");
        data.batch_execute("rollback").await.unwrap();
    }
}

#[tokio::test]
async fn a_partition_that_is_added_later_is_closed_until_its_parent_is_declared_again() {
    let fleet = Fleet::start().await;
    let data = fleet.data().await;
    let placement = one(&data, "select id from freehold.placements").await;
    let partitioned = "create table x ({columns}, primary key (tenant_id, id)) partition by hash (tenant_id);
                       create table first partition of x for values with (modulus 2, remainder 0)";
    declare(&data, &placement, partitioned).await.unwrap();
    let second = "set local role freehold_owner; create table second partition of x for values with (modulus 2, remainder 1); reset role";
    data.batch_execute(second).await.unwrap();
    let reachable = "select has_table_privilege('freehold_app', 'second', 'select, insert, update, delete')
                         or has_table_privilege('freehold_tenant', 'second', 'select, insert, update, delete')";
    assert_eq!(one(&data, reachable).await, "f");

    data.batch_execute("select freehold.tenant_table('x')").await.unwrap();
    let guarded = "select c.relrowsecurity and c.relforcerowsecurity and (select count(*) = 5 from pg_policy p where p.polrelid = c.oid)
                   from pg_class c where c.oid = 'second'::regclass";
    assert_eq!(one(&data, guarded).await, "t");
    assert_eq!(one(&data, reachable).await, "f");
}

#[tokio::test]
async fn a_global_table_is_read_by_all_and_written_by_nobody() {
    let fleet = Fleet::start().await;
    let data = fleet.data().await;
    for role in ["freehold_app", "freehold_tenant"] {
        let read = format!("select has_table_privilege('{role}', 'global.currencies', 'select')");
        assert_eq!(one(&data, &read).await, "t");
        let written = format!(
            "select has_table_privilege('{role}', 'global.currencies', 'insert, update, delete, truncate, references, trigger')"
        );
        assert_eq!(one(&data, &written).await, "f");
    }
}

#[tokio::test]
async fn what_is_no_reference_data_is_refused_as_a_global_table() {
    let fleet = Fleet::start().await;
    let data = fleet.data().await;
    let placement = one(&data, "select id from freehold.placements").await;
    let faults = [
        ("create table x (id int)", "must be an ordinary table in schema global", "migrations/shared"),
        (
            "set local search_path = global; create view x as select 1",
            "must be an ordinary table in schema global",
            "migrations/shared",
        ),
        (
            "reset role; set local search_path = global; create table x (id int)",
            "owned by freehold_owner",
            "migrations/shared",
        ),
        (
            "set local search_path = global; create table x (tenant_id uuid)",
            "has a column tenant_id",
            "freehold.tenant_table",
        ),
    ];
    for (sql, fault, advice) in faults {
        let begin =
            format!("begin; set local search_path = {placement}; set local role freehold_owner; {sql}; reset role");
        data.batch_execute(&begin).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let error = data.batch_execute("select freehold.global_table('x')").await.expect_err(sql);
        let error = error.as_db_error().unwrap();
        assert!(
            error.message().contains(fault) && error.hint().is_some_and(|hint| hint.contains(advice)),
            "{sql}: {error:#?}"
        );
        data.batch_execute("rollback").await.unwrap();
    }
}
