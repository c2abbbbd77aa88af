//! Flags, variables and the configuration file, made one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use freehold::isolation::MasterKey;
use freehold_control::CheckOptions;
use serde::Deserialize;

use crate::cli::Global;
use crate::failure::Advised;
use crate::output::Output;

/// What every command needs to know.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) output: Output,
    pub(crate) data: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) migrations: PathBuf,
    pub(crate) master_key_file: PathBuf,
    /// The catalog of a deployment that is not in the private PostgreSQL.
    pub(crate) catalog_url: Option<String>,
    /// Whether what is in the private PostgreSQL survives a crash of the machine.
    pub(crate) durable: bool,
    /// What `check` is to know of the databases.
    pub(crate) check: CheckOptions,
}

/// The configuration file. A flag or a variable goes before it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    catalog_url: Option<String>,
    master_key_file: Option<PathBuf>,
    migrations: Option<PathBuf>,
    #[serde(default)]
    postgres: Postgres,
    #[serde(default)]
    check: CheckOptions,
}

/// The private PostgreSQL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Postgres {
    durable: bool,
}

impl Default for Postgres {
    fn default() -> Self {
        Self { durable: true }
    }
}

/// The data directory unless a command says otherwise.
pub(crate) const DATA: &str = ".freehold";

/// A path that starts in a directory. What people read does not lead into it and out again.
fn joined(directory: &Path, path: &Path) -> PathBuf {
    match (path.strip_prefix(".."), directory.file_name(), directory.parent()) {
        (Ok(rest), Some(_), Some(parent)) if !directory.is_symlink() => parent.join(rest),
        _ => directory.join(path),
    }
}

impl Settings {
    /// Reads the configuration file, if there is one. Paths in it start where it is.
    pub(crate) fn read(global: &Global) -> anyhow::Result<Self> {
        let config = global.config.clone().unwrap_or_else(|| global.data.join("freehold.toml"));
        let file = match fs::read_to_string(&config) {
            Ok(text) => toml::from_str(&text).map_err(|error| not_toml(&config, &text, &error))?,
            // One that was asked for must be there.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && global.config.is_none() => File::default(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", config.display()));
            }
        };
        let beside = |path: PathBuf| joined(config.parent().unwrap_or(Path::new("")), &path);
        Ok(Self {
            output: Output::new(global.json, global.quiet),
            data: global.data.clone(),
            migrations: global
                .migrations
                .clone()
                .or_else(|| file.migrations.map(beside))
                .unwrap_or_else(|| PathBuf::from("migrations")),
            master_key_file: file.master_key_file.map_or_else(|| global.data.join("master.key"), beside),
            catalog_url: global.catalog_url.clone().or(file.catalog_url),
            durable: file.postgres.durable,
            check: file.check,
            config,
        })
    }

    /// How this program is called for the same deployment.
    pub(crate) fn program(&self) -> String {
        match self.data.to_str() {
            Some(DATA) | None => "freehold".to_owned(),
            Some(data) => format!("freehold --data {data}"),
        }
    }

    /// The key that contexts are sealed with.
    pub(crate) fn master_key(&self) -> anyhow::Result<MasterKey> {
        let path = &self.master_key_file;
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Advised::new(
                    format!("there is no master key in {}", path.display()),
                    "run `freehold init` for a new deployment, or name the directory of an existing one with --data",
                )
                .into());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        text.parse().with_context(|| format!("{} holds no master key", path.display()))
    }

    /// Where the private PostgreSQL keeps its files.
    pub(crate) fn postgres_dir(&self) -> PathBuf {
        freehold_postgres::reachable_state_dir(self.data.join("postgres"))
    }
}

/// Names the line, and does not repeat it: it may hold a password.
fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    anyhow!("{}, line {line}: {}", path.display(), error.message())
}
