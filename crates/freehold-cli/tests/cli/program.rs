use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use freehold_postgres::Server;
use jsonschema::Validator;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory in which the program is run, with a private PostgreSQL of its own.
pub(crate) struct Program(TempDir);

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A run that goes on.
pub(crate) struct Started {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    /// An empty directory that the server's account can reach.
    pub(crate) fn new() -> Self {
        let place = tempfile::Builder::new().prefix("fhcli").tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = Self(place);
        program.write(".freehold/freehold.toml", "[postgres]\ndurable = false\n");
        program
    }

    /// A deployment with one table of notes, whose server runs.
    pub(crate) fn deployed() -> Self {
        let program = Self::new();
        program.write("migrations/tenant/0001_notes.sql", NOTES);
        program.ok(&["up"]);
        program
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_freehold"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FREEHOLD_") && name != "FREEHOLD_PG_BIN")
        {
            command.env_remove(name);
        }
        command
    }

    /// Runs to the end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments))
    }

    /// Runs to the end with this as standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Run::from(child.wait_with_output().unwrap())
    }

    /// Runs to the end, which must be a good one. Returns standard output.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:#?}");
        run.stdout
    }

    /// Runs with --json; returns what it printed, which must be as the schema says.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        document(&self.ok(&[arguments, &["--json"]].concat()))
    }

    /// Starts what goes on until it is stopped.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        let mut child = self.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Started { child, lines }
    }

    /// Whether the private server runs.
    pub(crate) fn server_runs(&self) -> bool {
        Server::attach(self.path(".freehold/postgres")).is_ok()
    }

    /// A superuser's connection, for the truth and for planting faults.
    pub(crate) async fn connect(&self, database: &str) -> Client {
        let url = self.ok(&["pg", "url", database]);
        let (client, connection) = tokio_postgres::connect(url.trim(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

/// What was printed with --json, which must be as the schema says.
pub(crate) fn document(printed: &str) -> Value {
    let document: Value = serde_json::from_str(printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    let faults: Vec<String> = validator().iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}: {document:#}");
    document
}

/// The schema of the documents, where no object has a field that is not described.
fn validator() -> &'static Validator {
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
        let mut schema = schema();
        for definition in schema["$defs"].as_object_mut().unwrap().values_mut() {
            if definition["type"] == "object" {
                definition["additionalProperties"] = false.into();
            }
        }
        jsonschema::validator_for(&schema).unwrap()
    });
    &VALIDATOR
}

/// The schema as the documents have it.
pub(crate) fn schema() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/json.schema.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// A table as an application has it.
pub(crate) const NOTES: &str = "\
create table notes (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    body text not null,
    primary key (tenant_id, id)
);
select freehold.tenant_table('notes');
";

impl Run {
    pub(crate) fn of(mut command: Command) -> Self {
        Self::from(command.output().unwrap())
    }
}

impl From<std::process::Output> for Run {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Started {
    /// Waits for a line of standard output that begins so.
    pub(crate) fn line(&self, beginning: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no line begins with {beginning:?}"));
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end. Returns the exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let mut code = None;
        within("the program ends", || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        code.unwrap().code()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // A test that failed leaves it running; one that passed has waited for its end, and then there is nothing to kill.
        let _ = self.child.kill();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(server) = Server::attach(self.path(".freehold/postgres")) {
            server.stop().unwrap();
        }
    }
}

/// Waits until something is so.
pub(crate) fn within(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process is there and not yet dead.
pub(crate) fn lives(pid: &str) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid).join("status"));
    status.is_ok_and(|status| !status.contains("\nState:\tZ"))
}
