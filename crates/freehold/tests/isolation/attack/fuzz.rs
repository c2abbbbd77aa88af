use freehold::tenant::Model;
use freehold_testing::{Siege, sqlsmith};

/// A third of what all models stand together.
const STATEMENTS: usize = 6_700;
/// Those of them that SQLsmith writes, where it is installed.
const BY_SQLSMITH: usize = 700;

/// Statements that a grammar and SQLsmith make up, run by A while B and C use the same pool. `FREEHOLD_FUZZ_SEED` repeats what was
/// made up; `./dev prove hostile-sql` is the same at full size.
async fn siege(model: Model) {
    let seed = std::env::var("FREEHOLD_FUZZ_SEED").map_or(20_261_121, |seed| seed.parse().unwrap());
    println!("FREEHOLD_FUZZ_SEED={seed}");
    let siege = Siege::lay(model).await;
    let database = siege.database().await;
    let by_sqlsmith = tokio::task::spawn_blocking(move || sqlsmith(&database, seed, BY_SQLSMITH)).await.unwrap();
    if by_sqlsmith.is_none() {
        println!("SQLsmith is not installed: the grammar writes all statements");
    }
    let by_sqlsmith = by_sqlsmith.unwrap_or_default();
    let grammar = siege.grammar().await;
    let tally = siege.run(&grammar, seed, STATEMENTS - by_sqlsmith.len(), by_sqlsmith).await;
    println!("{tally}");
    assert!(tally.leaks.is_empty(), "{:#?}", tally.leaks);
    assert!(
        tally.statements >= STATEMENTS && tally.answered > tally.statements / 8,
        "too few statements were good SQL"
    );
    assert!(tally.served > tally.statements / 20, "B and C were kept out");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_that_programs_write_gives_b_away_under_shared() {
    siege(Model::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_that_programs_write_gives_b_away_under_schema() {
    siege(Model::Schema).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_that_programs_write_gives_b_away_under_database() {
    siege(Model::Database).await;
}
