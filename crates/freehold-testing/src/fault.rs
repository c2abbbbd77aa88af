//! Guards of the database, taken away one at a time, to see that the attack suite notices.
//!
//! With `FREEHOLD_TEST_FAULT=name` in the environment every tenant that a [`Deployment`](crate::Deployment) creates has the
//! fault. To tenants that an application creates a test [gives it](crate::Deployment::plant_fault).

use std::env;

use tokio_postgres::Client;

/// A guard that can be taken away.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The value of `FREEHOLD_TEST_FAULT`.
    pub name: &'static str,
    /// The attacks that should notice, as a filter for test names.
    pub watch: &'static str,
    removal: Removal,
}

#[derive(Clone, Copy, Debug)]
enum Removal {
    /// SQL for the tenant's database. `{catalog}` is the name of the catalog's.
    Database(&'static str),
    /// SQL for each tenant table and partition, whose name is `{table}`; `{place}` is its schema.
    Tables(&'static str),
    /// `freehold.context` without the check that says this.
    Check(&'static str),
}

use Removal::{Check, Database, Tables};

const fn fault(name: &'static str, watch: &'static str, removal: Removal) -> Fault {
    Fault { name, watch, removal }
}

/// Every guard of the database that the attack suite stands for.
pub const FAULTS: &[Fault] = &[
    fault("no-row-security", "attack::rows", Tables("alter table {table} disable row level security")),
    fault("owner-not-bound", "attack::planted", Tables("alter table {table} no force row level security")),
    fault("no-select-policy", "attack::rows", Tables("drop policy if exists freehold_select on {table}")),
    fault("no-insert-policy", "attack::rows", Tables("drop policy if exists freehold_insert on {table}")),
    fault("no-update-policy", "attack::rows", Tables("drop policy if exists freehold_update on {table}")),
    fault("no-delete-policy", "attack::rows", Tables("drop policy if exists freehold_delete on {table}")),
    fault(
        "policy-not-restrictive",
        "attack::rows",
        Tables(
            "drop policy if exists freehold_select on {table};
             create policy freehold_select on {table} for select using (tenant_id = (select tenant from freehold.context))",
        ),
    ),
    fault(
        "policy-of-the-login",
        "attack::context",
        Tables(
            "alter policy freehold_select on {table} to freehold_app, freehold_tenant;
             alter policy freehold_update on {table} to freehold_app",
        ),
    ),
    fault(
        "policy-without-placement",
        "attack::placements",
        Tables("alter policy freehold_insert on {table} with check (tenant_id = (select tenant from freehold.context))"),
    ),
    fault(
        "policy-without-mode",
        "attack::context",
        Tables(
            "alter policy freehold_insert on {table} with check (tenant_id = (select (case when placement = '{place}' then tenant::text end)::uuid from freehold.context))",
        ),
    ),
    fault("context-without-mac", "attack::context", Check("is not genuine")),
    fault("context-without-connection", "attack::context", Check("is for another connection")),
    fault("context-without-expiry", "attack::context", Check("has expired")),
    fault("context-under-any-snapshot", "attack::context", Check("read committed alone")),
    fault("context-without-epoch", "attack::context", Check("is stale")),
    fault("context-without-key", "attack::context", Check("is sealed with a key")),
    fault("keys-readable", "attack::privileges", Database("grant select on all tables in schema freehold to public")),
    fault("truncate-granted", "attack::privileges", Tables("grant truncate on {table} to public")),
    fault("references-granted", "attack::privileges", Tables("grant references, trigger on {table} to public")),
    fault("partitions-granted", "attack::rows", Tables("grant select, insert, update, delete on {table} to public; drop policy if exists freehold_select on {table}")),
    fault("global-tables-writable", "attack::privileges", Database("grant insert, update, delete on all tables in schema global to public")),
    fault("sequences-granted", "attack::rows", Database("grant all on all sequences in schema {place} to public")),
    fault(
        "everything-granted",
        "attack::planted",
        Database(
            "alter default privileges in schema {place} grant all on tables to public;
             alter default privileges for role freehold_owner in schema {place} grant all on tables to public",
        ),
    ),
    fault("key-without-tenant", "attack::rows", Database("create unique index if not exists planted on notes (text)")),
    fault(
        "reference-without-tenant",
        "attack::rows",
        Database(
            "create unique index if not exists planted on authors (id);
             alter table notes drop constraint if exists planted;
             alter table notes add constraint planted foreign key (author_id) references authors (id) on delete cascade",
        ),
    ),
    fault("create-granted", "attack::privileges", Database("grant create on schema {place} to public")),
    fault("temporary-tables", "attack::privileges", Database("do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$")),
    fault("procedural-language", "attack::privileges", Database("grant usage on language plpgsql to public")),
    fault("signals", "attack::privileges", Database("grant execute on function pg_terminate_backend(integer, bigint), pg_cancel_backend(integer) to public")),
    fault("activity", "attack::privileges", Database("grant execute on function pg_stat_get_activity(integer) to public")),
    fault("large-objects", "attack::privileges", Database("grant execute on function lo_create(oid), lo_from_bytea(oid, bytea), lo_get(oid) to public")),
    fault("advisory-locks", "attack::privileges", Database("grant execute on function pg_advisory_lock(bigint) to public")),
    fault("text-to-statement", "attack::privileges", Database("grant execute on function query_to_xml(text, boolean, boolean, text) to public")),
    fault("catalog-open", "attack::names", Database("grant connect on database {catalog} to public")),
    fault(
        "catalogue-tells-names",
        "attack::names",
        Database("do $$ begin execute format('comment on schema {place} is %L', 'home of (bert'); end $$"),
    ),
];

/// Begins the message of a test that failed because its fault could not be planted, which proves nothing.
pub const NOT_PLANTED: &str = "there is no way to plant the fault";

/// The fault that the environment names.
pub(crate) fn wanted() -> Option<&'static Fault> {
    let name = env::var("FREEHOLD_TEST_FAULT").ok()?;
    let fault = FAULTS.iter().find(|fault| fault.name == name);
    Some(fault.unwrap_or_else(|| panic!("FREEHOLD_TEST_FAULT={name} is no fault that is known")))
}

impl Fault {
    /// Takes the guard away, in the database and the placement of a tenant.
    pub(crate) async fn plant(&self, database: &Client, catalog: &str) {
        let place: String = database.query_one("select current_schema()::text", &[]).await.unwrap().get(0);
        let aimed = |sql: &str| sql.replace("{catalog}", catalog).replace("{place}", &place);
        let statements = match self.removal {
            Database(sql) => aimed(sql),
            Check(message) => context_without(message),
            Tables(sql) => {
                let tables = database
                    .query("select relname::text from pg_class where relnamespace = current_schema()::regnamespace and relrowsecurity", &[])
                    .await
                    .unwrap();
                let each = tables.iter().map(|row| aimed(sql).replace("{table}", row.get(0)));
                each.collect::<Vec<_>>().join(";\n")
            }
        };
        let planted = database.batch_execute(&statements).await;
        planted.unwrap_or_else(|error| panic!("{NOT_PLANTED} {}: {error:?}", self.name));
    }
}

/// The view as it is installed, less one check.
fn context_without(message: &str) -> String {
    const SCHEMA: &str = include_str!("../../freehold-control/sql/data/0001_freehold.sql");
    const CHECK: &str = "           when ";
    let view =
        SCHEMA.split_once("create view freehold.context").and_then(|(_, rest)| rest.split_once(";\n")).unwrap().0;
    let checks = view.split_inclusive('\n').collect::<String>();
    let (begin, checks) = checks.split_once("select case\n").unwrap();
    let (checks, end) = checks.split_once("           else ").unwrap();
    let kept: Vec<_> =
        checks.split(CHECK).filter(|check| !check.trim().is_empty() && !check.contains(message)).collect();
    assert_ne!(kept.len(), checks.split(CHECK).count() - 1, "freehold.context has no check that says {message:?}");
    let kept: String = kept.iter().map(|check| format!("{CHECK}{check}")).collect();
    format!("create or replace view freehold.context{begin}select case\n{kept}           else {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own_and_every_check_exists() {
        let mut names: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FAULTS.len());
        for fault in FAULTS {
            if let Check(message) = fault.removal {
                assert!(!context_without(message).contains(message));
            }
        }
    }
}
