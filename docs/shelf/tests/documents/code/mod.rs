//! Code that documents show. It is compiled here, or where its own test is; that of a crate's README with the crate's documentation.

use std::fs;
use std::path::Path;

use crate::document::{Document, Library};

/// The examples of pages that have no other test, with what they leave out.
#[expect(dead_code, reason = "nobody calls them: they are to compile")]
mod examples {
    mod logs;
    mod metrics;
    mod operator;
    mod readme;
    mod refused;
}

/// Without what formatting and being a module of a test change.
fn bare(text: &str) -> String {
    let bare: String = text.split_whitespace().collect();
    bare.replace("pub(insuper::super)", "").replace(",)", ")")
}

/// All that is compiled with these tests.
fn compiled(folder: &Path) -> Vec<String> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources.extend(compiled(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(bare(&fs::read_to_string(path).unwrap()));
        }
    }
    sources
}

fn is_compiled(sources: &[String], code: &str) -> bool {
    let code = bare(code);
    sources.iter().any(|source| source.contains(&code))
}

#[test]
fn the_code_that_documents_show_is_compiled() {
    let library = Library::of_the_repository();
    let sources = compiled(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut seen = 0;
    for Document { path, blocks, .. } in library.documents.values() {
        for block in blocks.iter().filter(|block| block.kind.starts_with("rust")) {
            if path.starts_with("crates") {
                continue;
            }
            let path = path.display();
            assert!(
                is_compiled(&sources, &block.text),
                "{path} shows code that no test compiles:\n{}",
                block.text
            );
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
    // Not as one word, or this file would have it.
    assert!(!is_compiled(&sources, &["db.", "red()"].concat()));
}
