use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use freehold::isolation::{ExposeSecret, MasterKey};
use freehold_control::Migrations;

use crate::failure::Outcome;
use crate::json::Document;
use crate::settings::Settings;

/// The configuration as it is written first. What follows is where the migrations are, and [`PRIVATE`].
const CONFIG: &str = "\
# The configuration of `freehold`. Paths start in this directory.

# The catalog, as freehold_control. Without it, the private PostgreSQL in this directory is used.
# catalog_url = \"postgres://freehold_control@db.example/freehold_catalog\"

# The key that contexts are sealed with: keep a copy of it where you keep secrets.
# master_key_file = \"master.key\"

# The application's migrations.
";

const PRIVATE: &str = "
[postgres]
# For tests: faster, but a crash of the machine ruins the data.
# durable = false

# What `freehold check` is to know of the databases. Without it, it finds out by itself.
[check]
# Rules to leave out: FH204, or FH7 for all that begin with it.
# ignore = [\"FH204\"]
# The columns that say whose a row is.
# tenant_columns = [\"tenant_id\"]
# What the application logs in as, or changes to.
# roles = [\"freehold_app\"]
# The schemas to look at.
# schemas = [\"public\"]
";

/// Keeps the key and the database out of the repository around them.
const IGNORE: &str = "*\n";

pub(crate) fn run(settings: &Settings, table: Option<&str>) -> anyhow::Result<Outcome> {
    let mut written = initialise(settings)?;
    if let Some(table) = table {
        let first = Migrations::create_first(&settings.migrations, table)?;
        written.extend(first.map(|path| path.display().to_string()));
    }
    settings.output.print(&Document::Written(&written), || written.join("\n"))?;
    if written.is_empty() {
        settings.output.note("everything was there already");
    } else {
        settings.output.note(match table {
            Some(_) => "next: write the table as you want it into the migration, then `freehold up`",
            None => "next: `freehold migrate new create_things`, then `freehold up`",
        });
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
    for directory in ["shared", "tenant"] {
        let directory = settings.migrations.join(directory);
        if !directory.is_dir() {
            fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
            written.push(directory.display().to_string());
        }
    }
    let mut write = |path: &Path, mode: u32, text: &str| -> anyhow::Result<()> {
        if create(path, mode, text).with_context(|| format!("cannot write {}", path.display()))? {
            written.push(path.display().to_string());
        }
        Ok(())
    };
    write(&data.join(".gitignore"), 0o644, IGNORE)?;
    write(&settings.config, 0o600, &configuration(settings)?)?;
    let key = MasterKey::generate().to_secret_hex();
    write(&settings.master_key_file, 0o600, &format!("{}\n", key.expose_secret()))?;
    Ok(written)
}

/// Notes where the migrations are, so that later commands need not be told.
fn configuration(settings: &Settings) -> anyhow::Result<String> {
    let directory = settings.config.parent().filter(|directory| !directory.as_os_str().is_empty());
    let path = relative(directory.unwrap_or(Path::new(".")), &settings.migrations)?;
    let line = path.to_str().map_or_else(String::new, |path| format!("migrations = {}\n", toml::Value::from(path)));
    Ok([CONFIG, &line, PRIVATE].concat())
}

/// The path of one directory as seen from another.
fn relative(from: &Path, to: &Path) -> std::io::Result<PathBuf> {
    let (from, to) = (from.canonicalize()?, to.canonicalize()?);
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    Ok(up.chain(to.components().skip(shared)).collect())
}

/// Whether the file was created; one that was there is left alone. It is there whole, on the disk, or not at all.
fn create(path: &Path, mode: u32, text: &str) -> anyhow::Result<bool> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(File::open(directory)?.sync_all().map(|()| true)?),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::File as Configuration;

    #[test]
    fn the_configuration_shows_every_key_there_is_and_what_it_shows_can_be_read() {
        let shown = format!("{CONFIG}migrations = \"migrations\"\n{PRIVATE}");
        let in_use: String = shown
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")).unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        let read = format!("{:?}", toml::from_str::<Configuration>(&in_use).unwrap());
        assert!(!read.contains("None") && !read.contains("[]"), "a key is not shown: {read}");
        assert!(toml::from_str::<Configuration>(&shown).is_ok(), "as it is written");
    }
}
