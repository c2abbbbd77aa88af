//! Where downloaded servers are kept, one directory for each major version.

use std::{env, path::PathBuf};

use crate::account::Account;

use super::InstallationError;

/// The caller's cache directory; for root also one outside its home, which other accounts usually cannot enter.
pub(super) fn directories() -> Vec<PathBuf> {
    let personal = env::var_os("XDG_CACHE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cache")));
    let common = Account::for_servers().is_switched().then(|| PathBuf::from("/var/cache"));
    personal.into_iter().chain(common).map(|cache| cache.join("freehold/postgres")).collect()
}

/// The first of [`directories`] from which the server's account can run programs.
pub(super) fn reachable() -> Result<PathBuf, InstallationError> {
    let account = Account::for_servers();
    let reachable = directories().into_iter().find(|cache| account.barrier(cache).is_none());
    reachable.ok_or(InstallationError::NoCache)
}
