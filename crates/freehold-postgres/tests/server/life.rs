//! Start, use, stop.

use std::{net::TcpStream, os::unix::fs::PermissionsExt};

use freehold_postgres::{Installation, Server, ServerError};

use crate::support::{Place, sql, try_sql};

#[test]
fn a_server_starts_from_nothing_and_stops() {
    let place = Place::new();
    let mut server = place.server().start().unwrap();
    assert!(server.is_running());
    assert_eq!(sql(&server, "select current_user"), "postgres");

    let url = server.url("postgres");
    server.stop().unwrap();
    assert!(try_sql(&url, "select 1").is_err());
    assert!(matches!(Server::attach(place.join("pg")), Err(ServerError::NotRunning { .. })));
}

#[test]
fn a_dropped_handle_stops_its_server() {
    let place = Place::new();
    drop(place.server().start().unwrap());
    assert!(matches!(Server::attach(place.join("pg")), Err(ServerError::NotRunning { .. })));
}

#[test]
fn a_restart_keeps_the_data() {
    let place = Place::new();
    let mut server = place.server().start().unwrap();
    sql(&server, "create table kept as select 42 as answer");
    let first = server.pid();
    server.restart().unwrap();
    assert_ne!(server.pid(), first);
    assert_eq!(sql(&server, "select answer from kept"), "42");
    server.stop().unwrap();

    let server = place.server().start().unwrap();
    assert_eq!(sql(&server, "select answer from kept"), "42");
}

#[test]
fn data_that_last_are_synced_and_checked() {
    let place = Place::new();
    let server = Server::builder(place.join("pg")).setting("shared_buffers", "16MB").start().unwrap();
    for setting in ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"] {
        assert_eq!(sql(&server, &format!("show {setting}")), "on", "{setting}");
    }
}

#[test]
fn a_server_for_tests_does_not_sync() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(sql(&server, &format!("show {setting}")), "off", "{setting}");
    }
}

#[test]
fn the_settings_fit_many_schemas_and_hide_parameters() {
    let place = Place::new();
    let server = place.server().setting("max_connections", 77).setting("app.note", r"it's a \ note").start().unwrap();
    for (setting, value) in [
        ("max_connections", "77"),
        ("app.note", r"it's a \ note"),
        ("max_locks_per_transaction", "1024"),
        ("max_prepared_transactions", "0"),
        ("wal_level", "logical"),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("password_encryption", "scram-sha-256"),
        ("temp_file_limit", "1GB"),
        ("server_encoding", "UTF8"),
        ("unix_socket_permissions", "0700"),
    ] {
        assert_eq!(sql(&server, &format!("show {setting}")), value, "{setting}");
    }
}

#[test]
fn text_sorts_by_code_point_and_case_follows_unicode() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    assert_eq!(sql(&server, "select string_agg(c, '' order by c) from unnest('{é,a,B,z}'::text[]) c"), "Bazé");
    assert_eq!(sql(&server, "select upper('é')"), "É");
}

#[test]
fn a_private_server_has_a_closed_socket_directory_and_no_tcp() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(server.socket_dir()), 0o700);
    assert_eq!(mode(&server.data_dir()), 0o700);
    assert_eq!(mode(&server.log_file()), 0o600);
    assert_eq!(sql(&server, "show listen_addresses"), "");
}

#[test]
fn tcp_asks_for_a_password() {
    let place = Place::new();
    let server = place.server().tcp(true).start().unwrap();
    sql(&server, "create role visitor login password 'right'");
    let url = |password| format!("postgresql://visitor:{password}@127.0.0.1:{}/postgres", server.port());
    assert_eq!(try_sql(&url("right"), "select 1").unwrap(), "1");
    let refused = try_sql(&url("wrong"), "select 1").unwrap_err();
    assert_eq!(refused.code(), Some(&tokio_postgres::error::SqlState::INVALID_PASSWORD));
}

#[test]
fn a_role_that_changes_its_password_is_not_locked_out_of_the_socket() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    sql(&server, "create role tenant login; set role tenant; alter role tenant password 'chosen by a tenant'");
    let url = server.url("postgres").replace("user=postgres", "user=tenant");
    assert_eq!(try_sql(&url, "select current_user").unwrap(), "tenant");
}

#[test]
fn a_taken_port_is_named() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = place.server().tcp(true).port(port).start().unwrap_err();
    assert!(matches!(error, ServerError::PortTaken { port: named, .. } if named == port), "{error}");

    drop(taken);
    let server = place.server().tcp(true).port(port).start().unwrap();
    assert_eq!(server.port(), port);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
}

#[test]
fn a_server_that_gives_up_tells_the_end_of_its_log() {
    let place = Place::new();
    let error = place.server().setting("work_mem", "a lot").start().unwrap_err();
    assert!(matches!(error, ServerError::StartFailed { .. }), "{error}");
    assert!(error.to_string().contains(r#"invalid value for parameter "work_mem": "a lot""#), "{error}");
    assert!(place.server().start().is_ok(), "the failed start left something behind");
}

#[test]
fn both_drivers_read_the_url() {
    let place = Place::new();
    let server = Server::builder(place.join("a b%ü")).durable(false).start().unwrap();
    sql(&server, r#"create database "a/b?c""#);
    let url = server.url("a/b?c");
    assert_eq!(try_sql(&url, "select current_database()").unwrap(), "a/b?c");

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database: String = runtime.block_on(async {
        use sqlx::Connection;
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        sqlx::query_scalar("select current_database()::text").fetch_one(&mut connection).await.unwrap()
    });
    assert_eq!(database, "a/b?c");
}

#[test]
fn data_of_another_version_are_left_alone() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    let version = server.data_dir().join("PG_VERSION");
    server.stop().unwrap();
    std::fs::write(version, "14\n").unwrap();
    let asked = Installation::find(None).unwrap();
    let error = place.server().installation(asked).start().unwrap_err();
    assert!(matches!(error, ServerError::OtherVersion { major: 14, .. }), "{error}");
}
