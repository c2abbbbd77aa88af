use std::fs;

use crate::program::Program;

/// A database with tenants in it that knows nothing of Freehold, on the private server.
pub(crate) async fn elsewhere(program: &Program) -> String {
    program.ok(&["pg", "start"]);
    program.connect("postgres").await.batch_execute("create database elsewhere").await.unwrap();
    let tables = "create table notes (tenant_id uuid not null, id uuid primary key, text text);
                  create role elsewhere_app login; grant select on notes to elsewhere_app";
    program.connect("elsewhere").await.batch_execute(tables).await.unwrap();
    program.ok(&["pg", "url", "elsewhere"]).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_somebody_else_is_checked_ratcheted_and_mended() {
    let program = Program::new();
    let url = elsewhere(&program).await;
    let check =
        |more: &[&str]| program.run(&[&["check", "--database-url", &url, "--role", "elsewhere_app"], more].concat());

    let found = check(&[]);
    assert_eq!(found.code, Some(3), "{found:#?}");
    assert!(found.stdout.contains("critical FH101") && found.stdout.contains("public.notes"), "{}", found.stdout);
    assert!(found.stdout.contains("fix: alter table public.notes enable row level security"), "{}", found.stdout);

    let json: serde_json::Value = serde_json::from_str(&check(&["--json"]).stdout).unwrap();
    assert!(json["findings"].as_array().unwrap().iter().any(|finding| finding["rule"] == "FH101"), "{json}");

    let sarif: serde_json::Value = serde_json::from_str(&check(&["--format", "sarif"]).stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()), "{result}");
    }

    let baseline = program.path("baseline.json");
    let path = baseline.to_str().unwrap();
    let missing = check(&["--baseline", path]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("--write-baseline"), "{}", missing.stderr);
    assert_eq!(check(&["--baseline", path, "--write-baseline"]).code, Some(0));
    assert_eq!(check(&["--baseline", path]).code, Some(0));
    program.connect("elsewhere").await.batch_execute("grant truncate on notes to elsewhere_app").await.unwrap();
    let drifted = check(&["--baseline", path]);
    assert_eq!(drifted.code, Some(3));
    assert!(drifted.stdout.contains("FH316") && !drifted.stdout.contains("FH101"), "{}", drifted.stdout);

    let script = check(&["--fix", "--dry-run"]);
    assert!(script.stdout.contains("revoke truncate on public.notes from elsewhere_app;"), "{}", script.stdout);
    assert!(check(&[]).stdout.contains("FH316"), "a dry run mended something");
    assert!(check(&["--fix"]).stdout.contains("done: alter table public.notes enable row level security"));
    let left = check(&[]).stdout;
    assert!(!left.contains("FH101") && !left.contains("FH316"), "{left}");

    fs::write(&baseline, "{}").unwrap();
    assert!(check(&["--baseline", path]).stderr.contains("holds no baseline"));
    program.ok(&["pg", "stop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_no_table_has_is_an_error_that_names_it() {
    let program = Program::new();
    let url = elsewhere(&program).await;
    let refused = program.run(&["check", "--database-url", &url, "--tenant-column", "custmer_id", "--ignore", "FH"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("custmer_id") && refused.stderr.contains("--tenant-column"), "{}", refused.stderr);
    program.ok(&["pg", "stop"]);
}

#[test]
fn the_rules_are_listed_with_what_they_cover() {
    let listed = Program::new().ok(&["check", "--rules"]);
    assert!(listed.lines().count() > 170, "{listed}");
    let rule = listed.lines().find(|line| line.starts_with("FH101")).unwrap();
    assert!(rule.contains("critical") && rule.contains("pgrls SEC001"), "{rule}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_enforcement_would_hide_is_shown_before_it_is_switched_on() {
    let program = Program::new();
    let url = elsewhere(&program).await;
    let observe = |word: &str, more: &[&str]| program.run(&[&["observe", word, "--database-url", &url], more].concat());
    let early = observe("report", &[]);
    assert!(early.code == Some(1) && early.stderr.contains("freehold observe start"), "{early:#?}");
    let begun = observe("start", &[]);
    assert!(begun.code == Some(0) && begun.stdout.contains("public.notes"), "{begun:#?}");
    assert_eq!(observe("report", &[]).code, Some(0));

    let rows = "insert into notes select gen_random_uuid(), gen_random_uuid(), 'x' from generate_series(1, 2)";
    program.connect("elsewhere").await.batch_execute(rows).await.unwrap();
    let application = program.connect("elsewhere").await;
    application
        .batch_execute("set session authorization elsewhere_app; select count(*) from notes where text = 'x'")
        .await
        .unwrap();
    let seen = observe("report", &[]);
    assert_eq!(seen.code, Some(3), "{seen:#?}");
    assert!(seen.stdout.contains("public.notes: rows would be hidden from select"), "{}", seen.stdout);
    assert!(seen.stdout.contains("by elsewhere_app") && seen.stdout.contains("where text = ?"), "{}", seen.stdout);
    let json: serde_json::Value = serde_json::from_str(&observe("report", &["--json"]).stdout).unwrap();
    assert_eq!(json["observations"][0]["outcome"], "hidden", "{json}");

    let ended = observe("stop", &[]);
    assert!(ended.code == Some(0) && ended.stdout.contains("notes"), "{ended:#?}");
    assert_eq!(observe("report", &[]).code, Some(1));
    program.ok(&["pg", "stop"]);
}
