use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A document of the repository, and what a test may ask of it.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// Below the root of the repository.
    pub(crate) path: PathBuf,
    /// Where its links and pictures lead, as written.
    pub(crate) links: Vec<String>,
    /// What stands behind `#` in a link to one of its headings.
    pub(crate) anchors: HashSet<String>,
    /// Code within a line.
    pub(crate) spans: Vec<String>,
    pub(crate) blocks: Vec<Block>,
}

/// A fenced block of a document.
#[derive(Debug)]
pub(crate) struct Block {
    /// What stands behind the fence: the language, and what kind of block this is.
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Document {
    pub(crate) fn read(root: &Path, path: &Path) -> Self {
        let file = root.join(path);
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut document = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    document.add_anchor(&heading.take().unwrap_or_default());
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) => {
                    let text = String::new();
                    let kind = kind.into_string();
                    block = Some(Block { kind, text });
                }
                Event::End(TagEnd::CodeBlock) => document.blocks.extend(block.take()),
                Event::Code(code) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&code);
                    }
                    document.spans.push(code.into_string());
                }
                Event::Text(text) => {
                    if let Some(block) = &mut block {
                        block.text.push_str(&text);
                    } else if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        document
    }

    /// GitHub's rule, which is mdBook's for what headings here have in them.
    fn add_anchor(&mut self, heading: &str) {
        let anchor: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let mut taken = 0;
        let mut unique = anchor.clone();
        while !self.anchors.insert(unique.clone()) {
            taken += 1;
            unique = format!("{anchor}-{taken}");
        }
    }
}

/// Every document of a repository.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) root: PathBuf,
    /// By their paths below the root.
    pub(crate) documents: BTreeMap<PathBuf, Document>,
}

impl Library {
    pub(crate) fn of_the_repository() -> Self {
        Self::at(root())
    }

    pub(crate) fn at(root: PathBuf) -> Self {
        let mut paths = Vec::new();
        collect(&root, Path::new(""), &mut paths);
        let read = |path: PathBuf| (path.clone(), Document::read(&root, &path));
        let documents = paths.into_iter().map(read).collect();
        Self { root, documents }
    }
}

fn collect(root: &Path, folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        let is_others =
            name.starts_with('.') || ["target", "node_modules"].contains(&name.as_str());
        if entry.file_type().unwrap().is_dir() && !is_others {
            collect(root, &path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of a document, named by its path below `docs`.
pub(crate) fn text_of(document: &str) -> String {
    let path = root().join("docs").join(document);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of a document, named by its path below `docs`.
pub(crate) fn blocks_of(document: &str) -> Vec<Block> {
    Document::read(&root(), &Path::new("docs").join(document)).blocks
}
