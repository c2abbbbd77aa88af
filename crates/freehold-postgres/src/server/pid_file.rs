//! PostgreSQL's `postmaster.pid`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{ServerError, process, state_dir::StateDir};

/// What the file tells; PostgreSQL writes it line by line while it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    pub(super) port: u16,
    pub(super) socket_dir: PathBuf,
    pub(super) ready: bool,
}

pub(super) fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// The file's content; none when it is absent or has nothing to say yet.
pub(super) fn read(data: &Path) -> Result<Option<PidFile>, ServerError> {
    let path = path(data);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ServerError::io("read", path)(error)),
    }
}

/// The file's content if its process is there and is the server of these data, not one that got the same number later.
pub(super) fn running(data: &Path) -> Result<Option<PidFile>, ServerError> {
    Ok(read(data)?.filter(|file| process::works_in(file.pid, data)))
}

impl PidFile {
    pub(super) fn into_error(self, state: &StateDir) -> ServerError {
        ServerError::AlreadyRunning {
            state_dir: state.root().to_owned(),
            pid: self.pid,
            socket_dir: self.socket_dir,
            port: self.port,
        }
    }
}

/// The lines are: pid, data directory, start time, port, socket directory, TCP address, shared memory, status.
fn parse(text: &str) -> Option<PidFile> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    Some(PidFile {
        pid: lines.first()?.parse().ok()?,
        port: lines.get(3).and_then(|port| port.parse().ok()).unwrap_or_default(),
        socket_dir: lines.get(4).copied().unwrap_or_default().into(),
        ready: lines.get(7) == Some(&"ready"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_once_the_eighth_line_says_so() {
        let starting = "71\n/srv/data\n1\n5432\n/srv/run\n\n 1 2\nstarting\n";
        let file = PidFile { pid: 71, port: 5432, socket_dir: "/srv/run".into(), ready: false };
        assert_eq!(parse(starting), Some(file.clone()));
        assert_eq!(parse(&starting.replace("starting", "ready   ")), Some(PidFile { ready: true, ..file }));
    }

    #[test]
    fn a_file_that_is_still_being_written_is_no_error() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("71\n").map(|file| (file.pid, file.ready)), Some((71, false)));
    }
}
