use crate::document::blocks_of;

/// The examples of the page, as they are there.
mod examples {
    mod attack;
    mod twins;
    mod worker;
}

#[test]
fn the_page_on_testing_shows_tests_that_run() {
    let examples = [
        ("twins", include_str!("examples/twins.rs")),
        ("attack", include_str!("examples/attack.rs")),
        ("worker", include_str!("examples/worker.rs")),
    ];
    let blocks = blocks_of("guides/testing.md");
    for (name, text) in examples {
        let kind = format!("rust {name}");
        let block = blocks.iter().find(|block| block.kind == kind).unwrap();
        assert_eq!(block.text, text, "{kind}");
    }
}
