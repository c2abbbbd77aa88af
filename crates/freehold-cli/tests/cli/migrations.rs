use crate::program::Program;

#[test]
fn a_broken_migration_names_its_file_and_line_and_leaves_nothing() {
    let program = Program::deployed();
    program.ok(&["tenant", "create", "acme", "--model", "schema"]);
    program.write(
        "migrations/tenant/0002_broken.sql",
        "create table half (tenant_id uuid not null);\n\nselect nonsense;\n",
    );

    let pending = program.json(&["migrate", "status"]);
    assert_eq!(pending["databases"][0]["pending"][0]["migrations"][0], "0002_broken.sql", "{pending}");
    let failed = program.run(&["migrate"]);
    assert_eq!(failed.code, Some(1), "{failed:#?}");
    for part in ["0002_broken.sql", "line 3", "nonsense", "freehold migrate --tenant acme"] {
        assert!(failed.stderr.contains(part), "{part} is not in: {}", failed.stderr);
    }

    program.write("migrations/tenant/0002_broken.sql", "alter table notes add column title text;\n");
    let report = program.json(&["migrate"]);
    assert_eq!(
        (&report["migrate"]["applied"], &report["migrate"]["failures"]),
        (&2.into(), &serde_json::json!([])),
        "{report}"
    );
    assert!(program.ok(&["tenant", "sql", "acme", "select title from notes"]).contains("no rows"));
    let half = program.run(&["tenant", "sql", "acme", "select * from half"]);
    assert!(half.stderr.contains("does not exist"), "{half:#?}");
}

#[test]
fn one_tenant_can_be_migrated_by_itself() {
    let program = Program::deployed();
    for slug in ["one", "two"] {
        program.ok(&["tenant", "create", slug, "--model", "schema"]);
    }
    program.write("migrations/tenant/0002_title.sql", "alter table notes add column title text;\n");
    assert_eq!(program.json(&["migrate", "--tenant", "one"])["migrate"]["applied"], 1);
    assert_eq!(program.json(&["status"])["status"]["behind"], 2, "the shared placement and the other tenant");
    program.ok(&["tenant", "sql", "one", "select title from notes"]);
    assert_eq!(program.run(&["tenant", "sql", "two", "select title from notes"]).code, Some(1));
}

#[test]
fn a_new_migration_gets_the_next_number_and_a_name_that_is_none_is_refused() {
    let program = Program::new();
    assert_eq!(program.json(&["migrate", "new", "one"])["created"], "migrations/tenant/0001_one.sql");
    assert_eq!(
        program.ok(&["--migrations", "elsewhere", "migrate", "new", "one"]).trim(),
        "elsewhere/tenant/0001_one.sql"
    );
    assert_eq!(program.ok(&["migrate", "new", "two"]).trim(), "migrations/tenant/0002_two.sql");
    let refused = program.run(&["migrate", "new", "Add-Title"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("Add-Title"), "{}", refused.stderr);
}

#[test]
fn a_migration_that_says_nothing_yet_is_refused_by_its_name() {
    let program = Program::deployed();
    program.ok(&["migrate", "new", "create_things"]);
    let run = program.run(&["migrate"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stderr.contains("0002_create_things.sql: has no statement yet"), "{}", run.stderr);
    // Whoever migrates nothing is not kept by it.
    program.ok(&["status"]);
    program.ok(&["tenant", "list"]);
    // The next one may be begun meanwhile.
    assert!(program.ok(&["migrate", "new", "create_more"]).contains("0003_create_more.sql"));
}
