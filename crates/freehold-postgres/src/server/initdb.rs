//! Creating the data directory.

use std::{fs, io::ErrorKind, os::unix::fs::DirBuilderExt, path::Path};

use super::{ServerError, launch::Launch, state_dir::StateDir};

/// The first version with its own implementation of Unicode's rules, the same on every system.
const BUILTIN_LOCALES: u32 = 17;

/// The major version of the data in `data`, if there are any.
pub(super) fn version_of(data: &Path) -> Result<Option<u32>, ServerError> {
    let path = data.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => Err(ServerError::NoData { data_dir: data.to_owned() }),
        },
        Err(error) if error.kind() != ErrorKind::NotFound => Err(ServerError::io("read", path)(error)),
        Err(_) if data.exists() => Err(ServerError::NoData { data_dir: data.to_owned() }),
        Err(_) => Ok(None),
    }
}

/// Creates the data unless they are there. They get their name last, so that an interruption leaves none.
pub(super) fn ensure(state: &StateDir, launch: &Launch) -> Result<(), ServerError> {
    if version_of(&state.data())?.is_some() {
        return Ok(());
    }
    let mut result = Ok(());
    for locale in locales(launch.installation.version().major()) {
        result = create(state, launch, locale);
        if result.is_ok() {
            return fs::rename(state.staging(), state.data()).map_err(ServerError::io("rename", state.staging()));
        }
    }
    result
}

/// Sorting by code point everywhere, so that an index means the same after the system's libraries change; upper and
/// lower case by Unicode's rules where the system knows them.
fn locales(major: u32) -> &'static [&'static [&'static str]] {
    if major >= BUILTIN_LOCALES {
        &[&["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
    } else {
        &[&["--locale=C", "--lc-ctype=C.UTF-8"], &["--locale=C"]]
    }
}

fn create(state: &StateDir, launch: &Launch, locale: &[&str]) -> Result<(), ServerError> {
    let staging = state.staging();
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(ServerError::io("remove", &staging))?;
    }
    fs::DirBuilder::new().mode(0o700).create(&staging).map_err(ServerError::io("create", &staging))?;
    launch.account.own(&staging).map_err(ServerError::io("change the owner of", &staging))?;

    let program = launch.installation.program("initdb");
    let mut command = launch.account.command(&program);
    command.args(["--encoding=UTF8", "--username=postgres", "--data-checksums", "--no-instructions"]).args(locale);
    // For a start by hand, without our pg_hba.conf.
    command.args(["--auth-local=peer", "--auth-host=reject"]);
    if !launch.durable {
        command.arg("--no-sync");
    }
    let output = command.arg("--pgdata").arg(&staging).output().map_err(ServerError::io("start", &program))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ServerError::InitdbFailed { data_dir: state.data(), status: output.status, complaint })
}
