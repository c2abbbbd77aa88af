//! PostgreSQL from Debian's packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::account::Account;

use super::{Installation, InstallationError, run};

/// Read by Debian's `pg_createcluster`, which the packages call after their installation.
const CLUSTER_DEFAULTS: &str = "/etc/postgresql-common/createcluster.d";

/// Installs the package of the given major version, or the distribution's own choice.
pub(super) fn install(major: Option<u32>) -> Result<Installation, InstallationError> {
    if !Account::for_servers().is_switched() || !Path::new("/usr/bin/apt-get").exists() {
        return Err(InstallationError::NoPackages);
    }
    let package = major.map_or_else(|| "postgresql".to_owned(), |major| format!("postgresql-{major}"));
    run(apt_get().arg("update"))?;
    let _guard = NoMainCluster::set()?;
    run(apt_get().args(["install", "-y", "--no-install-recommends", &package]))?;
    Installation::find(major)
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("-q").env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

/// While it lives, installing PostgreSQL does not create and start a server of the system's.
///
/// Where the packages are present already the administrator's choice is left alone.
struct NoMainCluster(Option<PathBuf>);

impl NoMainCluster {
    fn set() -> Result<Self, InstallationError> {
        let directory = Path::new(CLUSTER_DEFAULTS);
        if Path::new("/usr/bin/pg_createcluster").exists() {
            return Ok(Self(None));
        }
        fs::create_dir_all(directory).map_err(InstallationError::io("create", directory))?;
        let file = directory.join("freehold.conf");
        fs::write(&file, "create_main_cluster = false\n").map_err(InstallationError::io("write", &file))?;
        Ok(Self(Some(file)))
    }
}

impl Drop for NoMainCluster {
    fn drop(&mut self) {
        if let Some(file) = &self.0
            && let Err(error) = fs::remove_file(file)
        {
            tracing::warn!(%error, "could not remove {}", file.display());
        }
    }
}
