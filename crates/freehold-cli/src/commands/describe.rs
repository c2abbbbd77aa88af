//! What the program tells of itself: completions for shells, manual pages, the reference of the documents.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Outcome;
use crate::output::line;
use crate::reference;

/// Prints completions for a shell.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "freehold", &mut script);
    line(&String::from_utf8(script)?)?;
    Ok(Outcome::Done)
}

/// Writes a manual page for each command.
pub(crate) fn man(directory: &Path) -> anyhow::Result<Outcome> {
    let write = || -> io::Result<()> {
        fs::create_dir_all(directory)?;
        clap_mangen::generate_to(Cli::command(), directory)
    };
    write().with_context(|| format!("cannot write manual pages into {}", directory.display()))?;
    Ok(Outcome::Done)
}

/// Writes the reference.
pub(crate) fn reference(directory: &Path) -> anyhow::Result<Outcome> {
    for (name, text) in reference::files(&Cli::command())? {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Outcome::Done)
}
