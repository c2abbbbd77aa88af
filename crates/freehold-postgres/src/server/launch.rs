//! From a state directory to a server that accepts connections.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{Installation, account::Account};

use super::{
    ServerError, config, initdb, log, pid_file,
    postmaster::{Postmaster, Shutdown},
    process, socket,
    state_dir::StateDir,
};

const POLL: Duration = Duration::from_millis(5);
/// How long a server that must go may take to stop.
const ORPHAN_GRACE: Duration = Duration::from_secs(20);

/// All that is needed to start a server, decided.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) installation: Installation,
    pub(super) account: Account,
    pub(super) port: u16,
    pub(super) tcp: bool,
    pub(super) durable: bool,
    pub(super) settings: Vec<(String, String)>,
    pub(super) timeout: Duration,
}

impl Launch {
    /// Starts the server; the caller holds the lock and no server runs here.
    pub(super) fn start(&self, state: &StateDir) -> Result<Postmaster, ServerError> {
        let begun = Instant::now();
        clear_remains(state)?;
        initdb::ensure(state, self)?;
        socket::create(&self.socket_dir(state), state.root(), &self.account)?;
        config::write(state, self)?;

        let log = log::open(state)?;
        let mut config_file = std::ffi::OsString::from("config_file=");
        config_file.push(state.config());
        let mut command = self.account.command(&self.installation.program("postgres"));
        command.arg("-D").arg(state.data()).arg("-c").arg(config_file);
        let mut postmaster = Postmaster::spawn(&mut command, &log, &state.data())?;
        self.wait_until_ready(state, &mut postmaster, &log)?;

        let (version, milliseconds) = (self.installation.version(), begun.elapsed().as_millis());
        tracing::info!(postgres.pid = postmaster.pid(), "PostgreSQL {version} started in {milliseconds} ms");
        Ok(postmaster)
    }

    pub(super) fn socket_dir(&self, state: &StateDir) -> PathBuf {
        socket::directory(state.root(), &self.account)
    }

    fn wait_until_ready(
        &self,
        state: &StateDir,
        postmaster: &mut Postmaster,
        log: &log::Log,
    ) -> Result<(), ServerError> {
        let deadline = Instant::now() + self.timeout;
        loop {
            if pid_file::read(&state.data())?.is_some_and(|file| file.pid == postmaster.pid() && file.ready) {
                return Ok(());
            }
            if postmaster.has_exited() {
                return Err(ServerError::StartFailed { log_file: state.log(), log: log.tail() });
            }
            if Instant::now() > deadline {
                postmaster.stop(Shutdown::Immediate, ORPHAN_GRACE)?;
                return Err(ServerError::StartTimeout {
                    timeout: self.timeout,
                    log_file: state.log(),
                    log: log.tail(),
                });
            }
            std::thread::sleep(POLL);
        }
    }
}

/// The installation for the data that are there, or for new data.
pub(super) fn choose(asked: Option<Installation>, state: &StateDir) -> Result<Installation, ServerError> {
    let data = initdb::version_of(&state.data())?;
    match (asked, data) {
        (Some(asked), None) => Ok(asked),
        (None, None) => Ok(Installation::find(None)?),
        (Some(asked), Some(major)) if asked.version().major() == major => Ok(asked),
        (asked, Some(major)) => Installation::find(Some(major)).map_err(|source| ServerError::OtherVersion {
            data_dir: state.data(),
            major,
            asked: asked.map(|asked| asked.version().clone()),
            source: Box::new(source),
        }),
    }
}

/// The port to use; a TCP port that is taken is found out here, where the error can say so plainly.
pub(super) fn port(asked: Option<u16>, tcp: bool) -> Result<u16, ServerError> {
    const BY_CUSTOM: u16 = 5432;
    if !tcp {
        return Ok(asked.unwrap_or(BY_CUSTOM));
    }
    let asked = asked.unwrap_or(0);
    TcpListener::bind(("127.0.0.1", asked))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| ServerError::PortTaken { port: asked, source })
}

/// Stops a server that runs although nobody holds its lock; whether there was one.
pub(super) fn stop_orphan(state: &StateDir) -> Result<bool, ServerError> {
    let Some(running) = pid_file::running(&state.data())? else {
        return Ok(false);
    };
    tracing::info!(postgres.pid = running.pid, "stopping a PostgreSQL server whose owner is gone");
    Postmaster::found(running.pid, &state.data()).stop(Shutdown::Fast, ORPHAN_GRACE)?;
    Ok(true)
}

/// Clears away what a killed server or a restarted machine leaves: a pid file whose number may meanwhile be another
/// process's, which PostgreSQL would take for a running server, and sessions that outlived their postmaster.
fn clear_remains(state: &StateDir) -> Result<(), ServerError> {
    for directory in [state.data(), state.staging()] {
        process::end_all_in(&directory);
    }
    remove_if_there(&pid_file::path(&state.data()))
}

fn remove_if_there(file: &Path) -> Result<(), ServerError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ServerError::io("remove", file)(error)),
        _ => Ok(()),
    }
}
