//! The pages that the application declares. axum's router does not tell, so they are read where they are declared.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where routes are declared that are no pages of an organisation's host: sign-up is at the base host, metrics are at a port of
/// their own, assets belong to nobody, and the API is covered by way of its description.
const OTHERS: [&str; 4] = ["signup/pages.rs", "monitor.rs", "web/assets.rs", "openapi.rs"];

/// The addresses of an organisation's pages and of what its forms are sent to, as the router writes them.
#[derive(Debug)]
pub(super) struct Routes {
    pub(super) pages: BTreeSet<String>,
    pub(super) targets: BTreeSet<String>,
}

impl Routes {
    pub(super) fn declared() -> Self {
        let mut routes = Self { pages: BTreeSet::new(), targets: BTreeSet::new() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        routes.read(&source, &source);
        routes
    }

    fn read(&mut self, source: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read(source, &path);
            } else if !OTHERS.iter().any(|other| path == source.join(other)) {
                self.read_file(&fs::read_to_string(&path).unwrap(), &path);
            }
        }
    }

    fn read_file(&mut self, text: &str, path: &Path) {
        for other in [".nest(", ".nest_service(", ".route_service("] {
            assert!(!text.contains(other), "{} has routes that are declared by {other}", path.display());
        }
        for declared in text.split(".route(").skip(1) {
            let mut quoted = declared.split('"');
            let (before, template) = (quoted.next().unwrap(), quoted.next().unwrap_or_default());
            assert!(before.trim().is_empty(), "{} has a route whose address is not written out", path.display());
            let handlers = arguments(declared);
            let (gets, posts) = (handlers.contains("get("), handlers.contains("post("));
            assert!(gets || posts, "{} has a route of another method: {handlers}", path.display());
            if gets {
                self.pages.insert(template.to_owned());
            }
            if posts {
                self.targets.insert(template.to_owned());
            }
        }
    }

    /// The route of an address, as the router finds it: of those that fit the one with the most that is written out.
    pub(super) fn of<'r>(&'r self, address: &str) -> Option<&'r str> {
        let path = address.split('?').next().unwrap_or_default();
        let fits = |template: &&String| {
            let (mut parts, mut wanted) = (path.split('/'), template.split('/'));
            loop {
                match (parts.next(), wanted.next()) {
                    (None, None) => return true,
                    (Some(part), Some(wanted)) if part == wanted || wanted.starts_with('{') => {}
                    _ => return false,
                }
            }
        };
        let fitting = self.pages.iter().chain(&self.targets).filter(fits);
        fitting.min_by_key(|template| template.matches('{').count()).map(String::as_str)
    }
}

/// What is written up to the bracket that closes the call.
fn arguments(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|character| {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}
