//! The directory with everything of one server.
//!
//! ```text
//! data/           PostgreSQL's own, of the server's account, 0700
//! run/            the socket, likewise (elsewhere when the path is too long)
//! freehold.conf   settings           pg_hba.conf   who may log in
//! server.log      messages           lock          held by the owner
//! detached        present while the server runs without an owner on purpose
//! ```
//!
//! All but the first two belong to us: where we are root, nothing that the server's account can write is opened for
//! writing by us, since it could have been turned into a link to any file of the system.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{account::Account, fingerprint::fingerprint};

use super::ServerError;

/// `preferred`, or a directory of this machine's state where the account that servers run as cannot reach that.
///
/// Only root runs servers as someone else, for example in a clone below its home of mode 0700. The other directory is
/// `/var/lib/freehold/<name>-<fingerprint of the preferred path>`: the same one each time. Callers should tell the
/// user where the data are.
pub fn reachable_state_dir(preferred: impl AsRef<Path>) -> PathBuf {
    let preferred = preferred.as_ref();
    let resolved = resolve(preferred);
    match resolved.parent().and_then(|parent| Account::for_servers().barrier(parent)) {
        None => preferred.to_owned(),
        Some(_) => {
            let name = resolved.file_name().unwrap_or_default().to_string_lossy();
            Path::new("/var/lib/freehold").join(format!("{name}-{}", fingerprint(&resolved)))
        }
    }
}

/// Where the tests of a build keep the server of one major version for the next run: below the build's target directory.
pub fn tests_state_dir(target: impl AsRef<Path>, major: u32) -> PathBuf {
    reachable_state_dir(target.as_ref().join("freehold-testing").join(major.to_string()))
}

/// Absolute, with links of the existing part resolved.
fn resolve(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for existing in absolute.ancestors() {
        if let (Ok(resolved), Ok(rest)) = (existing.canonicalize(), absolute.strip_prefix(existing)) {
            return resolved.components().chain(rest.components()).collect();
        }
    }
    absolute
}

#[derive(Debug)]
pub(super) struct StateDir(PathBuf);

impl StateDir {
    /// Creates the directory where needed, and makes sure that `account` can get to it.
    pub(super) fn prepare(path: &Path, account: &Account) -> Result<Self, ServerError> {
        let root = resolve(path);
        if root.to_str().is_none_or(|path| path.chars().any(char::is_control)) {
            return Err(ServerError::UnusablePath { path: root });
        }
        if let Some(barrier) = root.parent().and_then(|parent| account.barrier(parent)) {
            return Err(ServerError::Unreachable { account: account.name().to_owned(), state_dir: root, barrier });
        }
        let fresh: Vec<_> = root.ancestors().filter(|directory| !directory.exists()).collect();
        fs::create_dir_all(&root).map_err(ServerError::io("create", &root))?;
        if account.is_switched() {
            // Our umask may be strict, and a directory for temporary files is: let the server through, not look.
            for directory in fresh.into_iter().chain([root.as_path()]) {
                pass_through(directory).map_err(ServerError::io("open", directory))?;
            }
        }
        Ok(Self(root))
    }

    /// The directory of a server that was started before.
    pub(super) fn open(path: &Path) -> Result<Self, ServerError> {
        match path.canonicalize() {
            Ok(root) => Ok(Self(root)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(ServerError::NotRunning { state_dir: path.to_owned() })
            }
            Err(error) => Err(ServerError::io("find", path)(error)),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    pub(super) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Where new data are made, so that an interrupted creation is not taken for data.
    pub(super) fn staging(&self) -> PathBuf {
        self.0.join("data.new")
    }

    pub(super) fn config(&self) -> PathBuf {
        self.0.join("freehold.conf")
    }

    pub(super) fn hba(&self) -> PathBuf {
        self.0.join("pg_hba.conf")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("server.log")
    }

    pub(super) fn is_detached(&self) -> bool {
        self.detached().exists()
    }

    pub(super) fn mark_detached(&self) -> Result<(), ServerError> {
        let mark = self.detached();
        fs::write(&mark, "").map_err(ServerError::io("write", mark))
    }

    pub(super) fn unmark_detached(&self) -> Result<(), ServerError> {
        let mark = self.detached();
        match fs::remove_file(&mark) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(ServerError::io("remove", mark)(error)),
            _ => Ok(()),
        }
    }

    fn detached(&self) -> PathBuf {
        self.0.join("detached")
    }
}

fn pass_through(directory: &Path) -> std::io::Result<()> {
    let mode = fs::metadata(directory)?.permissions().mode();
    fs::set_permissions(directory, fs::Permissions::from_mode(mode | 0o011))
}
