use freehold_postgres::{Server, tests_state_dir};
use serde_json::Value;

use crate::program::{NOTES, Program};

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_set_up_used_checked_and_taken_down() {
    let program = Program::new();

    let written = program.ok(&["init"]);
    assert!(written.contains("master.key") && written.contains("migrations/tenant"), "{written}");
    assert_eq!(program.ok(&["init"]), "\n", "what is there is left alone");

    let early = program.run(&["tenant", "list"]);
    assert_eq!(early.code, Some(1));
    assert!(early.stderr.contains("hint: run `freehold up`"), "{}", early.stderr);

    assert_eq!(program.ok(&["migrate", "new", "notes"]).trim(), "migrations/tenant/0001_notes.sql");
    program.write("migrations/tenant/0001_notes.sql", NOTES);
    let environment = program.ok(&["up"]);
    assert!(environment.contains("export FREEHOLD_CATALOG_URL='postgresql:///freehold_catalog?"), "{environment}");

    for model in ["shared", "schema", "database"] {
        let slug = format!("of-{model}");
        let created = program.json(&["tenant", "create", &slug, "--model", model, "--name", "Somebody"]);
        assert_eq!(created["tenant"]["status"], "active", "{created}");
    }
    let tenants = program.json(&["tenant", "list"]);
    let models: Vec<_> =
        tenants["tenants"].as_array().unwrap().iter().map(|tenant| (&tenant["slug"], &tenant["model"])).collect();
    assert_eq!(models.len(), 3, "{tenants}");
    assert!(
        models.iter().all(|(slug, model)| slug.as_str() == Some(&format!("of-{}", model.as_str().unwrap()))),
        "{tenants}"
    );

    for model in ["shared", "schema", "database"] {
        let insert = format!("insert into notes (body) values ('from {model}')");
        program.ok(&["tenant", "sql", &format!("of-{model}"), "--write", &insert]);
    }
    for model in ["shared", "schema", "database"] {
        let rows = program.json(&["tenant", "sql", &format!("of-{model}"), "select body from notes"]);
        assert_eq!(rows["rows"], serde_json::json!([{ "body": format!("from {model}") }]));
    }

    assert!(program.ok(&["tenant", "suspend", "of-shared", "--reason", "unpaid"]).contains("suspended"));
    assert_eq!(program.json(&["tenant", "resume", "of-shared"])["tenant"]["status"], "active");
    let set = program.json(&["tenant", "set", "of-schema", "--plan", "gold", "--name", "Renamed"]);
    assert_eq!((set["tenant"]["plan"].as_str(), set["tenant"]["name"].as_str()), (Some("gold"), Some("Renamed")));

    assert_eq!(program.json(&["tenant", "rename", "of-schema", "renamed"])["tenant"]["slug"], "renamed");
    let reserved = program.run(&["tenant", "create", "of-schema"]);
    assert!(reserved.code == Some(1) && reserved.stderr.contains("of-schema is reserved"), "{reserved:#?}");
    assert!(program.ok(&["tenant", "sql", "renamed", "select body from notes"]).contains("from schema"));
    program.ok(&["tenant", "rename", "renamed", "of-schema"]);

    let status = program.json(&["status"])["status"].clone();
    assert_eq!(status["behind"], 0);
    assert_eq!(status["overview"]["tenants"].as_array().unwrap().len(), 3);
    assert!(program.ok(&["migrate", "status"]).contains("nothing pending"));

    assert!(program.ok(&["cluster", "pooler", "main", "[::1]:6432"]).contains("through the pooler at [::1]:6432"));
    assert_eq!(program.json(&["status"])["status"]["overview"]["clusters"][0]["pooler"], "[::1]:6432");
    let nowhere = program.run(&["tenant", "sql", "of-schema", "select 1"]);
    assert!(nowhere.code == Some(1) && nowhere.stderr.contains("cannot connect"), "{nowhere:#?}");
    assert_eq!(program.json(&["cluster", "pooler", "main", "--direct"])["cluster"]["pooler"], Value::Null);
    let unknown = program.run(&["cluster", "pooler", "other", "--direct"]);
    assert!(unknown.code == Some(1) && unknown.stderr.contains("there is no cluster other"), "{unknown:#?}");
    assert_eq!(program.run(&["cluster", "pooler", "main", "pooler"]).code, Some(1), "no port");

    assert_eq!(program.ok(&["check", "--ignore", "FH80"]).trim(), "no findings");
    let placement = program.json(&["tenant", "show", "of-schema"])["tenant"]["placement"].as_str().unwrap().to_owned();
    let fault = format!("alter table {placement}.notes no force row level security");
    program.connect("freehold_data").await.batch_execute(&fault).await.unwrap();
    let found = program.run(&["check", "--json"]);
    assert_eq!(found.code, Some(3), "{found:#?}");
    assert!(found.stdout.contains(&format!("{placement}.notes")), "{}", found.stdout);

    let rotated = program.json(&["seal", "rotate"]);
    let generations: Vec<_> =
        rotated["rotated"].as_array().unwrap().iter().map(|row| row["generation"].as_i64()).collect();
    assert_eq!(generations, [Some(2), Some(2)], "the data database and the tenant's own: {rotated}");
    assert!(program.ok(&["tenant", "sql", "of-database", "select count(*) from notes"]).contains("(1 row)"));

    let unconfirmed = program.run(&["tenant", "delete", "of-database"]);
    assert_eq!(unconfirmed.code, Some(1), "{unconfirmed:#?}");
    program.ok(&["tenant", "delete", "of-shared", "--yes"]);
    assert!(program.ok(&["tenant", "show", "of-shared"]).contains("erased     after 2"));
    assert_eq!(program.json(&["tenant", "undelete", "of-shared"])["tenant"]["status"], "active");
    program.ok(&["tenant", "delete", "of-shared", "--yes"]);
    assert_eq!(program.json(&["tenant", "show", "of-shared"])["tenant"]["status"], "deleting");
    program.ok(&["tenant", "delete", "of-database", "--yes", "--grace-days", "0"]);
    let gone = program.run(&["tenant", "show", "of-database"]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.stderr.contains("there is no tenant of-database"), "{}", gone.stderr);

    assert!(program.server_runs(), "`up` without a command leaves the server running");
    program.ok(&["pg", "stop"]);
    assert!(!program.server_runs());
    assert_eq!(
        program.json(&["tenant", "list"])["tenants"].as_array().unwrap().len(),
        2,
        "a command starts the server it needs"
    );
    assert!(!program.server_runs(), "and stops it");
}

#[test]
fn the_server_that_tests_left_is_stopped_and_the_deployments_own_is_not() {
    let program = Program::new();
    program.ok(&["pg", "start"]);
    let state = tests_state_dir(program.path("build"), 15);
    Server::builder(&state).durable(false).start().unwrap().detach().unwrap();

    let stopped = program.run(&["pg", "stop", "--tests", "build"]);
    assert_eq!(stopped.code, Some(0), "{stopped:#?}");
    assert!(stopped.stderr.contains("PostgreSQL 15 stopped in"), "{}", stopped.stderr);
    assert!(Server::attach(&state).is_err());
    assert!(program.server_runs());
    let none = program.run(&["pg", "stop", "--tests"]);
    assert!(none.code == Some(0) && none.stderr.contains("no PostgreSQL of tests runs below target"), "{none:#?}");
}

#[test]
fn a_slug_that_is_reserved_malformed_or_taken_is_refused_by_name() {
    let program = Program::deployed();
    program.ok(&["tenant", "create", "acme"]);
    for (slug, reason) in [("www", "reserved"), ("a_b", "'_'"), ("acme", "taken"), ("ACME", "taken")] {
        let run = program.run(&["tenant", "create", slug]);
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert!(run.stderr.contains(reason) && run.stderr.contains(&slug.to_lowercase()), "{}", run.stderr);
    }
    assert_eq!(program.json(&["tenant", "list"])["tenants"].as_array().unwrap().len(), 1);
}

#[test]
fn a_tenant_that_may_only_read_cannot_be_written_to() {
    let program = Program::deployed();
    program.ok(&["tenant", "create", "acme"]);
    let insert = ["tenant", "sql", "acme", "--write", "insert into notes (body) values ('x')"];
    program.ok(&["tenant", "set", "acme", "--read-only"]);
    let refused = program.run(&insert);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("for reading"), "{}", refused.stderr);
    program.ok(&["tenant", "resume", "acme"]);
    program.ok(&insert);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_does_not_work_and_names_the_cure() {
    let program = Program::deployed();
    program.ok(&["tenant", "create", "acme"]);
    let healthy = program.json(&["doctor"]);
    let bad = |document: &Value| {
        let diagnoses = document["diagnoses"].as_array().unwrap();
        diagnoses.iter().filter(|diagnosis| diagnosis["health"] == "bad").cloned().collect::<Vec<_>>()
    };
    assert!(bad(&healthy).is_empty(), "{healthy}");

    let data = program.connect("freehold_data").await;
    data.batch_execute("delete from freehold.residents").await.unwrap();
    let run = program.run(&["doctor", "--json"]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    let found = bad(&serde_json::from_str(&run.stdout).unwrap());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0]["finding"].as_str().unwrap().contains("acme"), "{found:?}");
    assert!(program.run(&["doctor"]).stdout.contains("  cure: "));
}

#[test]
fn the_same_idempotency_key_gives_the_same_tenant() {
    let program = Program::deployed();
    let create = ["tenant", "create", "acme", "--idempotency-key", "order 7"];
    assert_eq!(program.json(&create)["tenant"]["id"], program.json(&create)["tenant"]["id"]);
}

#[tokio::test]
async fn a_tenant_whose_creation_was_cut_off_is_asked_for_by_the_same_command() {
    let program = Program::deployed();
    let migrations = ["migrations", "elsewhere"].map(|name| program.path(name));
    let create = ["tenant", "create", "acme", "--model", "schema"];
    std::fs::rename(&migrations[0], &migrations[1]).unwrap();
    let cut_off = program.run(&create);
    assert_eq!(cut_off.code, Some(1), "{cut_off:#?}");
    assert!(cut_off.stderr.contains("ends at 0000, and 0001 was rolled out"), "{}", cut_off.stderr);
    std::fs::rename(&migrations[1], &migrations[0]).unwrap();
    program.ok(&create);
    let again = program.run(&create);
    assert_eq!(again.code, Some(1), "{again:#?}");
    assert!(again.stderr.contains("the slug acme is taken"), "{}", again.stderr);
}
