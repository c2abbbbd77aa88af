//! What documents say that `./dev` does.

use std::fs;

use crate::document::{Library, root};

/// The lines of `./dev help`, each of one command.
fn usage() -> Vec<String> {
    let script = fs::read_to_string(root().join("dev")).unwrap();
    let (_, text) = script.split_once("usage: ./dev COMMAND\n\n").unwrap();
    let (text, _) = text.split_once("\nTXT").unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// Whether the usage has this command, and what comes first behind it.
fn is_told(usage: &[String], command: &str) -> bool {
    let mut words = command.split_whitespace();
    let (name, what) = (words.next().unwrap_or_default(), words.next());
    let Some(line) = usage
        .iter()
        .find(|line| line.split(' ').next() == Some(name))
    else {
        return false;
    };
    // "prove NAME   ...: one, another": one of them is named.
    match (what, line.split_once(" NAME ")) {
        (Some(what), Some((_, told))) if what != "NAME" => {
            let names = told.rsplit_once(": ").map_or("", |(_, names)| names);
            names.split(", ").any(|name| name == what)
        }
        _ => true,
    }
}

#[test]
fn every_command_of_the_script_is_one_that_it_tells_of() {
    let usage = usage();
    let mut seen = 0;
    for document in Library::of_the_repository().documents.values() {
        let typed = document.blocks.iter().filter(|block| block.kind == "sh");
        let lines = typed.flat_map(|block| block.text.lines());
        for text in lines.chain(document.spans.iter().map(String::as_str)) {
            let Some((_, command)) = text.split_once("./dev ") else {
                continue;
            };
            assert!(
                is_told(&usage, command),
                "{}: ./dev has no {command}",
                document.path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
    assert!(!is_told(&usage, "tset") && !is_told(&usage, "bench scopes"));
    assert!(is_told(&usage, "bench scope") && is_told(&usage, "run --port 8081"));
}
