use std::net::TcpListener;

use freehold::tenant::Model;
use freehold::{Config, Freehold, NewTenant};
use nix::sys::signal::Signal;

use crate::program::{PATIENCE, Program, Run, lives, within};

/// Prints its process id, and ends well when it is asked to.
const SERVICE: &str = "trap 'echo asked; exit 0' TERM INT; echo pid $$; while :; do sleep 0.05; done";

#[test]
fn the_command_gets_its_environment_and_its_exit_code_is_ours() {
    let program = Program::new();
    let script = "[ -f \"$FREEHOLD_MASTER_KEY_FILE\" ] && echo \"$FREEHOLD_CATALOG_URL\"; exit 7";
    let run = program.run(&["up", "--", "sh", "-c", script]);
    assert_eq!(run.code, Some(7), "{run:#?}");
    assert!(run.stdout.contains("user=freehold_reader"), "{}", run.stdout);
    assert!(!program.server_runs(), "the server ends with the command");
}

#[test]
fn the_command_gets_no_login_of_an_administrator_or_of_the_control_plane() {
    let program = Program::deployed();
    let admin = program.ok(&["pg", "url"]);
    let control = program.ok(&["pg", "url", "freehold_catalog", "--user", "freehold_control"]);
    let mut up = program.command(&["up", "--", "env"]);
    up.env("FREEHOLD_ADMIN_URL", admin.trim()).env("FREEHOLD_CONTROL_URL", control.trim());
    up.env("FREEHOLD_CATALOG_URL", control.trim().replace("freehold_control", "freehold_reader"));
    let run = Run::of(up);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stdout.contains("FREEHOLD_CATALOG_URL="), "{}", run.stdout);
    assert!(
        !run.stdout.contains("FREEHOLD_ADMIN_URL") && !run.stdout.contains("FREEHOLD_CONTROL_URL"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_signal_stops_the_command_the_worker_and_the_server() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let program = Program::new();
        let up = program.start(&["up", "--", "sh", "-c", SERVICE]);
        let pid = up.line("pid ").split_off(4);
        assert!(program.server_runs());
        up.signal(signal);
        up.line("asked");
        assert_eq!(up.ended(), Some(0), "the command ended well");
        assert!(!lives(&pid) && !program.server_runs());
    }
}

#[test]
fn after_a_kill_the_command_is_gone_and_the_next_start_takes_the_data_over() {
    let program = Program::new();
    let up = program.start(&["up", "--", "sh", "-c", SERVICE]);
    let pid = up.line("pid ").split_off(4);
    program.ok(&["tenant", "create", "acme"]);
    up.signal(Signal::SIGKILL);
    up.ended();
    within("the command learns that its parent was killed", || !lives(&pid));

    let up = program.start(&["up", "--", "sh", "-c", SERVICE]);
    up.line("pid ");
    assert_eq!(program.json(&["tenant", "show", "acme"])["tenant"]["status"], "active");
    up.signal(Signal::SIGTERM);
    assert_eq!(up.ended(), Some(0));
}

#[test]
fn ready_is_printed_once_the_url_answers() {
    let program = Program::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/healthz");
    let serve = format!(
        "import http.server as h\n\
         class A(h.BaseHTTPRequestHandler):\n\
         \x20def do_GET(self):\n\
         \x20\x20A.asked = getattr(A, 'asked', 0) + 1\n\
         \x20\x20print('answers', A.asked, flush=True)\n\
         \x20\x20self.send_response(200 if A.asked > 2 else 503); self.end_headers()\n\
         h.HTTPServer(('127.0.0.1', {port}), A).serve_forever()\n"
    );
    let up = program.start(&["up", "--ready-url", &url, "--", "python3", "-c", &serve]);
    up.line("answers 3");
    assert_eq!(up.line("ready"), format!("ready http://127.0.0.1:{port}"));
    up.signal(Signal::SIGTERM);
    up.ended();
}

#[test]
fn a_command_that_cannot_be_run_is_named() {
    let program = Program::new();
    let run = program.run(&["up", "--", "no-such-program"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stderr.contains("cannot run no-such-program"), "{}", run.stderr);
    assert!(!program.server_runs());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_of_up_does_what_an_application_asks_for() {
    let program = Program::new();
    let up = program.start(&["up", "--", "sh", "-c", SERVICE]);
    up.line("pid ");
    provision(&program, "new").await;
    up.signal(Signal::SIGTERM);
    assert_eq!(up.ended(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_added_beside_a_worker_is_part_of_the_next_tenant() {
    let program = Program::deployed();
    let worker = program.start(&["serve", "worker"]);
    provision(&program, "early").await;
    program.write("migrations/tenant/0002_title.sql", "alter table notes add column title text;\n");
    program.ok(&["migrate"]);
    provision(&program, "late").await;
    for slug in ["early-schema", "late-schema", "late-database"] {
        program.ok(&["tenant", "sql", slug, "select title from notes"]);
    }
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_its_own_does_the_same_and_ends_on_a_signal() {
    let program = Program::deployed();
    let worker = program.start(&["serve", "worker", "--tasks", "2"]);
    provision(&program, "new").await;
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended(), Some(0));
    assert!(program.server_runs(), "the server was not the worker's");
}

/// Asks for a tenant of each model, as an application does.
async fn provision(program: &Program, name: &str) {
    let url = program.ok(&["pg", "url", "freehold_catalog", "--user", "freehold_reader"]);
    let key = std::fs::read_to_string(program.path(".freehold/master.key")).unwrap();
    let freehold = Freehold::connect(Config::new(url.trim().parse().unwrap(), key.parse().unwrap())).await.unwrap();
    for model in Model::ALL {
        let new = NewTenant {
            slug: format!("{name}-{model}").parse().unwrap(),
            name: "Asked for".to_owned(),
            model,
            idempotency_key: format!("{name} {model}"),
            requested_by: "test".to_owned(),
        };
        let tenant = freehold.provision(&new, PATIENCE).await.unwrap();
        assert_eq!(tenant.model(), Some(model));
    }
}
