//! Where links between documents lead.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::document::{Document, Library};

/// The contents of the book.
const CONTENTS: &str = "docs/SUMMARY.md";

impl Library {
    /// The file that a link leads to, or what is wrong with it. `None` leads out of the repository, to another site.
    fn lead(&self, from: &Document, link: &str) -> Option<Result<PathBuf, String>> {
        let is_ours = !link.contains("://") && !link.starts_with("mailto:");
        is_ours.then(|| self.follow(from, link))
    }

    fn follow(&self, from: &Document, link: &str) -> Result<PathBuf, String> {
        let (path, anchor) = match link.split_once('#') {
            Some((path, anchor)) => (path, Some(anchor)),
            None => (link, None),
        };
        let mut target = match path {
            "" => from.path.clone(),
            path => below(&from.path, path).ok_or("leads out of the repository")?,
        };
        if self.root.join(&target).is_dir()
            && self.documents.contains_key(&target.join("README.md"))
        {
            target.push("README.md");
        }
        if !self.root.join(&target).exists() {
            return Err(format!("there is no {}", target.display()));
        }
        let headings = self
            .documents
            .get(&target)
            .map(|document| &document.anchors);
        match anchor {
            Some(anchor) if !headings.is_some_and(|headings| headings.contains(anchor)) => {
                Err(format!("{} has no heading for it", target.display()))
            }
            _ => Ok(target),
        }
    }

    fn broken_links(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for document in self.documents.values() {
            for link in &document.links {
                if let Some(Err(fault)) = self.lead(document, link) {
                    broken.push(format!("{}: ({link}): {fault}", document.path.display()));
                }
            }
        }
        broken
    }

    /// The documents that links of this one lead to.
    fn led_to(&self, document: &Document) -> Vec<PathBuf> {
        let links = document.links.iter();
        let led_to = links.filter_map(|link| self.lead(document, link)?.ok());
        led_to
            .filter(|path| self.documents.contains_key(path))
            .collect()
    }

    /// Documents below `docs` that the contents of the book have not, or have twice.
    fn out_of_the_book(&self) -> Vec<String> {
        let listed = self.led_to(&self.documents[Path::new(CONTENTS)]);
        let times = |path: &PathBuf| listed.iter().filter(|listed| *listed == path).count();
        let documents = self
            .documents
            .keys()
            .filter(|path| path.starts_with("docs"));
        documents
            .filter(|path| *path != Path::new(CONTENTS) && times(path) != 1)
            .map(|path| format!("{} is {} times in {CONTENTS}", path.display(), times(path)))
            .collect()
    }

    /// Documents that nobody finds who begins with the README and follows links.
    fn out_of_reach(&self) -> Vec<&Path> {
        let mut reached = BTreeSet::from([PathBuf::from("README.md"), PathBuf::from(CONTENTS)]);
        let mut ahead = vec![PathBuf::from("README.md")];
        while let Some(path) = ahead.pop() {
            for next in self.led_to(&self.documents[&path]) {
                if reached.insert(next.clone()) {
                    ahead.push(next);
                }
            }
        }
        let documents = self.documents.keys();
        documents
            .filter(|path| !reached.contains(*path))
            .map(PathBuf::as_path)
            .collect()
    }

    /// Paths that documents name in running text, and that are not there.
    fn wrong_paths(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for document in self.documents.values() {
            for span in &document.spans {
                let folder = span.split('/').next().unwrap_or_default();
                let is_path = ["apps", "bench", "crates", "deploy", "docs"].contains(&folder)
                    && span.contains('/')
                    && !span.contains([' ', '*', '<']);
                if is_path && !self.root.join(span).exists() {
                    wrong.push(format!("{}: there is no {span}", document.path.display()));
                }
            }
        }
        wrong
    }
}

/// Where a path leads that stands in the document `from`.
fn below(from: &Path, path: &str) -> Option<PathBuf> {
    let mut target = from.parent()?.to_owned();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => target.push(name),
            Component::ParentDir => target.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(target)
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let broken = Library::of_the_repository().broken_links();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_path_that_a_document_names_is_there() {
    let wrong = Library::of_the_repository().wrong_paths();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_book_has_every_document_once() {
    let missing = Library::of_the_repository().out_of_the_book();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_document_is_reached_from_the_readme() {
    let library = Library::of_the_repository();
    assert_eq!(library.out_of_reach(), Vec::<&Path>::new());
}

#[test]
fn faults_of_each_kind_are_seen() {
    let root = tempfile::tempdir().unwrap();
    let files = [
        (
            "README.md",
            "# One\n[two](docs) [gone](docs/gone.md) ![](gone.png) `docs/gone.rs` `docs`\n",
        ),
        (
            "docs/README.md",
            "## A `b`, c\n## A b c\n[a](#a-b-c) [b](#a-b-c-1) [c](#a-b-c-2) [d](https://example.com/e)\n",
        ),
        (
            "docs/SUMMARY.md",
            "- [Two](README.md)\n- [Two](README.md)\n",
        ),
        (
            "docs/lost.md",
            "[out](../../elsewhere.md) [root](/etc) [it](../file#here)\n",
        ),
        ("file", ""),
        ("target/built.md", "[gone](gone.md)"),
    ];
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let library = Library::at(root.path().to_owned());
    assert_eq!(
        library.broken_links(),
        [
            "README.md: (docs/gone.md): there is no docs/gone.md",
            "README.md: (gone.png): there is no gone.png",
            "docs/README.md: (#a-b-c-2): docs/README.md has no heading for it",
            "docs/lost.md: (../../elsewhere.md): leads out of the repository",
            "docs/lost.md: (/etc): leads out of the repository",
            "docs/lost.md: (../file#here): file has no heading for it",
        ]
    );
    assert_eq!(
        library.wrong_paths(),
        ["README.md: there is no docs/gone.rs"]
    );
    assert_eq!(
        library.out_of_the_book(),
        [
            "docs/README.md is 2 times in docs/SUMMARY.md",
            "docs/lost.md is 0 times in docs/SUMMARY.md",
        ]
    );
    assert_eq!(library.out_of_reach(), [Path::new("docs/lost.md")]);
}
