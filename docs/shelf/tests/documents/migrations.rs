use std::path::Path;

use freehold_testing::{Deployment, connect};
use tokio::runtime::Builder;

use crate::document::{Block, Document, Library, blocks_of};

const REFERENCE: &str = "reference/migrations.md";

/// A placement with the tables of the guide, for a migration to work in as `freehold migrate` would let it.
struct Placement {
    deployment: Deployment,
}

impl Placement {
    async fn new() -> Self {
        Self {
            deployment: Deployment::start(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations"))
                .await,
        }
    }

    /// Runs a block and takes it back. What the database said against it, as `freehold migrate` shows it.
    async fn try_out(&self, sql: &str) -> Result<(), String> {
        let client = connect("postgres", self.deployment.data_database()).await;
        let placement: String = client
            .query_one("select id from freehold.placements", &[])
            .await
            .unwrap()
            .get(0);
        let role = if sql.starts_with("-- freehold: backfill") {
            "freehold_control"
        } else {
            "freehold_owner"
        };
        let begin = format!(
            "begin; set local search_path = {placement}, pg_temp; set local row_security = off; set local role {role}"
        );
        client.batch_execute(&begin).await.unwrap();
        let result = client.batch_execute(sql).await.map_err(|error| {
            let error = error.as_db_error().unwrap_or_else(|| panic!("{error:?}"));
            let hint = error
                .hint()
                .map(|hint| format!("hint: {hint}\n"))
                .unwrap_or_default();
            format!("{}\n{hint}", error.message()).replace(&placement, "t_…")
        });
        client.batch_execute("rollback").await.unwrap();
        result
    }
}

fn run(test: impl Future<Output = ()>) {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

#[test]
fn what_the_reference_recommends_is_accepted() {
    run(async {
        let placement = Placement::new().await;
        for page in [REFERENCE, "../README.md"] {
            for Block { text, .. } in blocks_of(page).iter().filter(|block| block.kind == "sql") {
                if let Err(refusal) = placement.try_out(text).await {
                    panic!("{page}: {text}\n{refusal}");
                }
            }
        }
    });
}

#[test]
fn sql_is_shown_by_pages_whose_tests_run_it() {
    let library = Library::of_the_repository();
    let shows_sql = |document: &&Document| {
        document
            .blocks
            .iter()
            .any(|block| block.kind.starts_with("sql"))
    };
    let pages: Vec<_> = library
        .documents
        .values()
        .filter(shows_sql)
        .map(|document| &document.path)
        .collect();
    let run = [
        "README.md",
        "docs/guides/add-to-your-application.md",
        "docs/guides/resolvers.md",
        "docs/reference/migrations.md",
    ];
    assert_eq!(pages, run.map(Path::new));
}

#[test]
fn what_the_reference_shows_as_refused_is_refused_in_these_words() {
    run(async {
        let placement = Placement::new().await;
        let blocks = blocks_of(REFERENCE);
        for pair in blocks
            .windows(2)
            .filter(|pair| pair[0].kind == "sql refused")
        {
            let refusal = placement
                .try_out(&pair[0].text)
                .await
                .expect_err(&pair[0].text);
            assert_eq!(
                refusal, pair[1].text,
                "{REFERENCE} shows other words for\n{}",
                pair[0].text
            );
        }
    });
}

#[test]
fn the_operators_of_the_reference_are_leakproof_or_not_as_it_says() {
    run(async {
        let placement = Placement::new().await;
        let client = connect("postgres", placement.deployment.data_database()).await;
        for block in blocks_of(REFERENCE) {
            let leakproof = match block.kind.as_str() {
                "text leakproof" => true,
                "text leaks" => false,
                _ => continue,
            };
            for operator in block.text.split_whitespace() {
                let found = format!(
                    "select p.proleakproof from pg_operator o join pg_proc p on p.oid = o.oprcode \
                     where o.oid = '{operator}'::regoperator"
                );
                assert_eq!(
                    client
                        .query_one(&found, &[])
                        .await
                        .unwrap()
                        .get::<_, bool>(0),
                    leakproof,
                    "{operator}"
                );
            }
        }
    });
}
