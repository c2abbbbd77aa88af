//! A directory that the server's account can reach, and SQL over a server's own URL.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use freehold_postgres::{Builder, Server};
use tempfile::TempDir;

/// A directory for one test's servers, removed at its end. Declare it before the servers, which must stop first.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("fhpg").tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A server for tests in the subdirectory `pg`.
    pub(crate) fn server(&self) -> Builder {
        Server::builder(self.join("pg")).durable(false).setting("shared_buffers", "16MB")
    }
}

/// Runs statements, and returns the first column of the last row as text.
pub(crate) fn sql(server: &Server, statements: &str) -> String {
    try_sql(&server.url("postgres"), statements).unwrap()
}

pub(crate) fn try_sql(url: &str, statements: &str) -> Result<String, tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(statements).await?;
        drop(client);
        let _closed = connection.await;
        let row = messages.iter().rev().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        Ok(row.unwrap_or_default())
    })
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

pub(crate) fn kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(pid.try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

/// Waits until `condition` holds, for at most 20 seconds.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The names of the variables by which a test tells a second process of this program what to do.
const STATE_DIR: &str = "FREEHOLD_TEST_STATE_DIR";

/// Another process that owns a server in `state_dir` until it is killed.
pub(crate) fn owner_process(state_dir: &Path) -> Child {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "support::owns_a_server_until_killed", "--ignored", "--nocapture"];
    let owner = Command::new(program).args(arguments).env(STATE_DIR, state_dir).spawn().unwrap();
    eventually("the other process's server is ready", || Server::attach(state_dir).is_ok());
    owner
}

#[test]
#[ignore = "the body of `owner_process`"]
fn owns_a_server_until_killed() {
    // Somebody runs all ignored tests.
    let Some(state_dir) = std::env::var_os(STATE_DIR) else {
        return;
    };
    let _server = Server::builder(state_dir).durable(false).setting("shared_buffers", "16MB").start().unwrap();
    loop {
        std::thread::park();
    }
}
