use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use crate::{InstallationError, Version};

/// Why a server could not be started, found or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A server runs there already, with an owner or left running on purpose.
    #[error("a server runs in {} already (process {pid}, port {port})", state_dir.display())]
    AlreadyRunning {
        /// The state directory.
        state_dir: PathBuf,
        /// The directory of its socket.
        socket_dir: PathBuf,
        /// Its port.
        port: u16,
        /// Its postmaster.
        pid: u32,
    },

    /// No server runs there.
    #[error("no server runs in {}", state_dir.display())]
    NotRunning {
        /// The state directory.
        state_dir: PathBuf,
    },

    /// Another process owns the directory, and its server did not become ready.
    #[error("another process holds {} and its server was not ready within {timeout:?}", state_dir.display())]
    Busy {
        /// The state directory.
        state_dir: PathBuf,
        /// How long it was waited for.
        timeout: Duration,
    },

    /// The handle is attached to a server that someone else started.
    #[error("the server in {} was started by another handle, which alone can restart it", state_dir.display())]
    NotOwner {
        /// The state directory.
        state_dir: PathBuf,
    },

    /// PostgreSQL cannot run as root, and the account it runs as instead cannot get to the directory.
    #[error(
        "PostgreSQL runs as {account} here, which cannot enter {}; put {} elsewhere, or `chmod o+x` the former",
        barrier.display(),
        state_dir.display()
    )]
    Unreachable {
        /// The account that servers run as.
        account: String,
        /// The state directory.
        state_dir: PathBuf,
        /// The directory that stops it.
        barrier: PathBuf,
    },

    /// The path cannot be written into PostgreSQL's configuration.
    #[error("{path:?} cannot hold a server: its path must be UTF-8 without control characters")]
    UnusablePath {
        /// The state directory.
        path: PathBuf,
    },

    /// Someone else's directory has the name that the socket's directory should get.
    #[error("{} belongs to another user; remove it, or choose a shorter path for the server", socket_dir.display())]
    SocketDirTaken {
        /// The directory.
        socket_dir: PathBuf,
    },

    /// The TCP port is in use.
    #[error("port {port} of 127.0.0.1 cannot be used; choose another")]
    PortTaken {
        /// The port asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The name or value of a setting is refused.
    #[error("setting {name:?}: {reason}")]
    InvalidSetting {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// The data directory exists and holds something else than PostgreSQL's data.
    #[error("{} holds no PostgreSQL data (no valid PG_VERSION); move it away", data_dir.display())]
    NoData {
        /// The data directory.
        data_dir: PathBuf,
    },

    /// The data were made by another major version, of which there is no installation.
    #[error(
        "{} was made by PostgreSQL {major}, which is not at hand{}; install PostgreSQL {major}, or dump the data with \
         it and start from an empty directory",
        data_dir.display(),
        asked.as_ref().map(|asked| format!(" (asked for: {asked})")).unwrap_or_default()
    )]
    OtherVersion {
        /// The data directory.
        data_dir: PathBuf,
        /// The version that made it.
        major: u32,
        /// The version asked for, if one was.
        asked: Option<Version>,
        /// Where was looked for it.
        #[source]
        source: Box<InstallationError>,
    },

    /// The data directory could not be created.
    #[error("initdb could not create {} ({status}): {complaint}", data_dir.display())]
    InitdbFailed {
        /// The data directory.
        data_dir: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        complaint: String,
    },

    /// The server ended before it accepted connections.
    #[error("PostgreSQL gave up while starting; the end of {}:\n{log}", log_file.display())]
    StartFailed {
        /// The whole log.
        log_file: PathBuf,
        /// Its last lines.
        log: String,
    },

    /// The server did not accept connections in time and was ended.
    #[error("PostgreSQL was not ready within {timeout:?}; the end of {}:\n{log}", log_file.display())]
    StartTimeout {
        /// How long it was waited for.
        timeout: Duration,
        /// The whole log.
        log_file: PathBuf,
        /// Its last lines.
        log: String,
    },

    /// The server's process belongs to someone else.
    #[error("cannot stop process {pid}")]
    CannotSignal {
        /// The postmaster.
        pid: u32,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The server's process did not even yield to a kill.
    #[error("process {pid} does not end")]
    StillRunning {
        /// The postmaster.
        pid: u32,
    },

    /// There is no PostgreSQL to start.
    #[error(transparent)]
    Installation(#[from] InstallationError),

    /// A file, directory or program could not be used.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file, directory or program.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ServerError {
    /// For `map_err`: names the file beside what the system said about it.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
