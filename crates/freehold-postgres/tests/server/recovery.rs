//! What crashes leave behind.

use std::{
    fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    process::{Command, Stdio},
};

use freehold_postgres::Server;

use crate::support::{Place, eventually, is_root, kill, sql, try_sql};

#[test]
fn a_stale_pid_file_does_not_stop_a_start() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    let pid_file = server.data_dir().join("postmaster.pid");
    let content = fs::read_to_string(&pid_file).unwrap();
    server.stop().unwrap();
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    fs::write(&pid_file, content.replacen(content.lines().next().unwrap(), &gone.id().to_string(), 1)).unwrap();
    assert_eq!(sql(&place.server().start().unwrap(), "select 1"), "1");
}

#[test]
fn a_pid_that_is_another_process_now_does_not_stop_a_start() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    let (data, socket_dir) = (server.data_dir(), server.socket_dir().to_owned());
    let content = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    server.stop().unwrap();

    // Of the server's own account, the one case that PostgreSQL itself takes for a running server, and in the data
    // directory, like a shell that someone left there.
    let mut stranger = Command::new("sleep");
    stranger.arg("600").current_dir(&data).stdin(Stdio::null());
    if is_root() {
        let owner = fs::metadata(&data).unwrap();
        stranger.uid(owner.uid()).gid(owner.gid());
    }
    let mut stranger = stranger.spawn().unwrap();
    let content = content.replacen(content.lines().next().unwrap(), &stranger.id().to_string(), 1);
    fs::write(data.join("postmaster.pid"), &content).unwrap();
    fs::write(socket_dir.join(".s.PGSQL.5432.lock"), &content).unwrap();

    assert!(Server::attach(place.join("pg")).is_err());
    assert_eq!(sql(&place.server().start().unwrap(), "select 1"), "1");
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger was harmed");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_killed_postmaster_can_be_started_again_with_a_session_still_busy() {
    let place = Place::new();
    let mut server = Server::builder(place.join("pg")).start().unwrap();
    sql(&server, "create table kept as select 42 as answer");
    let url = server.url("postgres");
    // A loop that never waits does not notice its postmaster's death.
    let busy = std::thread::spawn(move || try_sql(&url, "do $$ begin loop null; end loop; end $$"));
    eventually("the loop runs", || {
        sql(&server, "select count(*) from pg_stat_activity where state = 'active' and query like 'do%'") == "1"
    });
    kill(server.pid());
    eventually("the postmaster is gone", || !server.is_running());

    server.restart().unwrap();
    assert_eq!(sql(&server, "select answer from kept"), "42");
    assert!(busy.join().unwrap().is_err());
}

#[test]
fn a_crashed_server_recovers() {
    let place = Place::new();
    let mut server = Server::builder(place.join("pg")).start().unwrap();
    sql(&server, "create table kept as select 42 as answer");
    server.crash().unwrap();
    assert!(!server.is_running());
    server.restart().unwrap();
    assert_eq!(sql(&server, "select answer from kept"), "42");
}

#[test]
fn an_interrupted_creation_is_begun_anew() {
    let place = Place::new();
    fs::create_dir_all(place.join("pg/data.new/base")).unwrap();
    fs::write(place.join("pg/data.new/PG_VERSION"), "15\n").unwrap();
    assert_eq!(sql(&place.server().start().unwrap(), "select 1"), "1");
}

#[test]
fn a_directory_of_something_else_is_not_touched() {
    let place = Place::new();
    fs::create_dir_all(place.join("pg/data")).unwrap();
    fs::write(place.join("pg/data/thesis.txt"), "irreplaceable").unwrap();
    let error = place.server().start().unwrap_err();
    assert!(matches!(error, freehold_postgres::ServerError::NoData { .. }), "{error}");
    assert_eq!(fs::read_to_string(place.join("pg/data/thesis.txt")).unwrap(), "irreplaceable");
}

#[test]
fn a_short_log_is_kept_over_starts() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    let log = server.log_file();
    let _refused = try_sql(&server.url("no such database"), "select 1").unwrap_err();
    server.stop().unwrap();
    place.server().start().unwrap().stop().unwrap();
    assert!(fs::read_to_string(log).unwrap().contains("no such database"));
}
