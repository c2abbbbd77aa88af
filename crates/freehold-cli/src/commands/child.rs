//! Running a program that must not outlive us.
//!
//! A process can ask to be told when its parent dies, also when the parent is killed. Only the process itself can ask, so
//! `up` starts this program again, which asks and then becomes the command.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::{Child as Process, Command};

use crate::cli::Child;
use crate::failure::Outcome;

/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(30);

/// Becomes the command.
pub(crate) fn run(child: Child) -> anyhow::Result<Outcome> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
    // The parent may have died before we asked.
    if nix::unistd::getppid().as_raw() != child.parent {
        return Ok(Outcome::Stopped(Signal::SIGTERM as i32));
    }
    let (program, arguments) = child.command.split_first().context("there is no command")?;
    let error = std::process::Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}

/// A running command.
#[derive(Debug)]
pub(super) struct Running {
    process: Process,
    terminal: Terminal,
}

/// Whose the terminal is while a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terminal {
    /// Ours. The command is in a process group of its own, so that signals reach what it started too, and reach it once. It
    /// cannot read from the terminal: that would stop it.
    Kept,
    /// The command's as well. What is typed there, Ctrl-C too, reaches it without us.
    Shared,
}

impl Running {
    /// Starts a command with these variables.
    ///
    /// Called from a thread that lives as long as the process: the command ends with the thread that started it.
    pub(super) fn start<'a>(
        command: &[OsString],
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> anyhow::Result<Self> {
        let input = if std::io::stdin().is_terminal() { Stdio::null() } else { Stdio::inherit() };
        let mut process = Self::prepare(command)?;
        process.envs(variables).stdin(input);
        Self::spawn(process, Terminal::Kept)
    }

    /// Makes a command ready, which ends when this process does, and holds nothing that may create, own or step around.
    pub(super) fn prepare(command: &[OsString]) -> anyhow::Result<Command> {
        let mut process = Command::new(std::env::current_exe()?);
        process.args(["child", "--parent", &std::process::id().to_string(), "--"]).args(command);
        process.env_remove("FREEHOLD_ADMIN_URL").env_remove("FREEHOLD_CONTROL_URL");
        Ok(process)
    }

    /// Starts what was made ready.
    pub(super) fn spawn(mut process: Command, terminal: Terminal) -> anyhow::Result<Self> {
        if terminal == Terminal::Kept {
            process.process_group(0);
        }
        Ok(Self { process: process.kill_on_drop(true).spawn()?, terminal })
    }

    /// Waits for its end. Returns the code to end with: its own, or as shells count a signal.
    pub(super) async fn ended(&mut self) -> anyhow::Result<u8> {
        Ok(code(self.process.wait().await?))
    }

    /// Passes a signal on and waits for the end, for a while.
    pub(super) async fn stop(&mut self, signal: i32) -> anyhow::Result<u8> {
        self.signal(Signal::try_from(signal)?);
        match tokio::time::timeout(GRACE, self.ended()).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::warn!("the command did not end within {GRACE:?}: killing it");
                self.signal(Signal::SIGKILL);
                self.ended().await
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let Some(id) = self.process.id().and_then(|id| i32::try_from(id).ok()) else {
            return;
        };
        let sent = match self.terminal {
            Terminal::Kept => killpg(Pid::from_raw(id), signal),
            // Its group is ours.
            Terminal::Shared => kill(Pid::from_raw(id), signal),
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "the command has ended already");
        }
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
