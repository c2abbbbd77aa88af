//! Finding and getting PostgreSQL.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use freehold_postgres::{Installation, InstallationError, Server, Version};

use crate::support::{Place, sql};

/// A directory of programs of which `postgres` only tells a version.
fn pretend(bin: &Path, version: &str) {
    fs::create_dir_all(bin).unwrap();
    for program in ["postgres", "initdb"] {
        let path = bin.join(program);
        fs::write(&path, format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn an_old_version_is_refused_and_a_future_one_accepted() {
    let place = Place::new();
    pretend(&place.join("14"), "14.20");
    pretend(&place.join("19"), "19devel");
    let error = Installation::at(place.join("14")).unwrap_err();
    assert!(matches!(error, InstallationError::TooOld { .. }), "{error}");
    assert_eq!(Installation::at(place.join("19")).unwrap().version().major(), 19);
}

#[test]
fn a_directory_without_the_programs_is_named() {
    let place = Place::new();
    let error = Installation::at(place.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: has no program `postgres`", place.path().display()));
}

#[test]
fn a_link_to_the_program_leads_to_its_installation() {
    let place = Place::new();
    pretend(&place.join("real/bin"), "16.1");
    fs::create_dir(place.join("links")).unwrap();
    std::os::unix::fs::symlink(place.join("real/bin/postgres"), place.join("links/postgres")).unwrap();
    assert_eq!(Installation::at(place.join("links")).unwrap().bin(), place.join("real/bin"));
}

#[test]
fn a_version_that_nobody_has_is_not_found_and_what_is_there_is_told() {
    let present = Installation::find_or_install(None).unwrap();
    let error = Installation::find(Some(99)).unwrap_err();
    let InstallationError::NotFound { major: Some(99), tried } = &error else { panic!("{error}") };
    let present = format!("{}: is {}", present.bin().display(), present.version());
    assert!(tried.contains(&present), "{error}");
}

#[test]
fn the_configured_directory_comes_first_and_must_be_an_installation() {
    let place = Place::new();
    pretend(&place.join("16"), "16.9");
    let found = found_with_variable(&place.join("16"));
    assert!(found.contains(&format!("found 16.9 in {}", place.join("16").display())), "{found}");
    let found = found_with_variable(&place.join("nothing"));
    assert!(found.contains("nothing: has no program `postgres`"), "{found}");
}

/// What a process finds whose `FREEHOLD_PG_BIN` is `bin`.
fn found_with_variable(bin: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "installation::tells_what_is_found", "--ignored", "--nocapture"])
        .env("FREEHOLD_PG_BIN", bin)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "the body of `found_with_variable`"]
fn tells_what_is_found() {
    match Installation::find(None) {
        Ok(found) => println!("found {} in {}", found.version(), found.bin().display()),
        Err(error) => println!("{error}"),
    }
}

#[test]
fn the_oldest_version_runs() {
    runs(Installation::find_or_install(Some(Version::OLDEST)).unwrap());
}

#[test]
fn the_newest_version_is_downloaded_and_runs() {
    runs(Installation::download(Version::NEWEST).unwrap());
    // The second time it is at hand.
    assert_eq!(Installation::find(Some(Version::NEWEST)).unwrap().version().major(), Version::NEWEST);
}

fn runs(installation: Installation) {
    let major = installation.version().major();
    let place = Place::new();
    let server = place.server().installation(installation).start().unwrap();
    let number: u32 = sql(&server, "show server_version_num").parse().unwrap();
    assert_eq!(number / 10000, major);
    assert_eq!(sql(&server, "select string_agg(c, '' order by c) from unnest('{é,a,B,z}'::text[]) c"), "Bazé");
    assert_eq!(sql(&server, "select upper('é')"), "É");
    server.stop().unwrap();

    // Without being told, a start takes the version that made the data.
    let server = Server::builder(place.join("pg")).durable(false).start().unwrap();
    assert_eq!(sql(&server, "show server_version_num").parse::<u32>().unwrap() / 10000, major);
}
