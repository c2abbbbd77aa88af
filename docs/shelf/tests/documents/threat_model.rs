//! The tests that the threat model names.

use std::fs;
use std::path::Path;

use crate::document::{Document, root, text_of};

const PAGE: &str = "concepts/threat-model.md";

/// Whether a folder of tests has what a name leads to: a module, or a test in one.
fn is_there(folder: &Path, name: &str) -> bool {
    let path = folder.join(name.replace("::", "/"));
    if path.is_dir() || path.with_extension("rs").is_file() {
        return true;
    }
    let Some((module, test)) = name.rsplit_once("::") else {
        return false;
    };
    let module = folder.join(module.replace("::", "/"));
    let files = [module.with_extension("rs"), module.join("mod.rs")];
    let mut texts = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    texts.any(|text| text.contains(&format!("fn {test}(")))
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let document = Document::read(&root(), &Path::new("docs").join(PAGE));
    // "| `attack::` | `crates/...` |": where the names that begin so are.
    let text = text_of(PAGE);
    let folders: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .strip_suffix("` |")?
                .split_once("` | `")
        })
        .filter(|(prefix, _)| prefix.ends_with("::"))
        .collect();
    assert!(folders.len() > 3, "{folders:?}");

    let (mut named, mut before) = (0, "");
    for span in &document.spans {
        // `::another_test` is of the same module as the one before.
        let name = match span.strip_prefix("::") {
            Some(test) => format!("{before}::{test}"),
            None => span.clone(),
        };
        let Some((prefix, folder)) = folders.iter().find(|(prefix, _)| name.starts_with(prefix))
        else {
            continue;
        };
        if name == *prefix {
            continue;
        }
        let rest = &name[prefix.len()..];
        assert!(
            is_there(&root().join(folder), rest),
            "{PAGE} names {name}, which {folder} has not"
        );
        named += 1;
        if !span.starts_with("::") {
            before = span.rsplit_once("::").map_or("", |(module, _)| module);
        }
    }
    assert!(named > 30, "{named}");
    assert!(!is_there(&root().join(folders[0].1), "rows::no_such_test"));
}
