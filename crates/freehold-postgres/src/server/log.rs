//! The server's log: one file, and its predecessor once it has grown.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
};

use super::{ServerError, state_dir::StateDir};

/// At a start, a log beyond this size is put aside in place of the one put aside before.
const ROTATE_BYTES: u64 = 16 << 20;
const TAIL_LINES: usize = 20;
const TAIL_BYTES: u64 = 16 << 10;

/// The log, and where in it the present start begins.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) file: File,
    begin: u64,
}

pub(super) fn open(state: &StateDir) -> Result<Log, ServerError> {
    let path = state.log();
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > ROTATE_BYTES) {
        fs::rename(&path, path.with_extension("log.1")).map_err(ServerError::io("rename", &path))?;
    }
    let file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(&path);
    let file = file.map_err(ServerError::io("open", &path))?;
    let begin = file.metadata().map_err(ServerError::io("read", &path))?.len();
    Ok(Log { file, begin })
}

impl Log {
    /// The last lines since the start began; empty when they cannot be read, since the error that shows them matters
    /// more than they do.
    pub(super) fn tail(&self) -> String {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        let end = file.seek(SeekFrom::End(0)).unwrap_or(self.begin);
        let from = self.begin.max(end.saturating_sub(TAIL_BYTES));
        if file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut bytes)).is_err() {
            return String::new();
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.trim_end().lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}
