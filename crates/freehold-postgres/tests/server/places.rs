//! Directories that are far away, oddly named, or out of reach.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
};

use freehold_postgres::{Server, ServerError, reachable_state_dir};
use tempfile::TempDir;

use crate::support::{Place, is_root, sql};

/// A directory that its owner alone may enter.
fn closed_directory() -> TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

#[test]
fn a_long_path_gets_a_short_socket_directory() {
    let place = Place::new();
    let deep = place.join(&"a directory with a long name/".repeat(6));
    let server = Server::builder(&deep).durable(false).start().unwrap();
    assert_eq!(sql(&server, "select 1"), "1");
    assert!(!server.socket_dir().starts_with(place.path()));
    assert_eq!(fs::metadata(server.socket_dir()).unwrap().permissions().mode() & 0o777, 0o700);
    let attached = Server::attach(&deep).unwrap();
    assert_eq!(sql(&attached, "select 1"), "1");

    let socket_dir = server.socket_dir().to_owned();
    server.stop().unwrap();
    assert!(!socket_dir.exists(), "a directory outside the state directory was left behind");
}

#[test]
fn odd_names_work() {
    let place = Place::new();
    for name in ["it's", r"back\slash", r#"quo"te"#, "com,ma", "#hash", "per%cent", "ünï"] {
        let server = Server::builder(place.join(name)).durable(false).start().unwrap();
        // libpq takes a comma for a list of hosts.
        assert!(!server.socket_dir().to_string_lossy().contains(','));
        assert_eq!(sql(&server, "select 1"), "1", "{name}");
    }
}

#[test]
fn a_path_with_a_line_break_is_refused() {
    let place = Place::new();
    let error = Server::builder(place.join("a\nb")).start().unwrap_err();
    assert!(matches!(error, ServerError::UnusablePath { .. }), "{error}");
}

#[test]
fn a_link_to_the_directory_is_the_same_server() {
    let place = Place::new();
    std::os::unix::fs::symlink(place.join("pg"), place.join("link")).unwrap();
    let server = place.server().start().unwrap();
    assert!(matches!(Server::builder(place.join("link")).start(), Err(ServerError::AlreadyRunning { .. })));
    assert_eq!(Server::attach(place.join("link")).unwrap().pid(), server.pid());
}

#[test]
fn a_directory_that_root_closed_is_named_before_anything_is_made() {
    let closed = closed_directory();
    let preferred = closed.path().join("clone/.freehold/postgres");
    if !is_root() {
        // Our own directories do not keep us out.
        assert_eq!(reachable_state_dir(&preferred), preferred);
        return;
    }
    let error = Server::builder(&preferred).start().unwrap_err();
    let ServerError::Unreachable { barrier, .. } = &error else { panic!("{error}") };
    assert_eq!(barrier, closed.path());
    assert!(!closed.path().join("clone").exists());

    let chosen = reachable_state_dir(&preferred);
    assert!(chosen.starts_with("/var/lib/freehold"), "{}", chosen.display());
    assert_eq!(chosen, reachable_state_dir(&preferred));
    let server = Server::builder(&chosen).durable(false).start().unwrap();
    assert_eq!(sql(&server, "select 1"), "1");
    server.stop().unwrap();
    fs::remove_dir_all(chosen).unwrap();
}

#[test]
fn a_closed_directory_can_itself_be_the_state_directory() {
    let directory = closed_directory();
    assert_eq!(reachable_state_dir(directory.path()), directory.path());
    let server = Server::builder(directory.path()).durable(false).start().unwrap();
    assert_eq!(sql(&server, "select 1"), "1");
}

#[test]
fn a_configuration_file_of_the_servers_account_is_never_followed() {
    let place = Place::new();
    let server = place.server().start().unwrap();
    let data = server.data_dir();
    server.stop().unwrap();
    let victim = place.join("victim");
    fs::write(&victim, "untouched").unwrap();
    for file in ["postmaster.pid", "pg_hba.conf"] {
        let file = data.join(file);
        let _absent = fs::remove_file(&file);
        std::os::unix::fs::symlink(&victim, file).unwrap();
    }
    assert_eq!(sql(&place.server().start().unwrap(), "select 1"), "1");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
}

#[test]
fn data_keep_the_account_they_were_made_by() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    place.server().start().unwrap().stop().unwrap();
    let other = "65533";
    let status = Command::new("chown").args(["-R", other]).arg(place.join("pg/data")).status().unwrap();
    assert!(status.success());
    let server = place.server().start().unwrap();
    assert_eq!(sql(&server, "select 1"), "1");
    let owner = fs::metadata(format!("/proc/{}", server.pid())).unwrap().uid();
    assert_eq!(owner.to_string(), other);
}

#[test]
fn a_relative_path_is_taken_from_the_working_directory() {
    let chosen = reachable_state_dir(Path::new("some/where"));
    assert!(chosen == Path::new("some/where") || chosen.starts_with("/var/lib/freehold"));
}
