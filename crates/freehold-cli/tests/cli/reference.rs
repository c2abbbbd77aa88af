use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::Program;

#[test]
fn the_reference_in_the_documents_is_that_of_the_program() {
    let program = Program::new();
    program.ok(&["reference", "."]);
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    for file in ["cli.md", "json.md", "json.schema.json"] {
        let (written, committed) = (program.path(file), documents.join(file));
        assert!(
            fs::read(written).unwrap() == fs::read(committed).unwrap_or_default(),
            "docs/reference/{file} is not what the program says: run `./dev reference`"
        );
    }
}

#[test]
fn completions_are_scripts_that_know_every_command() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = program.ok(&["completions", shell]);
        for word in ["rename", "undelete", "--grace-days", "pooler"] {
            assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
        // Its own shell reads it without complaint, where there is one.
        let read = Command::new(shell).args(["-n", "/dev/stdin"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        if let Ok(mut read) = read {
            std::io::Write::write_all(&mut read.stdin.take().unwrap(), script.as_bytes()).unwrap();
            let read = read.wait_with_output().unwrap();
            assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr));
        }
    }
    assert_eq!(program.run(&["completions", "ksh"]).code, Some(1));
}

#[test]
fn every_command_has_a_manual_page() {
    let program = Program::new();
    program.ok(&["man", "share/man1"]);
    let page = |name: &str| fs::read_to_string(program.path(&format!("share/man1/{name}.1"))).unwrap();
    assert!(page("freehold").contains("freehold\\-tenant(1)"), "{}", page("freehold"));
    for (name, says) in [("freehold-tenant-rename", "reserve"), ("freehold-pg", "start"), ("freehold-up", "ready")] {
        assert!(page(name).contains(says), "{}", page(name));
    }
    assert!(!program.path("share/man1/freehold-child.1").exists(), "a hidden command has none");
    program.write("file", "");
    let refused = program.run(&["man", "file"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("into file"), "{refused:#?}");
}
