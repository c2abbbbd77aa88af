//! Processes of the operating system, told apart by the directory they work in.
//!
//! A process id alone says nothing: after a crash or a restart of the machine it belongs to someone else. PostgreSQL's
//! processes work in their data directory, which `/proc` tells; where there is no `/proc`, `ps` shows the postmaster's
//! `-D` argument.

use std::{
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

/// Whether `pid` is a live process of the server of `data`. A zombie works nowhere.
pub(super) fn works_in(pid: u32, data: &Path) -> bool {
    if has_proc() {
        return fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|directory| directory == data);
    }
    let output = Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .output();
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).contains(&format!("-D {}", data.display()))
    })
}

/// Ends the processes that work in `data` after their postmaster's death. They leave by themselves once they notice;
/// those in the midst of a long query are killed when half the grace is over.
///
/// Without `/proc` it does nothing: PostgreSQL's own check of its shared memory still refuses to start beside them.
pub(super) fn end_all_in(data: &Path, grace: Duration) {
    let begun = Instant::now();
    loop {
        let left = all_in(data);
        if left.is_empty() || begun.elapsed() > grace {
            return;
        }
        if begun.elapsed() > grace / 2 {
            for pid in left {
                tracing::warn!(
                    postgres.pid = pid,
                    "killing a PostgreSQL process that outlived its server"
                );
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
    let pids = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| has_proc() && works_in(*pid, data))
        .collect()
}

fn has_proc() -> bool {
    Path::new("/proc/self/cwd").exists()
}
