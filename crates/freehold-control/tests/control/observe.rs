//! Watching a database of somebody else in which row-level security is to be switched on.

use freehold::login::Login;
use freehold_control::{
    CheckOptions, ControlError, Observation, ObserveOptions, check_database, observations, observe, stop_observing,
};
use tokio_postgres::{Client, Config, SimpleQueryMessage};

use crate::support::*;

const A: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const B: &str = "bbbbbbbb-0000-0000-0000-000000000002";

/// An application that names the tenant in its statements, mostly. It owns its tables.
const LEGACY: &str = "create role legacy login;
     create role support login;
     create database legacy owner legacy";
const TABLES: &str = "create table firms (id uuid primary key, name text not null);
     create table authors (tenant_id uuid not null references firms, id bigint not null, name text not null, primary key (tenant_id, id));
     create table notes (tenant_id uuid not null references firms, id bigint not null, author bigint not null, text text not null,
         primary key (tenant_id, id), foreign key (tenant_id, author) references authors on delete cascade);
     create table events (tenant_id uuid not null, at date not null, what text not null) partition by range (at);
     create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
     insert into firms values ('aaaaaaaa-0000-0000-0000-000000000001', 'A'), ('bbbbbbbb-0000-0000-0000-000000000002', 'B');
     insert into authors select id, 1, 'author of ' || name from firms;
     insert into notes select f.id, n, 1, 'note ' || n from firms f, generate_series(1, 50) n;
     insert into events select id, '2026-06-06', 'founded' from firms;
     grant select on all tables in schema public to support";

struct Legacy {
    database: Login,
    fleet: Fleet,
}

impl Legacy {
    async fn start() -> Self {
        let fleet = Fleet::start().await;
        for statement in LEGACY.split(';') {
            fleet.superuser("postgres").await.batch_execute(statement).await.unwrap();
        }
        let mut config = Config::new();
        config.host_path(fleet.server.socket_dir()).port(fleet.server.port()).user("postgres").dbname("legacy");
        let legacy = Self { database: config.into(), fleet };
        legacy.client().await.batch_execute(TABLES).await.unwrap();
        legacy
    }

    async fn client(&self) -> Client {
        connect(&self.fleet.server, "legacy", "legacy").await
    }

    async fn seen(&self) -> Vec<Observation> {
        observations(&self.database).await.unwrap()
    }
}

fn told(seen: &[Observation]) -> Vec<(&str, &str, &str)> {
    seen.iter().map(|seen| (seen.relation.as_str(), seen.command.as_str(), seen.outcome)).collect()
}

/// What a statement comes to: its rows, in whatever order, or its error.
async fn outcome(client: &Client, sql: &str) -> String {
    let read = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => {
            (0..row.len()).map(|index| row.get(index).unwrap_or("null")).collect::<Vec<_>>().join("|")
        }
        SimpleQueryMessage::CommandComplete(count) => format!("{count} rows"),
        _ => String::new(),
    };
    match client.simple_query(sql).await {
        Ok(messages) => {
            let mut lines: Vec<String> = messages.iter().map(read).collect();
            lines.sort();
            lines.join("\n")
        }
        Err(error) => error.to_string(),
    }
}

/// Statements of all kinds, with the tenant and without.
fn statements() -> Vec<String> {
    vec![
        format!("select count(*) from notes where tenant_id = '{A}'"),
        "select count(*), min(text), max(text) from notes".into(),
        "select n.text, a.name from notes n join authors a on a.id = n.author order by 1, 2 limit 5".into(),
        "select text from notes where text like 'note 4%' order by 1".into(),
        format!("update notes set text = upper(text) where tenant_id = '{B}' and id = 3"),
        "update notes set text = text || '!' where id = 4".into(),
        format!("insert into notes values ('{A}', 900, 1, 'new'), ('{B}', 900, 1, 'new')"),
        format!(
            "insert into notes values ('{A}', 900, 1, 'again') on conflict (tenant_id, id) do update set text = 'kept'"
        ),
        format!("insert into notes values ('{A}', 901, 77, 'nobody')"),
        "delete from notes where id > 899 returning text".into(),
        format!("delete from authors where tenant_id = '{B}'"),
        "select count(*) from notes".into(),
        "select count(*) from events".into(),
        "select count(*) from events_2026".into(),
        "begin read only; select count(*) from authors; rollback".into(),
        "begin; declare c cursor for select text from notes order by tenant_id, id; fetch 2 from c; commit".into(),
        "truncate events".into(),
    ]
}

#[tokio::test]
async fn watching_changes_no_answer_and_no_error() {
    let (plain, watched) = (Legacy::start().await, Legacy::start().await);
    let observed = observe(&watched.database, &ObserveOptions::default()).await.unwrap();
    assert_eq!(observed.tables, ["public.authors", "public.events", "public.events_2026", "public.notes"]);
    let (plain, client) = (plain.client().await, watched.client().await);
    for statement in statements() {
        assert_eq!(outcome(&client, &statement).await, outcome(&plain, &statement).await, "{statement}");
    }
    assert!(watched.seen().await.len() > 5);
}

#[tokio::test]
async fn statements_that_stay_with_one_tenant_are_not_told_of() {
    let legacy = Legacy::start().await;
    observe(&legacy.database, &ObserveOptions::default()).await.unwrap();
    let client = legacy.client().await;
    for tenant in [A, B] {
        for statement in [
            "select n.text from notes n join authors a using (tenant_id) where n.tenant_id = $1 and a.tenant_id = $1",
            "update notes set text = 'mine' where tenant_id = $1 and id = 2",
            "insert into notes select $1, 1000, 1, 'one more'",
            "delete from notes where tenant_id = $1 and id = 1000",
            "delete from authors where tenant_id = $1",
        ] {
            let id: uuid::Uuid = tenant.parse().unwrap();
            client.execute(statement, &[&id]).await.unwrap();
        }
    }
    assert_eq!(legacy.seen().await, []);
}

#[tokio::test]
async fn statements_that_cross_are_told_of_once_a_session_with_no_values() {
    let legacy = Legacy::start().await;
    observe(&legacy.database, &ObserveOptions::default()).await.unwrap();
    for _ in 0..2 {
        let client = legacy.client().await;
        client.batch_execute("set application_name = 'nightly'").await.unwrap();
        for _ in 0..3 {
            client
                .batch_execute(
                    "select count(*) from notes where text not in ('a secret', $x$another$x$) and id <> 4711",
                )
                .await
                .unwrap();
        }
    }
    let seen = legacy.seen().await;
    assert_eq!(told(&seen), [("public.notes", "select", "hidden")]);
    let [seen] = &seen[..] else { unreachable!() };
    assert_eq!((seen.sessions, seen.login.as_str(), seen.application.as_str()), (2, "legacy", "nightly"));
    assert_eq!(seen.statement, "select count(*) from notes where text not in (?, ?) and id <> ?");

    let client = legacy.client().await;
    client.batch_execute("begin read only; select min(text) from notes; commit").await.unwrap();
    let log = std::fs::read_to_string(legacy.fleet.server.log_file()).unwrap();
    assert!(log.contains("freehold observe: select of public.notes: the row is another tenant's"), "{log}");
    let moved = format!("update notes set tenant_id = '{B}', id = 2000 where tenant_id = '{A}' and id = 7");
    client.batch_execute(&moved).await.unwrap();
    let seen = legacy.seen().await;
    assert!(told(&seen).contains(&("public.notes", "update, new row", "refused")), "{seen:#?}");
    let support = connect(&legacy.fleet.server, "support", "legacy").await;
    support.batch_execute("select * from authors").await.unwrap();
    assert!(legacy.seen().await.iter().any(|seen| seen.login == "support" && seen.relation == "public.authors"));
}

#[tokio::test]
async fn a_setting_says_which_tenant_it_is_and_none_is_refused() {
    let legacy = Legacy::start().await;
    let mut options = ObserveOptions::default();
    options.setting = Some("app.tenant".into());
    observe(&legacy.database, &options).await.unwrap();
    let client = legacy.client().await;
    client.batch_execute(&format!("select set_config('app.tenant', '{A}', false)")).await.unwrap();
    let one_row = format!("select text from notes where tenant_id = '{A}' and id = 5");
    client.batch_execute(&one_row).await.unwrap();
    assert_eq!(legacy.seen().await, []);
    client.batch_execute(&format!("insert into notes values ('{B}', 3000, 1, 'astray')")).await.unwrap();
    assert_eq!(told(&legacy.seen().await), [("public.notes", "insert", "refused")]);
    let other = legacy.client().await;
    other.batch_execute(&one_row).await.unwrap();
    let seen = legacy.seen().await;
    let without = seen.iter().find(|seen| seen.reason == "no tenant is set").unwrap();
    assert_eq!((without.command.as_str(), without.outcome), ("select", "refused"));
}

#[tokio::test]
async fn it_begins_again_goes_on_after_a_lock_and_ends_without_a_trace() {
    let legacy = Legacy::start().await;
    let not_yet = observations(&legacy.database).await.unwrap_err();
    assert!(matches!(not_yet, ControlError::NotObserved { .. }), "{not_yet:?}");
    let catalogue = "select string_agg(c.relname || c.relrowsecurity || c.relforcerowsecurity, ',' order by c.relname), \
                     (select count(*) from pg_policy), (select count(*) from pg_namespace) from pg_class c where relkind in ('r', 'p') \
                     and relnamespace = 'public'::regnamespace";
    let client = legacy.client().await;
    let before = outcome(&client, catalogue).await;

    let holder = legacy.client().await;
    holder.batch_execute("begin; lock table events in access share mode").await.unwrap();
    let locked = observe(&legacy.database, &ObserveOptions::default()).await.unwrap_err();
    assert!(matches!(locked, ControlError::Database { .. }), "{locked:?}");
    holder.batch_execute("commit").await.unwrap();
    client.batch_execute("alter table firms enable row level security").await.unwrap();
    for _ in 0..2 {
        assert_eq!(observe(&legacy.database, &ObserveOptions::default()).await.unwrap().tables.len(), 4);
    }
    let found = check_database(&legacy.database, &CheckOptions::default()).await.unwrap();
    let watched: Vec<_> =
        found.iter().filter(|finding| finding.rule == "FH240").map(|finding| &*finding.object).collect();
    assert_eq!(watched.len(), 4, "{watched:?}");
    client.batch_execute("drop table events").await.unwrap();
    client.batch_execute("alter table firms disable row level security").await.unwrap();

    assert_eq!(stop_observing(&legacy.database).await.unwrap(), ["authors", "notes"]);
    let gone = stop_observing(&legacy.database).await.unwrap_err();
    assert!(matches!(gone, ControlError::NotObserved { .. }), "{gone:?}");
    let events = "eventsfalsefalse,events_2026falsefalse,";
    assert_eq!(outcome(&client, catalogue).await, before.replace(events, ""));
}

async fn copy_in(client: &Client) -> Result<(), String> {
    match client.copy_in::<_, &[u8]>("copy events from stdin").await {
        Ok(sink) => std::pin::pin!(sink).finish().await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())),
    }
}

#[tokio::test]
async fn what_is_enforced_already_is_left_alone_and_owners_can_be() {
    let legacy = Legacy::start().await;
    let client = legacy.client().await;
    client.batch_execute("alter table notes enable row level security").await.unwrap();
    let mut options = ObserveOptions::default();
    options.without_owners = true;
    let observed = observe(&legacy.database, &options).await.unwrap();
    assert_eq!((observed.enforced, observed.tables.len()), (vec!["public.notes".to_owned()], 3));
    assert_eq!(copy_in(&legacy.client().await).await, Ok(()), "an owner that is not watched copies");
    options.without_owners = false;
    observe(&legacy.database, &options).await.unwrap();
    assert!(copy_in(&legacy.client().await).await.unwrap_err().contains("row-level security"));
    options.without_owners = true;
    observe(&legacy.database, &options).await.unwrap();
    client.batch_execute("select * from authors").await.unwrap();
    assert_eq!(legacy.seen().await, []);
    let support = connect(&legacy.fleet.server, "support", "legacy").await;
    support.batch_execute("select * from authors").await.unwrap();
    assert_eq!(legacy.seen().await.len(), 1);
}
