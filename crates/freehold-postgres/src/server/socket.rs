//! The directory of the Unix socket.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::{account::Account, fingerprint::fingerprint};

use super::ServerError;

/// The longest path of a socket: 107 bytes on Linux, 103 on macOS. One limit for both keeps the choice the same.
const LONGEST: usize = 103;
const LONGEST_NAME: &str = "/.s.PGSQL.65535";

/// The directory: `run` in the state directory, or where that cannot serve one with a short name made from its path.
pub(super) fn directory(state_dir: &Path, account: &Account) -> PathBuf {
    let near = state_dir.join("run");
    if can_serve(&near) { near } else { short_base(account).join(format!("freehold-{}", fingerprint(state_dir))) }
}

/// Clients take a comma in a host for a list of hosts.
fn can_serve(directory: &Path) -> bool {
    let path = directory.as_os_str();
    path.len() + LONGEST_NAME.len() <= LONGEST && !path.to_string_lossy().contains(',')
}

fn short_base(account: &Account) -> PathBuf {
    let system = if account.is_switched() {
        Path::new("/run").is_dir().then(|| PathBuf::from("/run/freehold"))
    } else {
        Some(PathBuf::from(format!("/run/user/{}", account.uid()))).filter(|directory| directory.is_dir())
    };
    system.unwrap_or_else(env::temp_dir)
}

/// Creates the directory anew, open to the server's account alone (root needs no permission). A socket or its lock
/// file from before a crash goes with the old one.
pub(super) fn create(directory: &Path, state_dir: &Path, account: &Account) -> Result<(), ServerError> {
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).map_err(ServerError::io("create", parent))?;
    }
    match fs::symlink_metadata(directory) {
        Ok(metadata) if metadata.is_dir() && (directory.starts_with(state_dir) || is_ours(&metadata, account)) => {
            fs::remove_dir_all(directory).map_err(ServerError::io("remove", directory))?;
        }
        // In a shared directory someone else may have taken the name, to read along.
        Ok(_) => {
            return Err(ServerError::SocketDirTaken { socket_dir: directory.to_owned() });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(ServerError::io("read", directory)(error)),
    }
    fs::DirBuilder::new().mode(0o700).create(directory).map_err(ServerError::io("create", directory))?;
    account.own(directory).map_err(ServerError::io("change the owner of", directory))
}

/// Removes a directory outside the state directory, which nobody would find later.
pub(super) fn remove(directory: &Path) -> Result<(), ServerError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ServerError::io("remove", directory)(error)),
        _ => Ok(()),
    }
}

fn is_ours(metadata: &fs::Metadata, account: &Account) -> bool {
    metadata.uid() == account.uid() || metadata.uid() == nix::unistd::geteuid().as_raw()
}

/// Percent-encodes all but unreserved characters, as part of a URL.
pub(super) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
