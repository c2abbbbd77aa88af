use std::fmt::Write;

use clap::{Arg, Command};

use super::cell;

const HEAD: &str = "\
# The command line

Every command of `freehold`, as `--help` tells it. This page is made from the program itself: `./dev reference` writes it anew.

`freehold completions bash` (or `zsh`, `fish`) prints completions for a shell, `freehold man DIRECTORY` writes manual pages. What
`--json` prints is in [JSON](json.md).
";

/// The page of all commands.
pub(super) fn page(command: &Command) -> String {
    let mut command = command.clone();
    command.build();
    let mut page = HEAD.to_owned();
    if let Some(about) = command.get_long_about() {
        let _ = write!(page, "\n{about}\n");
    }
    let _ =
        write!(page, "\n## Options of every command\n\n{}", table(command.get_arguments().filter(|arg| is_told(arg))));
    for subcommand in told(&command) {
        section(&mut page, subcommand);
    }
    page
}

/// A command with its options, then the commands below it. One that only groups others is a heading for them.
fn section(page: &mut String, command: &Command) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let _ = write!(page, "\n## {name}\n");
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        let _ = write!(page, "\n{about}\n");
    }
    let own: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_global_set() && is_told(arg)).collect();
    if !command.is_subcommand_required_set() {
        let usage = command.clone().render_usage().to_string();
        let _ = write!(page, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: "));
    }
    if !own.is_empty() {
        let _ = write!(page, "\n{}", table(own.into_iter()));
    }
    for subcommand in told(command) {
        section(page, subcommand);
    }
}

fn told(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set() && subcommand.get_name() != "help")
}

fn is_told(arg: &Arg) -> bool {
    !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

fn table<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    let mut table = "| | |\n|---|---|\n".to_owned();
    for arg in args {
        let mut meaning = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() && arg.get_action().takes_values() {
            let _ = write!(meaning, " [default: {}]", defaults.join(", "));
        }
        if let Some(variable) = arg.get_env() {
            let _ = write!(meaning, " (variable `{}`)", variable.to_string_lossy());
        }
        let _ = writeln!(table, "| `{}` | {} |", cell(&written(arg)), cell(&meaning));
    }
    table
}

/// An argument as it is typed.
fn written(arg: &Arg) -> String {
    let value = arg.get_value_names().unwrap_or_default().join(" ");
    let flag = match (arg.get_long(), arg.get_short()) {
        (Some(long), Some(short)) => format!("-{short}, --{long}"),
        (Some(long), None) => format!("--{long}"),
        (None, Some(short)) => format!("-{short}"),
        (None, None) if arg.is_last_set() => return format!("-- {value}..."),
        (None, None) => return value,
    };
    if arg.get_action().takes_values() { format!("{flag} {value}") } else { flag }
}
