//! docs/operate/backup.md, on two servers.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use freehold::isolation::{ErrorKind, ExposeSecret, TokioPostgres};
use freehold::tenant::{Model, Slug, Tenant};
use freehold::{Config, Freehold};
use freehold_control::Health;
use freehold_postgres::Server;

use crate::support::*;

/// A client program of PostgreSQL that speaks to this server, or nothing where there is none of its version.
fn client(name: &str, server: &Server) -> Option<Command> {
    let beside_the_server = std::fs::read_link(format!("/proc/{}/exe", server.pid())).ok().and_then(|postgres| {
        let program: PathBuf = postgres.parent()?.join(name);
        program.exists().then_some(program)
    })?;
    let mut command = Command::new(beside_the_server);
    command.env("PGHOST", server.socket_dir()).env("PGPORT", server.port().to_string()).env("PGUSER", "postgres");
    Some(command)
}

fn run(mut command: Command, arguments: &[&dyn AsRef<OsStr>]) {
    let output = command.args(arguments.iter().map(|argument| argument.as_ref())).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Dumps everything, the catalog first.
fn back_up(server: &Server, databases: &[&str], to: &Path) -> Option<()> {
    let (roles, dumps) = (to.join("roles.sql"), |database: &&str| to.join(format!("{database}.dump")));
    run(client("pg_dumpall", server)?, &[&"--roles-only", &"-f", &roles]);
    for database in databases {
        run(client("pg_dump", server)?, &[&"-Fc", &"-f", &dumps(database), database]);
    }
    Some(())
}

fn restore(server: &Server, databases: &[&str], from: &Path) {
    // The administrator is there already, which is the one error there may be.
    client("psql", server).unwrap().args(["-q", "-f"]).arg(from.join("roles.sql")).arg("postgres").output().unwrap();
    for database in databases {
        let dump = from.join(format!("{database}.dump"));
        run(client("pg_restore", server).unwrap(), &[&"--create", &"--dbname", &"postgres", &dump]);
    }
}

#[tokio::test]
async fn a_fleet_is_restored_on_another_server_and_its_tenants_are_served_there() {
    let fleet = Fleet::start().await;
    let mut homes = Vec::new();
    for model in Model::ALL {
        for name in ["anna", "bert"] {
            let home = fleet.tenant(&format!("{name}-{model}"), model).await;
            fleet.fill(&home).await;
            homes.push(home);
        }
    }
    let own = homes.iter().filter(|home| home.database.starts_with("t_")).map(|home| home.database.as_str());
    let databases: Vec<&str> =
        ["freehold_catalog", "freehold_data", "freehold_data_template"].into_iter().chain(own).collect();
    let dumps = tempfile::tempdir().unwrap();
    if back_up(&fleet.server, &databases, dumps.path()).is_none() {
        println!("pg_dump of this version is not installed: nothing was restored");
        return;
    }

    let place = place();
    let other = start_server(&place).await;
    restore(&other, &databases, dumps.path());
    let moved =
        format!("update catalog.clusters set host = '{}', port = {}", other.socket_dir().display(), other.port());
    connect(&other, "postgres", "freehold_catalog").await.batch_execute(&moved).await.unwrap();
    std::fs::create_dir_all(place.path().join("migrations/shared")).unwrap();
    std::fs::create_dir_all(place.path().join("migrations/tenant")).unwrap();
    let control = control(&other, &fleet.master_key, &place);

    // The copies' keys belong to the server that they come from.
    let found = control.doctor().await;
    assert!(found.iter().any(|found| found.finding.contains("copied from")), "{found:#?}");
    let refused = accounts(&application(&other, &fleet).await, "anna-shared").await;
    assert_eq!(refused, Err(ErrorKind::Fault), "a context was accepted by keys of another server");
    for (database, rotated) in control.rotate_seal(false).await.unwrap() {
        rotated.unwrap_or_else(|error| panic!("{database}: {error}"));
    }
    installer(&other, "postgres", &fleet.master_key).install().await.unwrap();
    let bad: Vec<_> = control.doctor().await.into_iter().filter(|found| found.health == Health::Bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");

    let freehold = application(&other, &fleet).await;
    for model in Model::ALL {
        for name in ["anna", "bert"] {
            assert_eq!(accounts(&freehold, &format!("{name}-{model}")).await, Ok(2), "{name} {model}");
        }
    }
}

async fn application(server: &Server, fleet: &Fleet) -> Freehold {
    let login = config(server, "freehold_reader", "freehold_catalog");
    let key = fleet.master_key.to_secret_hex().expose_secret().parse().unwrap();
    Freehold::connect(Config::new(login.into(), key)).await.unwrap()
}

/// The accounts that a tenant sees.
async fn accounts(freehold: &Freehold, slug: &str) -> Result<i64, ErrorKind> {
    let slug: Slug = slug.parse().unwrap();
    let tenant: std::sync::Arc<Tenant> = freehold.directory().find(&slug).unwrap();
    let mut scope = freehold.tenant_db::<TokioPostgres>(&tenant).read();
    let rows = scope.query("select count(*) from accounts", &[]).await.map_err(|error| error.kind())?;
    Ok(rows[0].get(0))
}
