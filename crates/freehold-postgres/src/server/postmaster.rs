//! The server's main process, ours or found.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{ServerError, log::Log, process};

const POLL: Duration = Duration::from_millis(5);
/// What the last resorts get before the next one.
const LAST_GRACE: Duration = Duration::from_secs(5);

/// How to end a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shutdown {
    /// Ends sessions, rolls their work back, writes a checkpoint.
    Fast,
    /// Ends at once; the next start recovers.
    Immediate,
}

#[derive(Debug)]
pub(super) struct Postmaster {
    pid: u32,
    data: PathBuf,
    /// Present when it is our child, which we must reap.
    child: Option<Child>,
    exited: bool,
}

impl Postmaster {
    pub(super) fn spawn(command: &mut Command, log: &Log, data: &Path) -> Result<Self, ServerError> {
        let program = PathBuf::from(command.get_program());
        let duplicate = || log.file.try_clone().map_err(ServerError::io("duplicate the log for", &program));
        command.stdin(Stdio::null()).stdout(duplicate()?).stderr(duplicate()?);
        let child = command.spawn().map_err(ServerError::io("start", &program))?;
        Ok(Self { pid: child.id(), data: data.to_owned(), child: Some(child), exited: false })
    }

    pub(super) fn found(pid: u32, data: &Path) -> Self {
        Self { pid, data: data.to_owned(), child: None, exited: false }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn has_exited(&mut self) -> bool {
        self.exited = self.exited
            || match &mut self.child {
                Some(child) => !matches!(child.try_wait(), Ok(None)),
                None => !process::works_in(self.pid, &self.data),
            };
        self.exited
    }

    /// Ends the server and waits for that, going over to harsher means when the grace is over.
    pub(super) fn stop(&mut self, shutdown: Shutdown, grace: Duration) -> Result<(), ServerError> {
        let means = match shutdown {
            Shutdown::Fast => {
                &[(Signal::SIGINT, grace), (Signal::SIGQUIT, LAST_GRACE), (Signal::SIGKILL, LAST_GRACE)][..]
            }
            Shutdown::Immediate => &[(Signal::SIGQUIT, grace), (Signal::SIGKILL, LAST_GRACE)][..],
        };
        for (signal, grace) in means {
            if self.has_exited() {
                return Ok(());
            }
            tracing::debug!(postgres.pid = self.pid, %signal, "stopping PostgreSQL");
            match process::signal(self.pid, *signal) {
                // Gone between the check and the signal; the wait below notices.
                Ok(()) | Err(nix::Error::ESRCH) => {}
                Err(error) => {
                    return Err(ServerError::CannotSignal { pid: self.pid, source: error.into() });
                }
            }
            if self.wait(*grace) {
                return Ok(());
            }
            tracing::warn!(postgres.pid = self.pid, %signal, "PostgreSQL did not stop within {grace:?}");
        }
        Err(ServerError::StillRunning { pid: self.pid })
    }

    fn wait(&mut self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        while !self.has_exited() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }
}
