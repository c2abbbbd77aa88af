use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::Context;
use freehold::isolation::{ExposeSecret, MasterKey};

use crate::failure::Outcome;
use crate::settings::Settings;

const CONFIG: &str = "\
# The configuration of `freehold`. Paths start in this directory.

# The catalog, as freehold_control. Without it, the private PostgreSQL in this directory is used.
# catalog_url = \"postgres://freehold_control@db.example/freehold_catalog\"

# The key that contexts are sealed with: keep a copy of it where you keep secrets.
# master_key_file = \"master.key\"

# The application's migrations.
# migrations = \"../migrations\"

[postgres]
# For tests: faster, but a crash of the machine ruins the data.
# durable = false
";

/// Keeps the key and the database out of the repository around them.
const IGNORE: &str = "*\n";

pub(crate) fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let written = initialise(settings)?;
    settings
        .output
        .print("written", &written, || written.join("\n"))?;
    if written.is_empty() {
        settings.output.note("everything was there already");
    } else {
        settings
            .output
            .note("next: `freehold migrate new create_things`, then `freehold up`");
    }
    Ok(Outcome::Done)
}

/// Writes what is not there yet, and says what. Nothing that exists is changed.
pub(crate) fn initialise(settings: &Settings) -> anyhow::Result<Vec<String>> {
    let data = &settings.data;
    // Without a right to list it; the private PostgreSQL inside may belong to another user.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(data)
        .with_context(|| format!("cannot create {}", data.display()))?;
    let mut written = Vec::new();
    let mut write = |path: &Path, mode: u32, text: &str| -> anyhow::Result<()> {
        if create(path, mode, text).with_context(|| format!("cannot write {}", path.display()))? {
            written.push(path.display().to_string());
        }
        Ok(())
    };
    write(&data.join(".gitignore"), 0o644, IGNORE)?;
    write(&settings.config, 0o644, CONFIG)?;
    let key = MasterKey::generate().to_secret_hex();
    write(
        &settings.master_key_file,
        0o600,
        &format!("{}\n", key.expose_secret()),
    )?;
    for directory in ["shared", "tenant"] {
        let directory = settings.migrations.join(directory);
        if !directory.is_dir() {
            fs::create_dir_all(&directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
            written.push(directory.display().to_string());
        }
    }
    Ok(written)
}

/// Whether the file was created; one that was there is left alone.
fn create(path: &Path, mode: u32, text: &str) -> std::io::Result<bool> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
    {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}
