//! Processes of the operating system, told apart by the directory they work in.
//!
//! A process id alone says nothing: after a crash or a restart of the machine it belongs to someone else. PostgreSQL's
//! processes work in their data directory, which `/proc` tells; where there is no `/proc`, `ps` shows the postmaster's
//! `-D` argument.

use std::{
    ffi::OsStr,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const POLL: Duration = Duration::from_millis(5);
/// How long processes without a postmaster may take to notice its death.
const PATIENCE: Duration = Duration::from_secs(2);
/// When to stop waiting for killed ones.
const KILLED_BY: Duration = Duration::from_secs(10);

/// Whether `pid` is a live process of the server of `data`: it runs `postgres` and works in that directory, unlike a
/// shell that someone left there. A zombie works nowhere.
pub(super) fn works_in(pid: u32, data: &Path) -> bool {
    if !has_proc() {
        return is_postmaster_by_ps(pid, data);
    }
    let directory = fs::read_link(format!("/proc/{pid}/cwd"));
    let program = fs::read_link(format!("/proc/{pid}/exe"));
    // The link ends in " (deleted)" after an upgrade of the package.
    let is_postgres = |program: &Path| {
        program
            .file_name()
            .and_then(OsStr::to_str)
            .is_some_and(|name| matches!(name, "postgres" | "postgres (deleted)"))
    };
    directory.is_ok_and(|directory| directory == data) && program.is_ok_and(|program| is_postgres(&program))
}

fn is_postmaster_by_ps(pid: u32, data: &Path) -> bool {
    let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&format!("-D {}", data.display())))
}

/// Ends the processes that work in `data` after their postmaster's death. They leave by themselves once they notice;
/// those in the midst of a long query are killed, which is safe since the next start recovers anyway.
///
/// Without `/proc` it does nothing: PostgreSQL's own check of its shared memory still refuses to start beside them.
pub(super) fn end_all_in(data: &Path) {
    let begun = Instant::now();
    while begun.elapsed() < KILLED_BY {
        let left = all_in(data);
        if left.is_empty() {
            return;
        }
        if begun.elapsed() > PATIENCE {
            for pid in left {
                tracing::warn!(postgres.pid = pid, "killing a PostgreSQL process that outlived its server");
                // One that is gone by now is what we want.
                let _gone = signal(pid, Signal::SIGKILL);
            }
        }
        std::thread::sleep(POLL);
    }
}

pub(super) fn signal(pid: u32, signal: Signal) -> nix::Result<()> {
    // A number beyond the system's type is no process; 0 and negative ones would mean groups.
    match i32::try_from(pid) {
        Ok(pid) if pid > 0 => kill(Pid::from_raw(pid), signal),
        _ => Err(nix::Error::ESRCH),
    }
}

fn all_in(data: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| has_proc() && works_in(*pid, data)).collect()
}

fn has_proc() -> bool {
    Path::new("/proc/self/cwd").exists()
}
