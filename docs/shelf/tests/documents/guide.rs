use std::fs;
use std::path::Path;

use freehold::isolation::TokioPostgres;
use freehold_testing::{Twins, under_every_model};

use crate::block::blocks_of;

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
