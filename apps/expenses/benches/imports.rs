//! The proof that imports are complete, fast and flat in memory: all real spending files, through the program as it is
//! shipped, into organisations under every model. `cargo bench -p expenses --bench imports`.

#![allow(clippy::unwrap_used, reason = "a proof that cannot go on says so by a panic")]

mod program;

use std::fs;
use std::time::Instant;

use bytes::Bytes;
use freehold::tenant::Model;
use freehold_testing::{Deployment, connect};
use futures_util::{SinkExt, StreamExt, pin_mut};
use program::Program;
use program::client::Client;
use serde_json::json;

/// The files by size, with what is valid in them: records, their sum in pence, skipped, rejected.
const FILES: [(&str, u64, i128, u64, u64); 8] = [
    ("harrogate", 22_426, 5_751_383_990, 0, 0),
    ("calderdale", 28_759, 13_529_606_588, 0, 0),
    ("darlington", 32_863, 21_919_386_345, 0, 0),
    ("salford", 41_645, 68_429_304_767, 0, 0),
    ("manchester", 58_846, 127_941_907_190, 0, 0),
    ("bradford", 181_087, 79_976_868_438, 0, 0),
    ("gateshead", 224_384, 54_557_375_869, 0, 0),
    ("leeds", 1_100_782, 576_239_996_809, 5, 1),
];

#[tokio::main]
async fn main() {
    let Some(folder) = program::spending_files() else { return };
    let deployment = program::deploy().await;
    let program = Program::start(&deployment).await;
    println!("{}, one request at a time", program::machine(&deployment).await);
    println!(
        "{:<12}{:<10}{:>10}{:>20}{:>9}{:>12}{:>14}",
        "file", "model", "records", "sum", "seconds", "records/s", "peak memory"
    );
    for ((name, records, pence, skipped, rejected), model) in FILES.into_iter().zip(Model::ALL.into_iter().cycle()) {
        let client = program.sign_up(name, model).await;
        let file = fs::read(folder.join(format!("{name}.csv.gz"))).unwrap();
        let start = Instant::now();
        let answer = client.import_packed(file).await.expect(200).json();
        let seconds = start.elapsed().as_secs_f64();
        let counts = json!([answer["imported"], answer["skipped"], answer["rejected"]]);
        assert_eq!(counts, json!([records, skipped, rejected]), "{name}");
        let sum = sum(&client).await;
        assert_eq!(sum, pence, "{name}");
        println!(
            "{name:<12}{model:<10}{records:>10}{:>20}{seconds:>9.2}{:>12.0}{:>11} kB",
            format!("{}.{:02}", sum / 100, sum % 100),
            records as f64 / seconds,
            program.peak_memory()
        );
    }
    let (rows, seconds) = copy_into_plain_table(&deployment).await;
    println!(
        "the rows of leeds by COPY into a plain table: {rows} in {seconds:.2} s, {:.0} rows/s",
        rows as f64 / seconds
    );
}

async fn sum(client: &Client) -> i128 {
    let report = client.get("/api/reports/monthly").await.expect(200).json();
    let totals = report["rows"].as_array().unwrap().iter().map(|row| row["total"].as_str().unwrap());
    totals.map(|total| total.replace('.', "").parse::<i128>().unwrap()).sum()
}

/// What PostgreSQL does with the same rows at its fastest: no index, no key, no policy.
async fn copy_into_plain_table(deployment: &Deployment) -> (u64, f64) {
    const COLUMNS: &str = "tenant_id, id, date, amount_minor, currency, supplier_id, category_id, unit_id, description, \
                           company_number, charity_number, status, created_by, created_at";
    let leeds = deployment.freehold.directory().find(&"leeds".parse().unwrap()).unwrap();
    let catalog = connect("postgres", deployment.catalog_database()).await;
    let place = "select p.database, p.id from catalog.tenants t join catalog.placements p on p.id = t.placement where t.id = $1";
    let row = catalog.query_one(place, &[leeds.id().as_uuid()]).await.unwrap();
    let database = connect("postgres", row.get(0)).await;
    let table = format!("{}.expenses", row.get::<_, &str>(1));

    let copy = format!("copy (select {COLUMNS} from {table} where tenant_id = '{}') to stdout", leeds.id());
    let rows = database.copy_out(&copy).await.unwrap();
    let rows: Vec<Bytes> = rows.map(Result::unwrap).collect().await;
    database
        .batch_execute(&format!("create table public.plain as select {COLUMNS} from {table} limit 0"))
        .await
        .unwrap();
    let start = Instant::now();
    let sink = database.copy_in::<_, Bytes>(&format!("copy public.plain ({COLUMNS}) from stdin")).await.unwrap();
    pin_mut!(sink);
    for row in rows {
        sink.feed(row).await.unwrap();
    }
    let copied = sink.finish().await.unwrap();
    (copied, start.elapsed().as_secs_f64())
}
