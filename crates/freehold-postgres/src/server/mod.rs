//! A running server.

mod builder;
mod config;
mod error;
mod initdb;
mod launch;
mod lock;
mod log;
mod pid_file;
mod postmaster;
mod process;
mod socket;
mod state_dir;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

pub use builder::Builder;
pub use error::ServerError;
pub use state_dir::{reachable_state_dir, tests_state_dir};

use launch::Launch;
use postmaster::{Postmaster, Shutdown};
use state_dir::StateDir;

/// How long a stop may take before it becomes an immediate one.
const STOP_GRACE: Duration = Duration::from_secs(60);
/// The same when a forgotten handle stops the server, where nobody expects to wait.
const DROP_GRACE: Duration = Duration::from_secs(10);

/// A handle on a running private server.
///
/// The handle that [`Builder::start`] gives owns the server: dropping it stops the server. One from
/// [`Server::attach`] does not; both can [`stop`](Server::stop) it. All methods block; asynchronous callers wrap them
/// in `spawn_blocking`.
///
/// ```no_run
/// use freehold_postgres::Server;
///
/// let server = Server::builder(".freehold/postgres").start()?;
/// println!("psql '{}'", server.url("postgres"));
/// server.stop()?;
/// # Ok::<(), freehold_postgres::ServerError>(())
/// ```
#[derive(Debug)]
pub struct Server {
    state: StateDir,
    postmaster: Postmaster,
    socket_dir: PathBuf,
    port: u16,
    ownership: Option<Ownership>,
}

/// What a handle holds that started its server, and may start it again.
#[derive(Debug)]
struct Ownership {
    launch: Launch,
    /// Locked for as long as we own the server: a free lock beside a running server marks an orphan.
    _lock: File,
}

impl Server {
    /// Describes a server whose files, data and all, are in `state_dir`; nothing happens before
    /// [`Builder::start`].
    pub fn builder(state_dir: impl AsRef<Path>) -> Builder {
        Builder::new(state_dir.as_ref())
    }

    /// A handle on the server that is running in `state_dir`, whoever started it, without owning it.
    ///
    /// # Errors
    ///
    /// [`ServerError::NotRunning`] when there is none.
    pub fn attach(state_dir: impl AsRef<Path>) -> Result<Self, ServerError> {
        let state = StateDir::open(state_dir.as_ref())?;
        let running = pid_file::running(&state.data())?.filter(|running| running.ready);
        let running = running.ok_or_else(|| ServerError::NotRunning { state_dir: state.root().to_owned() })?;
        Ok(Self {
            postmaster: Postmaster::found(running.pid, &state.data()),
            socket_dir: running.socket_dir,
            port: running.port,
            ownership: None,
            state,
        })
    }

    /// Stops the servers below `parent` whose owner is gone, and returns their state directories.
    ///
    /// A process that is killed cannot stop its server. For directories of throw-away servers, one subdirectory each;
    /// [detached](Server::detach) servers are left alone.
    ///
    /// # Errors
    ///
    /// When a directory cannot be read, or a server does not stop.
    pub fn sweep(parent: impl AsRef<Path>) -> Result<Vec<PathBuf>, ServerError> {
        let parent = parent.as_ref();
        let mut swept = Vec::new();
        for entry in fs::read_dir(parent).map_err(ServerError::io("read", parent))? {
            let directory = entry.map_err(ServerError::io("read", parent))?.path();
            if lock::path(&directory).exists() {
                let state = StateDir::open(&directory)?;
                let Some(_lock) = lock::try_hold(&state)? else {
                    continue;
                };
                if !state.is_detached() && launch::stop_orphan(&state)? {
                    swept.push(directory);
                }
            }
        }
        Ok(swept)
    }

    /// The directory with the server's files. Links in the path given to [`Server::builder`] are resolved.
    pub fn state_dir(&self) -> &Path {
        self.state.root()
    }

    /// PostgreSQL's own data directory, inside the state directory.
    pub fn data_dir(&self) -> PathBuf {
        self.state.data()
    }

    /// The file with the messages of this server.
    pub fn log_file(&self) -> PathBuf {
        self.state.log()
    }

    /// The directory of the Unix socket: what libpq calls the host.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The port, which is part of the socket's name even where the server does not listen on TCP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the postmaster.
    pub fn pid(&self) -> u32 {
        self.postmaster.pid()
    }

    /// Whether dropping this handle stops the server, unless somebody [detaches](Self::detach) it.
    pub fn is_owner(&self) -> bool {
        self.ownership.is_some()
    }

    /// Whether it goes on without an owner.
    pub fn is_detached(&self) -> bool {
        self.state.is_detached()
    }

    /// Whether the server's process is there.
    pub fn is_running(&mut self) -> bool {
        !self.postmaster.has_exited()
    }

    /// The address of a database for the superuser `postgres` over the Unix socket, in the form that libpq,
    /// tokio-postgres and sqlx all read. It holds no secret: the socket's directory is the guard.
    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", database)
    }

    /// The same for another login.
    pub fn url_as(&self, user: &str, database: &str) -> String {
        let host = socket::percent_encode(&self.socket_dir.to_string_lossy());
        let (user, database) = (socket::percent_encode(user), socket::percent_encode(database));
        format!("postgresql:///{database}?host={host}&port={}&user={user}", self.port)
    }

    /// Stops the server and waits for its end. Sessions are cut off, committed work is kept.
    ///
    /// # Errors
    ///
    /// When the process cannot be signalled or outlives even a kill.
    pub fn stop(mut self) -> Result<(), ServerError> {
        self.shut_down(Shutdown::Fast, STOP_GRACE)
    }

    /// Stops the server and starts it again with the same settings.
    ///
    /// # Errors
    ///
    /// [`ServerError::NotOwner`] on an attached handle, else those of a stop and a start.
    pub fn restart(&mut self) -> Result<(), ServerError> {
        if self.ownership.is_none() {
            return Err(ServerError::NotOwner { state_dir: self.state.root().to_owned() });
        }
        self.postmaster.stop(Shutdown::Fast, STOP_GRACE)?;
        let Some(ownership) = &self.ownership else {
            return Ok(());
        };
        self.postmaster = ownership.launch.start(&self.state)?;
        Ok(())
    }

    /// Ends the server as a power cut would, for tests: no session is told, nothing is flushed, and the next start
    /// recovers from the write-ahead log. [`Server::restart`] brings an owned server back.
    ///
    /// # Errors
    ///
    /// When the process cannot be signalled.
    pub fn crash(&mut self) -> Result<(), ServerError> {
        self.postmaster.stop(Shutdown::Immediate, DROP_GRACE)
    }

    /// Leaves the server running when this process ends, and when its owner drops it, if that is another one. Later handles
    /// on it come from [`Server::attach`] or [`Builder::start_or_attach`].
    ///
    /// # Errors
    ///
    /// When the mark that says so cannot be written; a server of ours is stopped then.
    pub fn detach(mut self) -> Result<(), ServerError> {
        self.state.mark_detached()?;
        self.ownership = None;
        Ok(())
    }

    /// Stops the server if this handle owns it and nobody [detached](Self::detach) it meanwhile, as dropping it does.
    ///
    /// # Errors
    ///
    /// Those of [`stop`](Self::stop).
    pub fn leave(mut self) -> Result<(), ServerError> {
        if self.is_ours() { self.shut_down(Shutdown::Fast, STOP_GRACE) } else { Ok(()) }
    }

    /// Whether the server ends with this handle.
    fn is_ours(&self) -> bool {
        self.ownership.is_some() && !self.state.is_detached()
    }

    fn shut_down(&mut self, shutdown: Shutdown, grace: Duration) -> Result<(), ServerError> {
        self.postmaster.stop(shutdown, grace)?;
        self.state.unmark_detached()?;
        if !self.socket_dir.starts_with(self.state.root()) {
            socket::remove(&self.socket_dir)?;
        }
        self.ownership = None;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_ours()
            && let Err(error) = self.shut_down(Shutdown::Fast, DROP_GRACE)
        {
            tracing::error!(%error, "could not stop the PostgreSQL server in {}", self.state.root().display());
        }
    }
}
