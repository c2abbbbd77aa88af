use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use freehold::isolation::TokioPostgres;
use freehold_testing::{Twins, under_every_model};
use toml::{Table, Value};

use crate::document::{blocks_of, root};

const GUIDE: &str = "guides/add-to-your-application.md";

#[test]
fn the_guide_shows_the_files_of_this_application() {
    let blocks = blocks_of(GUIDE);
    for file in [
        "src/main.rs",
        "src/tests.rs",
        "migrations/tenant/0001_create_books.sql",
        "migrations/tenant/0002_create_loans.sql",
    ] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(
            blocks.iter().any(|block| block.text == text),
            "{GUIDE} shows another {file}"
        );
    }
}

/// What stands in a manifest for one dependency.
#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    version: Option<String>,
    without_defaults: bool,
    features: BTreeSet<String>,
}

impl Dependency {
    fn of(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let features = value.get("features").and_then(Value::as_array);
        Self {
            version: text(value.get("version").unwrap_or(value)),
            without_defaults: value.get("default-features").and_then(Value::as_bool) == Some(false),
            features: features.into_iter().flatten().filter_map(text).collect(),
        }
    }
}

#[test]
fn the_guide_asks_for_the_dependencies_of_this_application() {
    let manifest = |path: &str| -> Table {
        fs::read_to_string(root().join(path))
            .unwrap()
            .parse()
            .unwrap()
    };
    let (own, workspace) = (manifest("docs/shelf/Cargo.toml"), manifest("Cargo.toml"));
    let block = blocks_of(GUIDE)
        .into_iter()
        .find(|block| block.kind == "toml")
        .unwrap();
    let shown: Table = block.text.parse().unwrap();
    let names =
        |table: &Value| -> BTreeSet<String> { table.as_table().unwrap().keys().cloned().collect() };
    assert_eq!(names(&shown["dependencies"]), names(&own["dependencies"]));
    for section in ["dependencies", "dev-dependencies"] {
        for (name, value) in shown[section].as_table().unwrap() {
            let known = &workspace["workspace"]["dependencies"][name];
            if let Some(path) = value.get("path") {
                // The clone is beside the new application.
                let path = path.as_str().unwrap().trim_start_matches("../freehold/");
                assert_eq!(known["path"].as_str(), Some(path), "{name}");
                continue;
            }
            let (shown, mut known) = (Dependency::of(value), Dependency::of(known));
            known
                .features
                .extend(Dependency::of(&own[section][name]).features);
            assert_eq!(shown.version, known.version, "{name}");
            assert_eq!(shown.without_defaults, known.without_defaults, "{name}");
            assert!(
                shown.features.is_subset(&known.features),
                "{name}: {shown:?}, {known:?}"
            );
        }
    }
}

under_every_model! {
    "migrations";

    async fn the_query_of_the_guide_counts_the_loans_of_one_organisation(twins: Twins) {
        twins.seed("insert into books (id, title, pages) select gen_random_uuid(), 'Emma', 512").await;
        twins.seed("insert into loans (id, book_id, reader) select gen_random_uuid(), id, 'Ada' from books").await;
        let query = blocks_of(GUIDE).into_iter().find(|block| block.kind == "sql query").unwrap();
        let rows = twins.a.db::<TokioPostgres>().read().ad_hoc(&query.text, &[]).await.unwrap();
        let rows: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(rows, [("Emma".to_owned(), 1)]);
    }
}
