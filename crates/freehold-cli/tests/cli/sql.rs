use std::fs;
use std::path::Path;

use crate::program::Program;

#[tokio::test(flavor = "multi_thread")]
async fn sql_runs_as_the_tenant_and_the_audit_has_each_statement() {
    let program = Program::deployed();
    for slug in ["acme", "bolt"] {
        program.ok(&["tenant", "create", slug]);
        program.ok(&["tenant", "sql", slug, "--write", &format!("insert into notes (body) values ('{slug}')")]);
    }
    let rows = program.json(&["tenant", "sql", "acme", "select body from notes", "--reason", "ticket 7"]);
    assert_eq!(rows["rows"], serde_json::json!([{ "body": "acme" }]), "shared tables, and only its own rows");

    let catalog = program.connect("freehold_catalog").await;
    let audit = catalog
        .query("select actor, action, reason, detail ->> 'statement' from catalog.audit order by id desc limit 1", &[])
        .await
        .unwrap();
    let (actor, action): (&str, &str) = (audit[0].get(0), audit[0].get(1));
    assert!(actor.starts_with("cli: "), "{actor}");
    assert_eq!((action, audit[0].get(2), audit[0].get(3)), ("sql, reading", "ticket 7", "select body from notes"));
}

#[test]
fn a_session_for_reading_does_not_write() {
    let program = Program::deployed();
    program.ok(&["tenant", "create", "acme", "--model", "schema"]);
    let refused = program.run(&["tenant", "sql", "acme", "insert into notes (body) values ('x')"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("hint: say --write"), "{}", refused.stderr);
    assert!(program.ok(&["tenant", "sql", "acme", "select body from notes"]).contains("no rows"));
}

#[test]
fn the_forged_context_that_the_documents_show_is_refused_in_their_words() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/ten-minutes.md");
    let page = fs::read_to_string(page).unwrap();
    let command = page.lines().find(|line| line.contains("'forged'")).unwrap();
    let statement = command.split('"').nth(1).unwrap().replace("from expenses", "from notes");
    let answer = page.lines().find(|line| line.starts_with("error: ")).unwrap();

    let program = Program::deployed();
    for model in ["shared", "schema", "database"] {
        let slug = format!("anna-{model}");
        program.ok(&["tenant", "create", &slug, "--model", model]);
        program.ok(&["tenant", "sql", &slug, "--write", "insert into notes (body) values ('x')"]);
        let refused = program.run(&["tenant", "sql", &slug, &statement]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:#?}");
        assert_eq!(refused.stderr.lines().next(), Some(answer), "{model}");
    }
}

#[test]
fn statements_are_read_from_standard_input_until_one_fails() {
    let program = Program::deployed();
    program.ok(&["tenant", "create", "acme"]);
    let script =
        "insert into notes (body)\n  values ('a;b');\n\nselect body\nfrom notes;\nselect broken;\nselect 'never'";
    let run = program.run_with_input(&["tenant", "sql", "acme", "--write"], script);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert_eq!(run.stdout, "no rows\nbody\na;b\n(1 row)\n");
    assert!(run.stderr.contains("column \"broken\" does not exist"), "{}", run.stderr);
}

#[test]
fn half_a_statement_never_runs_and_a_transaction_is_not_the_persons_to_control() {
    let program = Program::deployed();
    program.ok(&["tenant", "create", "acme"]);
    let write = ["tenant", "sql", "acme", "--write"];
    assert_eq!(program.run_with_input(&write, "insert into notes (body) values ('one'), ('two');").code, Some(0));
    let script = "delete from notes -- old ones;\nwhere body = 'two';\n";
    assert_eq!(program.run_with_input(&write, script).code, Some(0));
    let refused = program.run_with_input(&write, "begin;\ndelete from notes;\nrollback;\n");
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("a transaction of its own"), "{}", refused.stderr);
    let rows = program.json(&["tenant", "sql", "acme", "select body from notes"]);
    assert_eq!(rows["rows"], serde_json::json!([{ "body": "one" }]));
}

#[test]
fn values_are_shown_as_the_server_writes_them() {
    let program = Program::deployed();
    program.ok(&["tenant", "create", "acme"]);
    let literals = [
        "0::numeric",
        "12345678901234567890.0100::numeric",
        "-0.00005::numeric",
        "'NaN'::numeric",
        "1e20::numeric",
        "100000000.5::numeric",
        "9223372036854775807",
        "true",
        "'2026-02-29'::text",
        "'1999-12-31'::date",
        "'infinity'::date",
        "'01:02:03.5'::time",
        "'\\x00ff'::bytea",
        "'a'::char(3)",
        "'-infinity'::timestamptz",
        "null::int",
        "'01a1fc26-fcd8-718f-8dd8-d084a2a9b8d6'::uuid",
    ];
    let columns: Vec<String> =
        literals.iter().enumerate().map(|(i, text)| format!("{text} as v{i}, ({text})::text as t{i}")).collect();
    let rows = program.json(&["tenant", "sql", "acme", &format!("select {}", columns.join(", "))]);
    for (i, literal) in literals.iter().enumerate() {
        let (value, text) = (&rows["rows"][0][format!("v{i}")], &rows["rows"][0][format!("t{i}")]);
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let expected = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        assert_eq!(shown.trim_end(), expected.trim_end(), "{literal}");
    }
    let others = program.json(&[
        "tenant",
        "sql",
        "acme",
        "select array[[1,2],[3,4]] as a, '{\"k\":[1]}'::jsonb as j, '1 day'::interval as i",
    ]);
    assert_eq!(others["rows"][0]["j"], serde_json::json!({ "k": [1] }));
    assert_eq!(others["rows"][0]["i"], "<interval>");
}
