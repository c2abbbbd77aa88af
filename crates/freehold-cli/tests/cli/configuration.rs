use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::program::Program;

#[test]
fn the_key_is_for_its_owner_alone_and_never_printed() {
    let program = Program::deployed();
    let key = program.path(".freehold/master.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(&key).unwrap().trim().to_owned();
    for arguments in [&["status", "--json"][..], &["up"], &["doctor"]] {
        let run = program.run(arguments);
        assert!(!run.stdout.contains(&secret) && !run.stderr.contains(&secret), "{arguments:?} printed the key");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_refused_until_it_is_forced() {
    let program = Program::deployed();
    let acme = program.json(&["tenant", "create", "acme", "--model", "database"]);
    let password = async || {
        let server = program.connect("postgres").await;
        let login = acme["tenant"]["placement"].as_str().unwrap();
        let row = server.query_one("select rolpassword from pg_authid where rolname = $1", &[&login]).await.unwrap();
        row.get::<_, String>(0)
    };
    let first = password().await;
    program.write(".freehold/master.key", &"ab".repeat(32));
    for arguments in [&["up"][..], &["seal", "rotate"]] {
        let refused = program.run(arguments);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(refused.stderr.contains("was sealed with master key"), "{}", refused.stderr);
    }
    assert_eq!(password().await, first);
    program.ok(&["seal", "rotate", "--force"]);
    program.ok(&["tenant", "sql", "acme", "select 1"]);
    assert_ne!(password().await, first, "the tenant's login has the password of the new key");
}

#[test]
fn a_key_that_is_none_is_named_by_its_file_and_not_shown() {
    let program = Program::deployed();
    program.write(".freehold/master.key", "hunter2\n");
    let run = program.run(&["tenant", "list"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("master.key") && !run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn without_a_key_the_hint_is_init() {
    let program = Program::new();
    let run = program.run(&["status"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("hint: run `freehold init`"), "{}", run.stderr);
    assert!(!program.server_runs());
}

#[test]
fn init_writes_a_first_migration_that_works_as_it_is() {
    let program = Program::new();
    let written = program.json(&["init", "books"])["written"].clone();
    assert!(written.as_array().unwrap().contains(&"migrations/tenant/0001_create_books.sql".into()), "{written}");
    assert_eq!(program.json(&["init", "books"])["written"], serde_json::json!([]), "what is there is left alone");
    assert_eq!(program.json(&["init", "loans"])["written"], serde_json::json!([]), "it is not the first");
    program.ok(&["up"]);
    program.ok(&["tenant", "create", "acme"]);
    program.ok(&["tenant", "sql", "acme", "--write", "insert into books (name) values ('Emma')"]);
    assert_eq!(program.ok(&["check", "--ignore", "FH80"]).trim(), "no findings");
    for name in ["Books", "1st", "books;"] {
        let refused = Program::new().run(&["init", name]);
        assert!(refused.code == Some(1) && refused.stderr.contains("lower-case"), "{refused:#?}");
    }
}

#[test]
fn init_notes_where_the_migrations_are() {
    let program = Program::new();
    let elsewhere = ["--data", "data/here", "--migrations", "app/migrations"];
    program.ok(&[&elsewhere[..], &["init"]].concat());
    let configuration = fs::read_to_string(program.path("data/here/freehold.toml")).unwrap();
    assert!(configuration.contains("\nmigrations = \"../../app/migrations\"\n"), "{configuration}");
    program.ok(&["--data", "data/here", "migrate", "new", "things"]);
    assert!(program.path("app/migrations/tenant/0001_things.sql").exists());
}

#[test]
fn a_wrong_line_of_the_configuration_is_named_and_not_repeated() {
    let program = Program::new();
    program.ok(&["init"]);
    for (wrong, named) in [("catalogue = 'hunter2'", "catalogue"), ("catalog_url = \"hunter2", "line 2")] {
        program.write(".freehold/freehold.toml", &format!("# ours\n{wrong}\n"));
        let run = program.run(&["status"]);
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains("freehold.toml, line 2") && run.stderr.contains(named), "{}", run.stderr);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn a_configured_catalog_that_cannot_be_reached_or_read_is_named_without_its_password() {
    let program = Program::new();
    program.ok(&["init"]);
    for url in ["postgres://freehold_control:hunter2@127.0.0.1:1/freehold_catalog", "nonsense:hunter2"] {
        let run = program.run(&["--catalog-url", url, "tenant", "list"]);
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert!(run.stderr.contains("catalog") && !run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}

#[test]
fn a_deployment_on_a_server_of_somebody_else_is_set_up_with_an_administrators_login() {
    let host = Program::new();
    host.ok(&["init"]);
    let admin = host.ok(&["pg", "start"]).trim().to_owned();
    let control = host.ok(&["pg", "url", "our_catalog", "--user", "freehold_control"]).trim().to_owned();
    let reader = host.ok(&["pg", "url", "our_catalog", "--user", "freehold_reader"]).trim().to_owned();

    let program = Program::new();
    let run = |arguments: &[&str]| {
        let mut command = program.command(arguments);
        command.env("FREEHOLD_CONTROL_URL", &control).env("FREEHOLD_CATALOG_URL", &reader);
        let run = crate::program::Run::of(command);
        assert_eq!(run.code, Some(0), "{run:#?}");
        run.stdout
    };
    let mut up = program.command(&["up", "--admin-url", &admin]);
    up.env("FREEHOLD_CONTROL_URL", &control);
    let up = crate::program::Run::of(up);
    assert!(up.code == Some(0) && up.stderr.contains("give the application FREEHOLD_CATALOG_URL"), "{up:#?}");
    run(&["tenant", "create", "acme", "--model", "database"]);
    assert!(run(&["tenant", "sql", "acme", "select 41 + 1 as answer"]).contains("42"));
    assert!(!program.server_runs(), "no private server is started");
}

#[test]
fn what_cannot_be_understood_is_the_users_to_mend() {
    let program = Program::new();
    assert_eq!(program.run(&["bogus"]).code, Some(1));
    assert_eq!(program.run(&["tenant", "set", "acme"]).code, Some(1));
    assert_eq!(program.run(&["--help"]).code, Some(0));
}
