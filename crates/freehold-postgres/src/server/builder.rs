use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Installation, account::Account};

use super::{
    Ownership, Server, ServerError, config,
    launch::{self, Launch},
    lock, pid_file,
    state_dir::StateDir,
};

/// What a server shall be like; see [`Server::builder`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `start`"]
pub struct Builder {
    state_dir: PathBuf,
    installation: Option<Installation>,
    port: Option<u16>,
    tcp: bool,
    durable: bool,
    settings: Vec<(String, String)>,
    start_timeout: Duration,
}

impl Builder {
    pub(super) fn new(state_dir: &Path) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
            installation: None,
            port: None,
            tcp: false,
            durable: true,
            settings: Vec::new(),
            start_timeout: Duration::from_secs(60),
        }
    }

    /// The programs to use. Without it [`Installation::find`] chooses, by the version of existing data.
    pub fn installation(mut self, installation: Installation) -> Self {
        self.installation = Some(installation);
        self
    }

    /// The port. Without it 5432, which only names the socket, or with [`tcp`](Self::tcp) a free one.
    pub fn port(mut self, port: impl Into<Option<u16>>) -> Self {
        self.port = port.into();
        self
    }

    /// Whether to listen on 127.0.0.1 as well, where every login needs a password. Off by default.
    pub fn tcp(mut self, tcp: bool) -> Self {
        self.tcp = tcp;
        self
    }

    /// Whether committed work survives a crash of the machine. On by default; tests switch it off for speed.
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// A setting of PostgreSQL, in place of our default. The last one of a name counts.
    pub fn setting(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.settings.push((name.into(), value.to_string()));
        self
    }

    /// How long the server may take until it accepts connections; 60 seconds by default. Recovery after a crash
    /// counts.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// Starts the server, creating its data first where there are none, and waits until it accepts connections.
    ///
    /// A server in the same directory whose owner was killed is stopped and replaced; files that a crash left behind
    /// are cleared away.
    ///
    /// # Errors
    ///
    /// [`ServerError::AlreadyRunning`] when another handle owns a server there or left it running on purpose,
    /// [`ServerError::Unreachable`] when the account that servers run as cannot reach the directory (see
    /// [`reachable_state_dir`](crate::reachable_state_dir)), and others for what the name of the variant says. When
    /// the server gives up, the error holds the end of its log.
    pub fn start(self) -> Result<Server, ServerError> {
        config::check(&self.settings)?;
        let account = Account::for_data(&self.state_dir.join("data"));
        let state = StateDir::prepare(&self.state_dir, &account)?;
        let lock = lock::hold(&state, self.start_timeout)?;
        if state.is_detached()
            && let Some(running) = pid_file::running(&state.data())?
        {
            return Err(running.into_error(&state));
        }
        launch::stop_orphan(&state)?;
        state.unmark_detached()?;

        let launch = Launch {
            installation: launch::choose(self.installation, &state)?,
            account,
            port: launch::port(self.port, self.tcp)?,
            tcp: self.tcp,
            durable: self.durable,
            settings: self.settings,
            timeout: self.start_timeout,
        };
        let postmaster = launch.start(&state)?;
        Ok(Server {
            socket_dir: launch.socket_dir(&state),
            port: launch.port,
            ownership: Some(Ownership { launch, _lock: lock }),
            postmaster,
            state,
        })
    }

    /// [`Builder::start`], or a handle without ownership where a server is running already.
    ///
    /// # Errors
    ///
    /// Those of `start`, except [`ServerError::AlreadyRunning`].
    pub fn start_or_attach(self) -> Result<Server, ServerError> {
        match self.clone().start() {
            Err(ServerError::AlreadyRunning { .. }) => match Server::attach(&self.state_dir) {
                // Its owner stopped it between the two calls.
                Err(ServerError::NotRunning { .. }) => self.start(),
                attached => attached,
            },
            started => started,
        }
    }
}
