//! The lock that says who owns the server of a state directory.
//!
//! The kernel drops it with its holder, however that ended, so it never goes stale.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{ServerError, pid_file, state_dir::StateDir};

const POLL: Duration = Duration::from_millis(10);

pub(super) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("lock")
}

/// Takes the lock. Where another holds it, waits until that one's server is ready, which is an error that tells where
/// it is, or until the lock is free.
pub(super) fn hold(state: &StateDir, timeout: Duration) -> Result<File, ServerError> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(lock) = try_hold(state)? {
            return Ok(lock);
        }
        if let Some(running) = pid_file::running(&state.data())?
            && running.ready
        {
            return Err(running.into_error(state));
        }
        if Instant::now() > deadline {
            return Err(ServerError::Busy { state_dir: state.root().to_owned(), timeout });
        }
        std::thread::sleep(POLL);
    }
}

/// Takes the lock if nobody has it.
pub(super) fn try_hold(state: &StateDir) -> Result<Option<File>, ServerError> {
    let path = path(state.root());
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let file = file.map_err(ServerError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(ServerError::io("lock", &path)(error)),
    }
}
