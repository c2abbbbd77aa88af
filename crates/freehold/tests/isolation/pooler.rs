//! Behind PgBouncer. `./dev test` also runs the attack suite behind it: `FREEHOLD_TEST_POOLER=transaction`.

use std::time::Duration;

use freehold::isolation::{ErrorKind, PoolOptions, ScopeError, Sqlx, TokioPostgres};
use freehold::tenant::Model;
use freehold_control::{Passwords, Pooler};
use freehold_testing::{Crowd, Deployment, Front, PgBouncer, connect, look_for_leaks, server};
use sqlx::Row as _;

use crate::own_server::OwnServer;

const POOLED: [Front; 2] = [Front::Transactions, Front::Sessions];

/// Two tenants of each model behind two backends, or nothing where there is no PgBouncer.
async fn crowd(front: Front) -> Option<Crowd> {
    let crowd = Crowd::gather(front, 2, 2).await;
    if crowd.is_none() {
        println!("PgBouncer is not installed: nothing was tested");
    }
    crowd
}

/// An application whose cluster is where a pooler is, and which does not know. What comes of a query.
async fn query_unaware(settings: &str) -> Option<String> {
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/migrations");
    let deployment = Deployment::start(migrations).await;
    let tenant = deployment.tenant("anna", Model::Shared).await;
    let Some(pooler) = PgBouncer::start(server().socket_dir(), server().port(), settings).await else {
        println!("PgBouncer is not installed: nothing was tested");
        return None;
    };
    let catalog = connect("postgres", deployment.catalog_database()).await;
    let port = i32::from(pooler.address().port());
    let moved = "update catalog.clusters set host = '127.0.0.1', port = $1, pooler_host = null, pooler_port = null";
    catalog.execute(moved, &[&port]).await.unwrap();
    let mut pool = PoolOptions::default();
    pool.acquire_timeout = Duration::from_secs(1);
    let application = deployment.another_application(pool).await;
    let tenant = application.directory().get(tenant.id()).unwrap();
    let mut scope = application.tenant_db::<TokioPostgres>(&tenant).read();
    let error = scope.query("select text from notes", &[]).await.unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Some(text)
}

#[tokio::test]
async fn a_pooler_that_nobody_told_of_refuses_the_settings_of_a_connection() {
    for mode in ["session", "transaction"] {
        let Some(error) = query_unaware(&format!("pool_mode = {mode}")).await else { return };
        assert!(error.contains("unsupported startup parameter"), "{mode}: {error}");
    }
}

/// It takes the settings and passes none on, so whoever had the backend before decides what they are.
#[tokio::test]
async fn a_pooler_that_nobody_told_of_and_that_drops_the_settings_is_refused() {
    for mode in ["session", "transaction"] {
        let Some(error) = query_unaware(&format!("pool_mode = {mode}\nignore_startup_parameters = options")).await
        else {
            return;
        };
        assert!(error.contains("freehold cluster pooler"), "{mode}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_tenants_leave_on_two_backends_is_met_by_others() {
    for front in POOLED {
        let Some(crowd) = crowd(front).await else { return };
        let found = look_for_leaks(&crowd, 1_500, 20_261_121).await;
        assert!(found.leaks.is_empty(), "{front:?}: {:#?}", found.leaks);
        // PgBouncer 1.18 can pass on a request to cancel late, and what is left behind may time out before it is taken away.
        assert!(found.failed.values().sum::<usize>() <= 15, "{front:?}: {found}");
        assert!(found.clean > 500 && found.left > 100 && found.committed > 100, "{front:?}: {found}");
    }
}

/// What a session is set to outlives a transaction; a token that does is good for any backend.
#[tokio::test]
async fn a_token_that_is_planted_for_the_next_one_is_not_there() {
    let Some(crowd) = crowd(Front::Transactions).await else { return };
    let application = crowd.application(1).await;
    let [a, b] = [0, 1].map(|index| application.tenant_db::<TokioPostgres>(&crowd.tenants[index]));
    for end in ["commit and chain", "rollback and chain"] {
        let mut scope = a.write();
        scope
            .ad_hoc("select set_config('freehold.token', current_setting('freehold.token'), false)", &[])
            .await
            .unwrap();
        scope.commit().await.unwrap();
        let mut scope = b.write();
        scope.ad_hoc(end, &[]).await.unwrap();
        let found = scope.ad_hoc("select coalesce(current_setting('freehold.token', true), '')", &[]).await.unwrap();
        assert_eq!(found[0].get::<_, &str>(0), "", "{end}");
        let error = scope.ad_hoc("select tenant from freehold.context", &[]).await.unwrap_err();
        assert!(matches!(error, ScopeError::ContextRefused { .. }), "{end}: {error:?}");
    }
}

/// What came next would run on whatever backend is free, outside a transaction.
#[tokio::test]
async fn a_scope_whose_transaction_a_statement_ended_has_ended() {
    for front in POOLED {
        let Some(crowd) = crowd(front).await else { return };
        let application = crowd.application(1).await;
        for tenant in &crowd.tenants {
            for end in ["commit", "rollback"] {
                let mut scope = application.tenant_db::<TokioPostgres>(tenant).write();
                scope.ad_hoc(end, &[]).await.unwrap();
                let error = scope.ad_hoc("select 1", &[]).await.unwrap_err();
                assert!(matches!(error, ScopeError::Ended), "{front:?} {end}: {error:?}");
                let mut scope = application.tenant_db::<Sqlx>(tenant).write();
                sqlx::query(end).execute(&mut scope).await.unwrap();
                let error = sqlx::query("select 1").execute(&mut scope).await.map_err(ScopeError::from).unwrap_err();
                assert!(matches!(error, ScopeError::Ended), "{front:?} {end}: {error:?}");
            }
        }
    }
}

/// A login may change what its own sessions begin with, and a pooler lets nothing through that would prevail.
#[tokio::test]
async fn defaults_that_a_login_sets_for_itself_reach_no_transaction() {
    let Some(crowd) = crowd(Front::Transactions).await else { return };
    let read = "select string_agg(name || '=' || setting, ' ' order by name) from pg_settings where name = any (string_to_array(\
                'TimeZone,row_security,DateStyle,statement_timeout,client_encoding,timezone_abbreviations,exit_on_error,bytea_output,\
                quote_all_identifiers,xmloption,standard_conforming_strings,search_path', ','))";
    let application = crowd.application(1).await;
    let login = crowd.tenants.last().unwrap();
    let expected = application.tenant_db::<TokioPostgres>(login).read().query(read, &[]).await.unwrap();
    for setting in [
        "TimeZone = 'Asia/Tokyo'",
        "row_security = off",
        "DateStyle = 'SQL'",
        "statement_timeout = '1h'",
        "client_encoding = 'LATIN1'",
        "timezone_abbreviations = 'Australia'",
        "exit_on_error = on",
        "bytea_output = 'escape'",
        "quote_all_identifiers = on",
        "xmloption = 'document'",
        "standard_conforming_strings = off",
        "search_path = public",
    ] {
        let mut scope = application.tenant_db::<TokioPostgres>(login).write();
        scope.ad_hoc(&format!("alter role current_user set {setting}"), &[]).await.unwrap();
        scope.commit().await.unwrap();
    }
    drop(application);
    // Its backends end, and the next ones begin with what the login was given.
    let truth = crowd.deployment.truth(login).await;
    let end = "select pg_terminate_backend(pid, 10000) from pg_stat_activity \
               where datname = current_database() and usename like 't\\_%'";
    assert!(!truth.query(end, &[]).await.unwrap().is_empty());
    let application = crowd.application(1).await;
    for _ in 0..3 {
        let found = application.tenant_db::<TokioPostgres>(login).read().query(read, &[]).await.unwrap();
        assert_eq!(found[0].get::<_, &str>(0), expected[0].get::<_, &str>(0));
    }
    let db = application.tenant_db::<TokioPostgres>(login);
    db.write().execute_and_commit("insert into notes (text) values ('é from B')", &[]).await.unwrap();
    assert_eq!(truth.query_one("select text from notes", &[]).await.unwrap().get::<_, &str>(0), "é from B");
}

/// PgBouncer 1.18 counts wrong behind a COPY, and gives the next client what the one before it was waiting for.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_cut_off_gives_nobody_an_answer_of_another() {
    const COPY: &str = "copy (select repeat('x', 20000) union all select pg_sleep(0.05)::text) to stdout";
    let Some(crowd) = crowd(Front::Transactions).await else { return };
    let application = crowd.application(16).await;
    let [a, b] = [0, 1].map(|index| &crowd.tenants[index]);
    let note = "insert into notes (text) values ('mine')";
    application.tenant_db::<TokioPostgres>(b).write().execute_and_commit(note, &[]).await.unwrap();
    for round in 0..40 {
        // Keeps one of the two backends, so that A and B meet on the other.
        let mut busy = application.tenant_db::<TokioPostgres>(b).read();
        busy.query("select 1", &[]).await.unwrap();
        let mut scope = application.tenant_db::<TokioPostgres>(a).write();
        assert!(scope.ad_hoc(COPY, &[]).await.is_err());
        let _ = tokio::time::timeout(Duration::from_millis(3), scope.ad_hoc("commit", &[])).await;
        drop(scope);
        let mut honest = application.tenant_db::<Sqlx>(b).read();
        let found = sqlx::query("select text from notes where text = 'mine'").fetch_all(&mut honest).await.unwrap();
        assert_eq!(found.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), ["mine"], "round {round}");
    }
}

/// The server keeps nothing that it could find outdated, so the columns are compared on this side.
#[tokio::test]
async fn a_statement_whose_columns_changed_is_not_read_as_it_was() {
    const NUMBERS: &str = "select id, number from notes, (select 7::bigint as number) n";
    for front in POOLED {
        let Some(crowd) = crowd(front).await else { return };
        let application = crowd.application(1).await;
        let tenant = &crowd.tenants[2];
        let (first, second) = (application.tenant_db::<TokioPostgres>(tenant), application.tenant_db::<Sqlx>(tenant));
        first.write().execute_and_commit("insert into notes (text) values ('x')", &[]).await.unwrap();
        assert_eq!(first.read().query(NUMBERS, &[]).await.unwrap()[0].get::<_, i64>(0), 1);
        assert_eq!(sqlx::query(NUMBERS).fetch_one(&mut second.read()).await.unwrap().get::<i64, _>(0), 1);
        let truth = crowd.deployment.truth(tenant).await;
        truth
            .batch_execute("alter table notes alter id drop identity; alter table notes alter id type text")
            .await
            .unwrap();
        // The first statement of a scope is sent again on a new connection, by the driver that can.
        assert_eq!(first.read().query(NUMBERS, &[]).await.unwrap()[0].get::<_, &str>(0), "1");
        let error = sqlx::query(NUMBERS).fetch_one(&mut second.read()).await.map_err(ScopeError::from).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{front:?}: {error:?}");
        assert_eq!(sqlx::query(NUMBERS).fetch_one(&mut second.read()).await.unwrap().get::<&str, _>(0), "1");
    }
}

/// A server is given no name, so two clients can have one backend in turn and prepare the same.
#[tokio::test]
async fn statements_that_drivers_prepare_leave_no_name_on_a_backend() {
    for front in POOLED {
        let Some(crowd) = crowd(front).await else { return };
        let application = crowd.application(1).await;
        for tenant in &crowd.tenants {
            let names = "select name from pg_prepared_statements where name <> ''";
            for _ in 0..2 {
                let found = application.tenant_db::<TokioPostgres>(tenant).read().query(names, &[]).await.unwrap();
                assert!(found.is_empty(), "{front:?}");
                let found = sqlx::query(names).fetch_all(&mut application.tenant_db::<Sqlx>(tenant).read()).await;
                assert!(found.unwrap().is_empty(), "{front:?}");
            }
        }
    }
}

fn deployed(file: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/pgbouncer").join(file);
    std::fs::read_to_string(path).unwrap()
}

/// `deploy/pgbouncer` as it is, but for where things are.
#[tokio::test]
async fn tenants_of_every_model_log_in_through_the_pooler_as_it_is_deployed() {
    let files = tempfile::tempdir().unwrap();
    let password = files.path().join("password");
    std::fs::write(&password, "of the application").unwrap();
    let app = Some(format!("file:{}", password.display()));
    let server = OwnServer::with_passwords(PoolOptions::default(), Passwords { app, ..Passwords::default() }).await;
    let (socket, port) = server.place();

    server
        .superuser("postgres")
        .await
        .batch_execute("create role pgbouncer login password 'of the pooler'")
        .await
        .unwrap();
    for database in ["data", "data_template"] {
        server.superuser(database).await.batch_execute(&deployed("logins.sql")).await.unwrap();
    }
    let file = |users: &std::path::Path, own: u16| {
        let mut file = deployed("pgbouncer.ini");
        for (from, to) in [
            ("host=/var/run/postgresql", format!("host={} port={port}", socket.display())),
            ("unix_socket_dir = /var/run/postgresql", "unix_socket_dir =".to_owned()),
            ("6432\nunix", format!("{own}\nunix")),
            ("/etc/pgbouncer/userlist.txt", users.display().to_string()),
        ] {
            assert!(file.contains(from), "the file does not name {from:?}");
            file = file.replace(from, &to);
        }
        file
    };
    let Some(pooler) = PgBouncer::with_file(socket, "\"pgbouncer\" \"of the pooler\"\n", file).await else {
        println!("PgBouncer is not installed: nothing was tested");
        return;
    };
    let (host, own) = (pooler.address().ip().to_string(), pooler.address().port());
    server.control.set_pooler("local", Some(&Pooler { host, port: own }), "test", "test").await.unwrap();

    for model in Model::ALL {
        let [a, b] = [
            server.tenant(&format!("anna-{model}"), model).await,
            server.tenant(&format!("bert-{model}"), model).await,
        ];
        for tenant in [&a, &b] {
            if model == Model::Database {
                // A copy of a database has its functions, but not who may connect to it.
                let database = server.database_of(tenant).await;
                let grant = format!("grant connect on database {database} to pgbouncer");
                server.superuser("postgres").await.batch_execute(&grant).await.unwrap();
            }
            let mut scope = server.freehold.tenant_db::<TokioPostgres>(tenant).write();
            let insert = "insert into notes (id, text) values (gen_random_uuid(), $1)";
            scope.execute(insert, &[&tenant.slug().as_str()]).await.unwrap();
            scope.commit().await.unwrap();
        }
        for tenant in [&a, &b] {
            let rows = server
                .freehold
                .tenant_db::<TokioPostgres>(tenant)
                .read()
                .query("select text from notes", &[])
                .await
                .unwrap();
            let texts: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
            assert_eq!(texts, [tenant.slug().as_str()]);
        }
    }
    // That it went through the pooler shows when that is gone.
    drop(pooler);
    let tenant = server.tenant("zoe", Model::Shared).await;
    let gone =
        sqlx::query("select text from notes").fetch_all(&mut server.freehold.tenant_db::<Sqlx>(&tenant).read()).await;
    assert!(gone.is_err(), "nothing was between the application and the server");
}
