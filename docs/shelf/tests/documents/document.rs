use std::fs;
use std::path::Path;

/// A fenced block of a document.
#[derive(Debug)]
pub(crate) struct Block {
    /// What stands behind the fence: the language, and what kind of block this is.
    pub(crate) kind: String,
    pub(crate) text: String,
}

/// A document, named by its path below `docs`.
pub(crate) fn text_of(document: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(document);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of a document, named by its path below `docs`.
pub(crate) fn blocks_of(document: &str) -> Vec<Block> {
    let text = text_of(document);
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => {
                open = Some(Block {
                    kind: kind.to_owned(),
                    text: String::new(),
                })
            }
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document}: a block is not closed");
    blocks
}
