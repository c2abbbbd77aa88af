//! What `--json` prints.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::check::elsewhere;
use crate::program::{Program, document, schema};

/// The members that documents may have.
fn members(schema: &Value) -> BTreeSet<String> {
    let alternatives = schema["oneOf"].as_array().unwrap();
    let names = alternatives.iter().flat_map(|member| member["properties"].as_object().unwrap().keys());
    names.filter(|name| *name != "version").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_what_the_schema_says() {
    let program = Program::deployed();
    let url = elsewhere(&program).await;
    program.write("migrations/tenant/0002_title.sql", "alter table notes add column title text;\n");
    let commands: &[&[&str]] = &[
        &["init"],
        &["migrate", "status"],
        &["migrate"],
        &["migrate", "verify"],
        &["up"],
        &["status"],
        &["doctor"],
        &["tenant", "create", "acme"],
        &["tenant", "list"],
        &["tenant", "set", "acme", "--plan", "gold"],
        &["tenant", "sql", "acme", "select 1 as one, null as nothing"],
        &["tenant", "exec", "--all", "--", "true"],
        &["tenant", "delete", "acme", "--yes"],
        &["tenant", "show", "acme"],
        &["tenant", "undelete", "acme"],
        &["user", "create", "ann@example.com", "--superuser"],
        &["user", "list"],
        &["cluster", "pooler", "main", "--direct"],
        &["seal", "rotate"],
        &["pg", "url"],
        &["pg", "install"],
        &["check", "--rules"],
        &["check", "--database-url", &url],
        &["check", "--database-url", &url, "--fix", "--dry-run"],
        &["check", "--database-url", &url, "--fix"],
        &["observe", "start", "--database-url", &url],
        &["observe", "report", "--database-url", &url],
        &["observe", "stop", "--database-url", &url],
        &["migrate", "new", "more"],
    ];
    let mut printed = BTreeSet::new();
    for command in commands {
        let run = program.run(&[&["--json"], *command].concat());
        // Problems that were found are an answer like any other.
        assert!(matches!(run.code, Some(0 | 3)), "{command:?}: {run:#?}");
        let document = document(&run.stdout);
        printed.extend(document.as_object().unwrap().keys().filter(|name| *name != "version").cloned());
    }
    // These two take an application that runs, and minutes: unit tests look at them.
    let elsewhere = ["scan", "self_test"].map(ToOwned::to_owned);
    printed.extend(elsewhere);
    assert_eq!(printed, members(&schema()));
}

#[test]
fn what_fails_prints_no_document_but_what_there_is_of_one() {
    let program = Program::deployed();
    let unknown = program.run(&["tenant", "show", "nobody", "--json"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""), "{unknown:#?}");

    program.ok(&["tenant", "create", "acme", "--model", "schema"]);
    program.write("migrations/tenant/0002_broken.sql", "select nonsense;\n");
    let failed = program.run(&["migrate", "--json"]);
    assert_eq!(failed.code, Some(1), "{failed:#?}");
    let failures = document(&failed.stdout)["migrate"]["failures"].as_array().unwrap().clone();
    let retry: BTreeSet<_> = failures.iter().filter_map(|failure| failure["retry"].as_str()).collect();
    assert_eq!(retry, BTreeSet::from(["freehold migrate", "freehold migrate --tenant acme"]));
}
