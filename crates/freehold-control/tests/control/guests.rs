//! Logins for one command: what they reach, what hostile SQL does with them, and that none is left over.

use std::time::Duration;

use freehold::isolation::Mode;
use freehold::tenant::Model;
use freehold_control::{Change, ControlError, Guest, NoObserver};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::support::*;

/// What the two tenants have that the other must not learn.
const SECRETS: [&str; 2] = ["the account of anna", "the account of bert"];

/// Two tenants of one model with an account each. A's command is hostile.
struct Twins {
    fleet: Fleet,
    a: Home,
    b: Home,
}

impl Twins {
    async fn of(model: Model) -> Self {
        let fleet = Fleet::start().await;
        let (a, b) = (fleet.tenant("anna", model).await, fleet.tenant("bert", model).await);
        for (home, secret) in [(&a, SECRETS[0]), (&b, SECRETS[1])] {
            let Home { tenant, placement, database } = home;
            let row = format!("insert into {placement}.accounts (tenant_id, name) values ('{tenant}', '{secret}')");
            fleet.superuser(database).await.batch_execute(&row).await.unwrap();
        }
        Self { fleet, a, b }
    }

    async fn guest(&self, name: &str, mode: Mode) -> Guest {
        self.fleet.control.guest(&slug(name), mode, "alice", "ticket 7", &["psql".to_owned()]).await.unwrap()
    }

    /// Everything B has.
    async fn digest(&self) -> String {
        let Home { tenant, placement, database } = &self.b;
        let all = format!(
            "select string_agg(a::text, ' ' order by id) from {placement}.accounts a where tenant_id = '{tenant}'"
        );
        one(&self.fleet.superuser(database).await, &all).await
    }
}

/// Connects with a guest's environment, as libpq would.
async fn enter(guest: &Guest) -> Client {
    try_enter(guest, None).await.unwrap()
}

async fn try_enter(guest: &Guest, database: Option<&str>) -> Result<Client, tokio_postgres::Error> {
    let environment = guest.environment();
    let value = |wanted: &str| environment.iter().find(|(name, _)| *name == wanted).unwrap().1.as_str();
    let mut config = Config::new();
    config.host_path(value("PGHOST")).port(value("PGPORT").parse().unwrap());
    config.user(value("PGUSER")).password(value("PGPASSWORD")).options(value("PGOPTIONS"));
    let (client, connection) = config.dbname(database.unwrap_or(value("PGDATABASE"))).connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Whatever a batch of statements says, rows and errors alike.
async fn said(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(messages) => messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).filter_map(|i| row.get(i)).collect::<Vec<_>>().join("|") + "\n")
                }
                _ => None,
            })
            .collect(),
        Err(error) => format!("{error:?}"),
    }
}

/// SQL of A against B: `{b}` is B's schema and `{tenant}` its id, `{token}` a token that B's own session was given, `{me}` A's login.
const ATTACKS: &[&str] = &[
    "select name from {b}.accounts",
    "select name from accounts where tenant_id = '{tenant}'",
    "select * from {b}.accounts where tenant_id = '{tenant}' for update",
    "copy {b}.accounts to stdout",
    "table {b}.accounts",
    "set search_path = {b}; select name from accounts",
    "set freehold.token = '{tenant}'; select name from {b}.accounts",
    "set freehold.guest = '{tenant}'; select name from {b}.accounts",
    "set freehold.guest = '{tenant}'; insert into {b}.accounts (name) values ('planted')",
    "set freehold.guest = '{tenant}'; insert into accounts (name) values ('planted')",
    "set freehold.token = '{token}'; select name from {b}.accounts",
    "begin; select set_config('freehold.token', '{token}', true); select name from {b}.accounts; commit",
    "select set_config('freehold.token', '{token}', false); insert into {b}.accounts (tenant_id, name) values ('{tenant}', 'planted')",
    "insert into {b}.accounts (tenant_id, name) values ('{tenant}', 'planted')",
    "insert into accounts (tenant_id, name) values ('{tenant}', 'planted')",
    "update {b}.accounts set name = 'raided'",
    "update accounts set tenant_id = '{tenant}'",
    "delete from {b}.accounts",
    "delete from accounts where tenant_id = '{tenant}' or true returning name",
    "merge into {b}.accounts x using (select 1) s on true when matched then delete",
    "truncate {b}.accounts",
    "set role freehold_app; select name from {b}.accounts",
    "set role freehold_tenant; select name from {b}.accounts",
    "set role freehold_owner; select name from {b}.accounts",
    "set role freehold_control; select name from {b}.accounts",
    "set session authorization freehold_app; select name from {b}.accounts",
    "set session authorization {b}; select name from {b}.accounts",
    "set row_security = off; select name from {b}.accounts",
    "set session_replication_role = replica; delete from {b}.accounts",
    "select * from freehold.guests",
    "update freehold.guests set tenant = '{tenant}', mode = 'w', good_until = 'infinity'",
    "insert into freehold.guests values ('{me}', '{tenant}', 'w', 'infinity')",
    "select * from freehold.seal_keys",
    "select * from freehold.residents",
    "create or replace view freehold.context as select '{tenant}'::uuid as tenant, '{b}' as placement, 'w' as mode",
    "create function pg_temp.f() returns text language sql as 'select name from {b}.accounts'; select pg_temp.f()",
    "create temp table t as select name from {b}.accounts; table t",
    "do $$ begin perform set_config('freehold.token', '{token}', false); delete from {b}.accounts; end $$",
    "alter role {me} superuser",
    "alter role {me} bypassrls",
    "alter role {me} valid until 'infinity'",
    "alter role {me} rename to freehold_control",
    "grant freehold_control to {me}",
    "grant {b} to {me}",
    "create role g_aaaaaaaaaaaaaaaa login",
    "alter table {b}.accounts disable row level security; select name from {b}.accounts",
    "drop policy freehold_select on {b}.accounts; select name from {b}.accounts",
    "drop owned by {me}; select name from {b}.accounts",
    "begin isolation level repeatable read; select name from {b}.accounts; commit",
    "begin isolation level serializable; delete from {b}.accounts; commit",
    "prepare p as select name from {b}.accounts; execute p",
    "declare c cursor with hold for select name from {b}.accounts; fetch all c",
    "explain analyze select name from {b}.accounts",
    "select query_to_xml('select name from {b}.accounts', true, true, '')",
    "select * from ts_stat('select to_tsvector(name) from {b}.accounts')",
    "select pg_read_file('PG_VERSION')",
    "copy (select 1) to program 'id'",
    "reset all; select name from accounts where name <> 'the account of anna'",
    "discard all; select name from {b}.accounts",
];

async fn hostile_sql_of_a_guest_reaches_nobody_else(model: Model) {
    let twins = Twins::of(model).await;
    let before = twins.digest().await;
    let (guest, victim) = (twins.guest("anna", Mode::Write).await, twins.guest("bert", Mode::Write).await);
    let of_victim = enter(&victim).await;
    let token = one(&of_victim, "select freehold.guest_token()").await;
    assert!(token.starts_with(&twins.b.tenant.to_string()), "the attack has a genuine token of B: {token}");
    let attack = |sql: &str| {
        let sql = sql.replace("{b}", &twins.b.placement).replace("{tenant}", &twins.b.tenant.to_string());
        sql.replace("{token}", &token).replace("{me}", guest.login())
    };
    // One session after another for each, and then all in one: what one leaves behind does not help the next.
    let lasting = enter(&guest).await;
    for sql in ATTACKS {
        for session in [&enter(&guest).await, &lasting] {
            let said = said(session, &attack(sql)).await;
            assert!(!said.contains(SECRETS[1]), "{model}: {sql}: {said}");
            session.batch_execute("rollback").await.unwrap();
        }
        assert_eq!(twins.digest().await, before, "{model}: {sql}");
    }
    let own = said(&enter(&guest).await, "select name from accounts").await;
    assert!(!own.contains(SECRETS[1]), "{own}");

    // The token of a guest is of no use to anybody else.
    let application = connect(&twins.fleet.server, "freehold_app", "freehold_data").await;
    let stolen = format!("set freehold.token = '{token}'; select name from {}.accounts", twins.b.placement);
    let refused = said(&application, &stolen).await;
    assert!(!refused.contains(SECRETS[1]), "{refused}");

    // Nor is the guest let in anywhere else.
    for database in ["freehold_catalog", "freehold_data_template", &twins.b.database, "freehold_data"] {
        if database != twins.a.database {
            assert!(try_enter(&guest, Some(database)).await.is_err(), "{model}: {database}");
        }
    }
    for guest in [guest, victim] {
        guest.end().await.unwrap();
    }
}

#[tokio::test]
async fn hostile_sql_of_a_guest_reaches_nobody_else_in_shared_tables() {
    hostile_sql_of_a_guest_reaches_nobody_else(Model::Shared).await;
}

#[tokio::test]
async fn hostile_sql_of_a_guest_reaches_nobody_else_from_a_schema() {
    hostile_sql_of_a_guest_reaches_nobody_else(Model::Schema).await;
}

#[tokio::test]
async fn hostile_sql_of_a_guest_reaches_nobody_else_from_a_database() {
    hostile_sql_of_a_guest_reaches_nobody_else(Model::Database).await;
}

#[tokio::test]
async fn a_guest_works_with_its_tenants_rows_and_is_gone_afterwards() {
    for model in Model::ALL {
        let twins = Twins::of(model).await;
        let guest = twins.guest("anna", Mode::Write).await;
        let session = enter(&guest).await;
        // Without a schema, without a tenant, as any program would write it.
        session.batch_execute("insert into accounts (name) values ('new')").await.unwrap();
        session.batch_execute("update accounts set name = 'newer' where name = 'new'").await.unwrap();
        assert_eq!(
            said(&session, "select name from accounts order by 1").await,
            "newer\nthe account of anna\n",
            "{model}"
        );
        assert_eq!(said(&session, "select code from global.currencies").await, "GBP\n");
        let keeps_snapshot = said(&session, "begin isolation level repeatable read; table accounts").await;
        assert!(keeps_snapshot.contains("read committed alone"), "{model}: one that writes: {keeps_snapshot}");
        session.batch_execute("rollback").await.unwrap();

        guest.end().await.unwrap();
        assert!(session.batch_execute("select 1").await.is_err(), "{model}: its session is over");
        assert!(try_enter(&guest, None).await.is_err(), "{model}: its login is gone");
        assert_nothing_is_left(&twins, model).await;
        guest.end().await.unwrap();
    }
}

#[tokio::test]
async fn a_guest_that_reads_may_keep_a_snapshot_and_does_not_write() {
    for model in Model::ALL {
        let twins = Twins::of(model).await;
        let session = enter(&twins.guest("anna", Mode::Read).await).await;
        let read =
            said(&session, "begin isolation level repeatable read, read only; select name from accounts; commit").await;
        assert_eq!(read, "the account of anna\n", "{model}");
        for write in [
            "insert into accounts (name) values ('new')",
            "update accounts set name = 'new'",
            "delete from accounts",
            "begin isolation level repeatable read; delete from accounts; commit",
        ] {
            let refused = said(&session, write).await;
            assert!(refused.contains("read-only"), "{model}: {write}: {refused}");
            session.batch_execute("rollback").await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_left_of_a_command_that_was_killed_is_swept() {
    for model in Model::ALL {
        let twins = Twins::of(model).await;
        let guest = twins.guest("anna", Mode::Write).await;
        let session = enter(&guest).await;
        assert!(twins.fleet.control.end_left_over_guests().await.unwrap().is_empty(), "{model}: it is good yet");

        // Its process is gone, and time passes.
        let past = "update freehold.guests set good_until = now() - interval '1 second'";
        twins.fleet.superuser(&twins.a.database).await.batch_execute(past).await.unwrap();
        let refused = said(&session, "table accounts").await;
        assert!(refused.contains("no tenant context"), "{model}: {refused}");
        let past = "update catalog.guests set good_until = now() - interval '1 second'";
        twins.fleet.catalog().await.batch_execute(past).await.unwrap();
        assert_eq!(twins.fleet.control.end_left_over_guests().await.unwrap(), [guest.login()], "{model}");
        assert!(session.batch_execute("select 1").await.is_err(), "{model}: its session is over");
        assert_nothing_is_left(&twins, model).await;
    }
}

#[tokio::test]
async fn a_guest_that_is_kept_stays_good_until_it_is_ended() {
    for model in Model::ALL {
        let twins = Twins::of(model).await;
        let guest = twins.guest("anna", Mode::Read).await;
        let (catalog, home) = (twins.fleet.catalog().await, twins.fleet.superuser(&twins.a.database).await);
        for (client, table) in [(&catalog, "catalog.guests"), (&home, "freehold.guests")] {
            client
                .batch_execute(&format!("update {table} set good_until = now() + interval '1 second'"))
                .await
                .unwrap();
        }
        let renewed = async {
            for (client, table) in [(&catalog, "catalog.guests"), (&home, "freehold.guests")] {
                eventually(client, &format!("select good_until > now() + interval '30 seconds' from {table}")).await;
            }
        };
        tokio::select! {
            () = guest.keep() => panic!("{model}: nobody ended it"),
            () = renewed => {}
        }
        guest.end().await.unwrap();
        tokio::time::timeout(PATIENCE, guest.keep()).await.unwrap_or_else(|_| panic!("{model}: it goes on being kept"));
    }
}

#[tokio::test]
async fn a_worker_sweeps_what_is_left_over() {
    let twins = Twins::of(Model::Shared).await;
    let _killed = twins.guest("anna", Mode::Read).await;
    let catalog = twins.fleet.catalog().await;
    catalog.batch_execute("update catalog.guests set good_until = now() - interval '1 second'").await.unwrap();
    let control = twins.fleet.control.clone();
    let worker = tokio::spawn(async move { control.work("worker", std::future::pending()).await });
    eventually(&catalog, "select not exists (select from pg_roles where rolname like 'g\\_%')").await;
    eventually(&catalog, "select not exists (select from catalog.guests)").await;
    worker.abort();
}

#[tokio::test]
async fn a_guest_whose_making_was_cut_off_is_swept_too() {
    let twins = Twins::of(Model::Database).await;
    let half = format!(
        "insert into catalog.guests values ('g_aaaaaaaaaaaaaaaa', '{}', '{}', now())",
        twins.a.tenant, twins.a.placement
    );
    twins.fleet.catalog().await.batch_execute(&half).await.unwrap();
    assert_eq!(twins.fleet.control.end_left_over_guests().await.unwrap(), ["g_aaaaaaaaaaaaaaaa"]);
}

#[tokio::test]
async fn a_tenant_that_is_erased_takes_its_guests_with_it() {
    for model in Model::ALL {
        let twins = Twins::of(model).await;
        let session = enter(&twins.guest("anna", Mode::Read).await).await;
        session.batch_execute("begin isolation level repeatable read; table accounts").await.unwrap();
        let now = Change::Delete { grace: Duration::ZERO };
        twins.fleet.control.change(&slug("anna"), &now, "alice", "they left").await.unwrap();
        assert!(session.batch_execute("table accounts").await.is_err(), "{model}");
        assert_nothing_is_left(&twins, model).await;
    }
}

#[tokio::test]
async fn who_may_have_a_guest_is_decided_by_the_tenants_status_and_stands_in_the_audit() {
    let twins = Twins::of(Model::Shared).await;
    let control = &twins.fleet.control;
    let ask = async |mode, reason: &str| control.guest(&slug("anna"), mode, "alice", reason, &["id".to_owned()]).await;
    for (change, reads, writes) in [
        (Change::Resume, true, true),
        (Change::ReadOnly, true, false),
        (Change::Suspend, true, true),
        (Change::Delete { grace: Duration::from_secs(1000) }, true, false),
    ] {
        control.change(&slug("anna"), &change, "alice", "x").await.unwrap();
        assert_eq!(ask(Mode::Read, "x").await.is_ok(), reads, "{change:?}");
        match ask(Mode::Write, "x").await {
            Ok(_) => assert!(writes, "{change:?}"),
            Err(error) => {
                assert!(!writes && error.to_string().contains("cannot be written to"), "{change:?}: {error}");
            }
        }
    }
    let unexplained = ask(Mode::Read, " ").await.unwrap_err();
    assert!(matches!(unexplained, ControlError::Unexplained), "{unexplained:?}");
    let audit = "select string_agg(distinct action || (detail ->> 'command'), ' ') from catalog.audit where action like 'exec%'";
    assert_eq!(one(&twins.fleet.catalog().await, audit).await, "exec, reading[\"id\"] exec, writing[\"id\"]");
    let made = "select count(*) = (select count(*) from catalog.guests) from catalog.audit where action like 'exec%'";
    assert_eq!(one(&twins.fleet.catalog().await, made).await, "t", "each guest, and only those");
    assert!(!control.run_one("nothing is due", None, &NoObserver).await.unwrap());
}

#[tokio::test]
async fn tenants_are_chosen_by_a_condition_that_only_reads() {
    let twins = Twins::of(Model::Schema).await;
    let control = &twins.fleet.control;
    control.change(&slug("bert"), &Change::Plan(Some("pro".into())), "alice", "x").await.unwrap();
    let chosen = async |condition: &str| {
        let tenants = control.tenants_where(condition).await?;
        Ok::<_, ControlError>(tenants.into_iter().map(|tenant| tenant.slug).collect::<Vec<_>>())
    };
    assert_eq!(chosen("true").await.unwrap(), ["anna", "bert"]);
    assert_eq!(chosen("plan = 'pro' and model = 'schema' -- who pays").await.unwrap(), ["bert"]);
    for wrong in ["", "plan = ", "nonsense", "true; select 1", "true) or (1", "set_config('x.y', 'z', false) = 1"] {
        let refused = chosen(wrong).await.unwrap_err();
        assert!(matches!(refused, ControlError::Condition { .. }), "{wrong}: {refused:?}");
    }
    let wrote = chosen("nextval('catalog.directory_version') > 0").await.unwrap_err();
    assert!(wrote.to_string().contains("read-only"), "{wrote}");
}

/// No login, no row, no right of a guest.
async fn assert_nothing_is_left(twins: &Twins, model: Model) {
    let catalog = twins.fleet.catalog().await;
    let left = "select (select count(*) from pg_roles where rolname like 'g\\_%') + (select count(*) from catalog.guests) \
                     + (select count(*) from pg_database d, aclexplode(d.datacl) a \
                        where not exists (select from pg_roles r where r.oid = a.grantee) and a.grantee <> 0) \
                     + (select count(*) from pg_db_role_setting s where s.setrole <> 0 \
                                and not exists (select from pg_roles r where r.oid = s.setrole))";
    assert_eq!(one(&catalog, left).await, "0", "{model}");
    let there = format!("select exists (select from pg_database where datname = '{}')", twins.a.database);
    if one(&catalog, &there).await == "t" {
        let home = twins.fleet.superuser(&twins.a.database).await;
        assert_eq!(one(&home, "select count(*) from freehold.guests").await, "0", "{model}");
    }
}
