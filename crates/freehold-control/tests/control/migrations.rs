use std::fs;

use freehold_control::{ControlError, Migrations};
use tempfile::TempDir;

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (file, sql) in files {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, sql).unwrap();
    }
    directory
}

fn refused(files: &[(&str, &str)]) -> String {
    match Migrations::read(directory(files).path()) {
        Err(error @ ControlError::InvalidMigration { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_are_read_in_order_with_their_headers() {
    let files = directory(&[
        ("tenant/0002_b.sql", "-- freehold: no-transaction\nselect 2"),
        ("tenant/0001_a.sql", "select 1"),
        ("tenant/0001_a.down.sql", "select -1"),
        ("tenant/README.md", "nothing to run"),
        ("shared/0001_c.sql", "-- freehold: backfill\nselect 3"),
    ]);
    let migrations = Migrations::read(files.path()).unwrap();
    let names: Vec<String> = migrations.tenant.iter().map(|migration| migration.file_name()).collect();
    assert_eq!(names, ["0001_a.sql", "0002_b.sql"]);
    assert!(
        migrations.tenant[1].no_transaction && !migrations.tenant[0].no_transaction && migrations.shared[0].backfill
    );
}

#[test]
fn a_number_that_is_missing_or_there_twice_is_named() {
    assert!(refused(&[("tenant/0001_a.sql", ""), ("tenant/0003_c.sql", "")]).contains("0003_c.sql"));
    let twice = refused(&[("tenant/0001_a.sql", ""), ("tenant/0001_b.sql", "")]);
    assert!(twice.contains("0001_a.sql") && twice.contains("0001_b.sql"), "{twice}");
}

#[test]
fn names_that_would_be_passed_over_are_refused() {
    for file in [
        "tenant/1_a.sql",
        "tenant/0001-a.sql",
        "tenant/0001_A.sql",
        "tenant/0000_a.sql",
        "tenant/+001_a.sql",
        "tenant/0001_.sql",
    ] {
        assert!(refused(&[(file, "")]).contains(file.trim_start_matches("tenant/")), "{file}");
    }
}

#[test]
fn a_header_that_nobody_knows_is_named() {
    let text = refused(&[("tenant/0001_a.sql", "-- freehold: notransaction\nselect 1")]);
    assert!(text.contains("notransaction"), "{text}");
}

#[test]
fn a_file_that_ends_the_transaction_it_runs_in_is_refused_with_its_line() {
    let text = refused(&[("tenant/0001_a.sql", "create table x (id int);\n\nCommit;\n")]);
    assert!(text.contains("0001_a.sql") && text.contains("line 3"), "{text}");
    refused(&[("tenant/0001_a.sql", "begin; select 1;")]);
    directory_is_fine(&[("tenant/0001_a.sql", "-- freehold: no-transaction\nbegin; select 1; commit")]);
    directory_is_fine(&[("tenant/0001_a.sql", "do $$ begin perform 1; end $$")]);
}

fn directory_is_fine(files: &[(&str, &str)]) {
    Migrations::read(directory(files).path()).unwrap();
}

#[test]
fn an_undoing_file_without_its_migration_is_refused() {
    assert!(refused(&[("tenant/0001_a.down.sql", "")]).contains("0001_a.down.sql"));
}

#[test]
fn a_new_migration_takes_the_next_number_and_writes_over_nothing() {
    let files = directory(&[("tenant/0001_a.sql", "select 1")]);
    let path = Migrations::create(files.path(), "add_notes").unwrap();
    assert!(path.ends_with("tenant/0002_add_notes.sql"));
    let empty = Migrations::read(files.path()).unwrap_err().to_string();
    assert!(empty.contains("0002_add_notes.sql: has no statement yet"), "{empty}");
    std::fs::write(path, "select 2;").unwrap();
    assert_eq!(Migrations::read(files.path()).unwrap().tenant.len(), 2);
    assert!(matches!(Migrations::create(files.path(), "../evil"), Err(ControlError::InvalidMigration { .. })));
}
