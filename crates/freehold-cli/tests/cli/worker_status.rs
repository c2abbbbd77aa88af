use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use nix::sys::signal::Signal;

use crate::program::{PATIENCE, Program, within};

/// What the worker answers: the status, and the body.
fn ask(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_worker_tells_whether_it_is_ready_and_what_it_did() {
    let program = Program::deployed();
    let port = free_port();
    let worker = program.start(&["serve", "worker", "--metrics-listen", &port.to_string()]);
    let is = |path: &str, status: u16| ask(port, path).is_some_and(|(found, _)| found == status);
    within("the worker is ready", || is("/readyz", 200));
    assert!(is("/healthz", 200) && is("/", 404));

    let catalog = program.connect("freehold_catalog").await;
    catalog
        .batch_execute("select catalog.request_provision('1', gen_random_uuid(), 'acme', 'Acme', 'shared', 'test')")
        .await
        .unwrap();
    let provisioned = "freehold_operations_total{kind=\"provision\",result=\"done\"} 1";
    within("the worker counts what it did", || {
        ask(port, "/metrics").is_some_and(|(_, text)| text.contains(provisioned))
    });
    let (_, metrics) = ask(port, "/metrics").unwrap();
    for line in [
        "# TYPE freehold_operations_total counter",
        "# HELP freehold_operations_total Operations that a worker ran",
        "freehold_operation_duration_seconds_bucket{kind=\"provision\",le=\"1\"}",
        "freehold_operation_duration_seconds_count{kind=\"provision\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
    assert!(!metrics.contains("acme"), "{metrics}");

    // The catalog lets nobody in any more, and then again.
    let server = program.connect("postgres").await;
    let close = "alter database freehold_catalog with allow_connections false";
    server.batch_execute(close).await.unwrap();
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'freehold_catalog'";
    server.batch_execute(end).await.unwrap();
    within("the worker is not ready", || is("/readyz", 503));
    assert!(is("/healthz", 200), "not ready is not dead");
    server.batch_execute("alter database freehold_catalog with allow_connections true").await.unwrap();
    within("the worker is ready again", || is("/readyz", 200));

    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended(), Some(0));
    assert_eq!(ask(port, "/healthz"), None);
}

#[test]
fn an_address_that_cannot_be_listened_on_is_named() {
    let program = Program::deployed();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let run = program.run(&["serve", "worker", "--metrics-listen", &port.to_string()]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stderr.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{}", run.stderr);
    let run = program.run(&["serve", "worker", "--metrics-listen", "everywhere"]);
    assert!(run.code == Some(1) && run.stderr.contains("use a port like 9184"), "{run:#?}");
}
