//! Commands of others with a login for one tenant.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

use nix::pty::openpty;
use nix::sys::signal::Signal;

use crate::program::{Program, Run, document, lives, within};

/// Two tenants of each model, with a note each.
fn with_tenants(models: &[&str]) -> Program {
    let program = Program::deployed();
    for model in models {
        for name in ["anna", "bert"] {
            let slug = format!("{name}-{model}");
            program.ok(&["tenant", "create", &slug, "--model", model]);
            let note = format!("insert into notes (body) values ('the note of {slug}')");
            program.ok(&["tenant", "sql", &slug, "--write", &note]);
        }
    }
    program
}

const MODELS: &[&str] = &["shared", "schema", "database"];

/// Whether a program of PostgreSQL is here. Without it a test says so and passes.
fn is_here(program: &str) -> bool {
    let here = Command::new(program).arg("--version").output().is_ok();
    if !here {
        eprintln!("{program} is not installed: nothing was tested with it");
    }
    here
}

/// No login of a guest is left on the server.
async fn assert_no_guest_is_left(program: &Program) {
    let server = program.connect("postgres").await;
    let left: i64 =
        server.query_one("select count(*) from pg_roles where rolname like 'g\\_%'", &[]).await.unwrap().get(0);
    assert_eq!(left, 0, "a login is left over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_learns_from_its_environment_how_to_reach_its_tenant_and_nothing_more() {
    let program = with_tenants(&["schema"]);
    let script =
        "echo $FREEHOLD_TENANT $FREEHOLD_TENANT_ID $PGDATABASE $PGUSER $PGSERVICE.$FREEHOLD_MASTER_KEY. $PGOPTIONS";
    let mut command = program.command(&["tenant", "exec", "anna-schema", "--", "sh", "-c", script]);
    command.env("PGSERVICE", "elsewhere").env("PGUSER", "postgres").env("FREEHOLD_MASTER_KEY", "secret");
    let run = Run::of(command);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let tenant = program.json(&["tenant", "show", "anna-schema"])["tenant"].clone();
    let (id, placement) = (tenant["id"].as_str().unwrap(), tenant["placement"].as_str().unwrap());
    let words: Vec<&str> = run.stdout.split_whitespace().collect();
    assert_eq!(words[..3], ["anna-schema", id, "freehold_data"]);
    assert!(words[3].starts_with("g_"), "{words:?}");
    assert_eq!(words[4], "..", "neither somebody's service nor a key: {words:?}");
    assert!(run.stdout.contains(&format!("search_path={placement},pg_temp")), "{}", run.stdout);
    assert_no_guest_is_left(&program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_commands_and_its_login_is_gone_however_it_ends() {
    let program = with_tenants(&["shared"]);
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)] {
        let run = program.run(&["tenant", "exec", "anna-shared", "--", "sh", "-c", script]);
        assert_eq!(run.code, Some(code), "{script}: {run:#?}");
        assert_no_guest_is_left(&program).await;
    }
    let missing = program.run(&["tenant", "exec", "anna-shared", "--", "no-such-program"]);
    assert!(missing.code == Some(1) && missing.stderr.contains("cannot run no-such-program"), "{missing:#?}");
    let unknown = program.run(&["tenant", "exec", "nobody", "--", "true"]);
    assert!(unknown.code == Some(1) && unknown.stderr.contains("there is no tenant nobody"), "{unknown:#?}");
    assert_eq!(program.run(&["tenant", "exec", "anna-shared"]).code, Some(1), "no command");
    assert_eq!(program.run(&["tenant", "exec", "anna-shared", "--all", "--", "true"]).code, Some(1), "one or all");
    assert_no_guest_is_left(&program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_several_tenants_a_command_runs_one_after_the_other_and_a_failure_is_told_at_the_end() {
    let program = with_tenants(MODELS);
    let all = program.run(&["tenant", "exec", "--all", "--", "sh", "-c", "echo $FREEHOLD_TENANT"]);
    assert_eq!((all.code, all.stdout.lines().count()), (Some(0), 6), "{all:#?}");
    assert!(all.stderr.contains("done for 6 tenants"), "{}", all.stderr);

    let some = ["tenant", "exec", "--where", "slug like 'bert%'", "--", "sh", "-c"];
    let failing = "echo $FREEHOLD_TENANT; [ $FREEHOLD_TENANT != bert-schema ] || exit 9";
    let run = program.run(&[&some[..], &[failing]].concat());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert_eq!(run.stdout, "bert-database\nbert-schema\nbert-shared\n", "one that fails does not stop the others");
    assert!(run.stderr.contains("failed for 1 of 3 tenants:\nbert-schema: exit code 9"), "{}", run.stderr);

    let json = program.run(&[&["--json"], &some[..], &[failing]].concat());
    let ends = document(&json.stdout)["exec"].clone();
    assert_eq!(ends[1], serde_json::json!({ "slug": "bert-schema", "code": 9, "error": null }), "{ends}");
    assert!(json.stderr.contains("bert-shared"), "what the command prints goes to standard error");

    program.ok(&["tenant", "set", "bert-shared", "--read-only"]);
    let write = program.run(&["tenant", "exec", "--all", "--write", "--", "true"]);
    assert!(write.code == Some(1) && write.stderr.contains("bert-shared is read_only"), "{write:#?}");
    let wrong = program.run(&["tenant", "exec", "--where", "nonsense", "--", "true"]);
    assert!(wrong.code == Some(1) && wrong.stderr.contains("plan = 'pro'"), "{wrong:#?}");
    assert_no_guest_is_left(&program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_works_with_the_rows_of_one_tenant_under_every_model() {
    if !is_here("psql") {
        return;
    }
    let program = with_tenants(MODELS);
    for model in MODELS {
        let slug = format!("anna-{model}");
        let psql = |flags: &[&str], sql: &str| {
            program.run(&[&["tenant", "exec", &slug][..], flags, &["--", "psql", "-XAtq", "-c", sql]].concat())
        };
        assert_eq!(psql(&[], "select body from notes").stdout, format!("the note of {slug}\n"));
        let refused = psql(&[], "insert into notes (body) values ('new')");
        assert!(refused.code == Some(1) && refused.stderr.contains("read-only"), "{model}: {refused:#?}");
        let written = psql(&["--write"], "insert into notes (body) values ('new') returning body");
        assert_eq!(written.stdout, "new\n", "{model}: {written:#?}");

        // COPY, which needs a client that speaks its protocol.
        let bert = program.json(&["tenant", "show", &format!("bert-{model}")])["tenant"]["placement"].clone();
        let copied = psql(&[], &format!("copy {}.notes to stdout", bert.as_str().unwrap()));
        assert!(!copied.stdout.contains("bert") && !copied.stderr.contains("note of bert"), "{model}: {copied:#?}");
        let loaded = psql(&["--write"], "copy notes (body) from program 'echo planted'");
        assert_ne!(loaded.code, Some(0), "{model}: {loaded:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_one_tenant_are_copied_as_of_one_moment() {
    if !is_here("psql") {
        return;
    }
    let program = with_tenants(MODELS);
    for model in MODELS {
        let slug = format!("anna-{model}");
        let exec = |flags: &[&str], script: &str| {
            program.run(&[&["tenant", "exec", &slug][..], flags, &["--", "sh", "-c", script]].concat())
        };
        let copy = "psql -Xq -v ON_ERROR_STOP=1 <<'SQL'\nbegin isolation level repeatable read, read only;\n\
                    \\copy (select * from notes) to notes.copy\ncommit;\nSQL";
        let copied = exec(&[], copy);
        assert_eq!(copied.code, Some(0), "{model}: {copied:#?}");
        let text = std::fs::read_to_string(program.path("notes.copy")).unwrap();
        assert!(text.contains(&format!("the note of {slug}")) && !text.contains("bert"), "{model}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pg_dump_writes_the_tables_of_a_tenant_and_not_its_rows() {
    if !is_here("pg_dump") {
        return;
    }
    let program = with_tenants(&["schema"]);
    let dump = |what: &str| {
        let script = format!("pg_dump --enable-row-security --schema $FREEHOLD_PLACEMENT {what}");
        program.run(&["tenant", "exec", "anna-schema", "--", "sh", "-c", &script])
    };
    let tables = dump("--schema-only");
    assert!(tables.code == Some(0) && tables.stdout.contains(".notes ("), "{tables:#?}");
    // It forbids the server to read any view, and the policies read one (PostgreSQL: restrict_nonsystem_relation_kind). One
    // that is too old to do so writes the tenant's rows.
    let rows = dump("--data-only");
    assert!(rows.code != Some(0) || rows.stdout.contains("the note of anna-schema"), "{rows:#?}");
    assert!(!rows.stdout.contains("bert"), "{rows:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_command_and_its_login() {
    let program = with_tenants(&["shared"]);
    let service = "trap 'echo asked; exit 5' TERM INT; echo begun; while :; do sleep 0.05; done";
    for arguments in [&["anna-shared"][..], &["--all"]] {
        let exec = program.start(&[&["tenant", "exec"], arguments, &["--", "sh", "-c", service]].concat());
        exec.line("begun");
        exec.signal(Signal::SIGTERM);
        exec.line("asked");
        assert_eq!(exec.ended(), Some(128 + Signal::SIGTERM as i32), "{arguments:?}: for the others it is not begun");
        assert_no_guest_is_left(&program).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_leaves_behind_the_next_command_sweeps() {
    let program = with_tenants(&["shared"]);
    let exec = program.start(&["tenant", "exec", "anna-shared", "--", "sh", "-c", "echo pid $$; exec sleep 600"]);
    let pid = exec.line("pid ").split_off(4);
    exec.signal(Signal::SIGKILL);
    exec.ended();
    within("the command learns that its parent was killed", || !lives(&pid));
    let catalog = program.connect("freehold_catalog").await;
    let left = catalog.execute("update catalog.guests set good_until = now() - interval '1 second'", &[]).await;
    assert_eq!(left.unwrap(), 1);
    program.ok(&["tenant", "exec", "bert-shared", "--", "true"]);
    assert_no_guest_is_left(&program).await;
}

#[test]
fn a_command_reads_from_the_terminal_that_it_is_run_on() {
    let program = with_tenants(&["shared"]);
    let terminal = openpty(None, None).unwrap();
    let mut command =
        program.command(&["tenant", "exec", "anna-shared", "--", "sh", "-c", "read word; echo got $word"]);
    let command = command.stdin(terminal.slave).stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    File::from(terminal.master.try_clone().unwrap()).write_all(b"hello\n").unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "got hello\n"), "{run:#?}");
}
