//! What a page takes an organisation of 1.1 million expenses, beside one of 22 thousand under the same load: a minute of mixed
//! requests under each model, to the program as it is shipped. `cargo bench -p expenses --bench pages [-- MODEL...]`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on says so by a panic")]

mod connection;
mod deck;
mod load;
#[path = "../program/mod.rs"]
mod program;
mod table;
mod visit;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use deck::{Body, Organisation};
use freehold::tenant::Model;
use freehold_testing::Deployment;
use program::Program;

/// How long the mixed load lasts.
const LOAD: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() {
    let Some(folder) = program::spending_files() else { return };
    // What cargo says itself, `--bench`, names no model.
    let wanted: Vec<Model> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let deployment = program::deploy().await;
    let program = Program::start(&deployment).await;
    println!("{}, {} clients", program::machine(&deployment).await, load::CLIENTS);
    for model in Model::ALL.into_iter().filter(|model| wanted.is_empty() || wanted.contains(model)) {
        let large = found(&program, &deployment, &folder, &deck::LARGE, model).await;
        let small = found(&program, &deployment, &folder, &deck::SMALL, model).await;
        let organisations = [large, small];
        let alone = load::one_after_the_other(program.address, &organisations).await;
        let mixed = load::mixed(program.address, &organisations, LOAD).await;
        println!("\n## `{model}`\n");
        table::print(&organisations, &alone, &mixed);
        println!("\npeak memory of the program: {} kB", program.peak_memory());
        if model == Model::ALL[0] || !wanted.is_empty() {
            println!("\n## Bytes and requests, `{model}`\n");
            visit::print(program.address, &organisations[0].owner).await;
            println!("\n## In a browser, `{model}`\n");
            visit::paint(&organisations[0].owner);
        }
    }
}

/// An organisation with all that a public body spent, and statistics of it, as autovacuum makes them a minute later.
async fn found(
    program: &Program,
    deployment: &Deployment,
    folder: &Path,
    body: &'static Body,
    model: Model,
) -> Organisation {
    let owner = program.sign_up(&format!("{}-{model}", body.name), model).await;
    let file = fs::read(folder.join(format!("{}.csv.gz", body.name))).unwrap();
    let start = Instant::now();
    let imported = owner.import_packed(file).await.expect(200).json()["imported"].clone();
    assert_eq!(imported, body.records, "{}", body.name);
    eprintln!("{} under {model}: {imported} expenses in {:.1} s", body.name, start.elapsed().as_secs_f64());
    let tenant = deployment.freehold.directory().find(&owner.slug().parse().unwrap()).unwrap();
    deployment.truth(&tenant).await.batch_execute("vacuum (analyze)").await.unwrap();
    Organisation::of(body, owner).await
}
