use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use nix::pty::openpty;

use crate::program::Program;

/// Runs a command with a terminal as its standard error. Returns what it wrote there.
fn on_terminal(mut command: Command) -> String {
    let terminal = openpty(None, None).unwrap();
    command.stdout(Stdio::null()).stderr(terminal.slave);
    let mut child = command.spawn().unwrap();
    // Reading ends, with an error, when nobody holds the other end any more.
    drop(command);
    let mut shown = Vec::new();
    let _ = File::from(terminal.master).read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn a_bar_shows_how_far_a_migration_is_where_people_look_on() {
    let program = Program::deployed();
    let mut version = 1;
    let mut migrate = |arguments: &[&str], variables: &[(&str, &str)]| {
        version += 1;
        program.write(&format!("migrations/tenant/{version:04}_wait.sql"), "select pg_sleep(0.3);\n");
        let mut command = program.command(&[&["migrate"], arguments].concat());
        command.env("TERM", "xterm").env_remove("NO_COLOR").envs(variables.iter().copied());
        command
    };
    let shown = on_terminal(migrate(&[], &[]));
    assert!(shown.contains("migrating") && shown.contains("0 of 1"), "{shown:?}");
    for arguments in [&["--json"][..], &["--quiet"]] {
        assert_eq!(on_terminal(migrate(arguments, &[])), "", "{arguments:?}");
    }
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        assert_eq!(on_terminal(migrate(&[], &[variable])), "", "{variable:?}");
    }
    let piped = migrate(&[], &[]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&piped.stderr), "", "no terminal, no bar");
}
