use std::process::Command;

use tokio_postgres::config::Host;

use crate::server::login;

/// Statements that SQLsmith makes up for a database: random queries over all its tables and functions. `None` where
/// SQLsmith is not installed (Debian: package `sqlsmith`).
///
/// It only prints them here: they are for tenant A to run.
pub fn sqlsmith(database: &str, seed: u64, statements: usize) -> Option<Vec<String>> {
    let login = login("postgres", database);
    let config = login.config();
    let [Host::Unix(socket)] = config.get_hosts() else { panic!("the server of tests has one socket") };
    let port = config.get_ports()[0];
    let target = format!("host={} port={port} user=postgres dbname={database}", socket.display());
    let mut printed = String::new();
    // With the catalogue's relations most statements are about them, without them all are about tenants' tables.
    for catalog in [&["--exclude-catalog"][..], &[]] {
        let output = Command::new("sqlsmith")
            .arg(format!("--target={target}"))
            .args(["--dry-run", &format!("--seed={}", seed % 1_000_000), &format!("--max-queries={}", statements / 2)])
            .args(catalog)
            .output()
            .ok()?;
        assert!(output.status.success(), "sqlsmith: {}", String::from_utf8_lossy(&output.stderr));
        printed.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    Some(printed.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()).map(ToOwned::to_owned).collect())
}
