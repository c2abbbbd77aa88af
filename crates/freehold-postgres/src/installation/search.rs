//! Where PostgreSQL may be.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::cache;

/// Directories that hold something named `postgres`, best first, each once.
pub(super) fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let all = along_path().into_iter().chain(told_by_pg_config()).chain(of_the_system()).chain(downloaded());
    for bin in all.filter(|bin| bin.join("postgres").exists()) {
        let bin = super::resolve(&bin);
        if !found.contains(&bin) {
            found.push(bin);
        }
    }
    found
}

fn along_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

fn told_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// Debian, Red Hat, a build from source, Homebrew on both kinds of Mac, Postgres.app.
fn of_the_system() -> Vec<PathBuf> {
    let mut all = versions_in("/usr/lib/postgresql".as_ref(), "");
    all.extend(versions_in("/usr".as_ref(), "pgsql-"));
    all.push("/usr/local/pgsql".into());
    all.extend(versions_in("/opt/homebrew/opt".as_ref(), "postgresql@"));
    all.extend(versions_in("/usr/local/opt".as_ref(), "postgresql@"));
    all.extend(versions_in("/Applications/Postgres.app/Contents/Versions".as_ref(), ""));
    all.into_iter().map(|prefix| prefix.join("bin")).collect()
}

fn downloaded() -> Vec<PathBuf> {
    cache::directories().iter().flat_map(|cache| versions_in(cache, "")).map(|prefix| prefix.join("bin")).collect()
}

/// Subdirectories named by `prefix` and a number, the highest first.
fn versions_in(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((major, entry.path()))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}
