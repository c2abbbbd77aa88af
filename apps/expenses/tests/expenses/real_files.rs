//! The spending files of real public bodies, through the whole application.

use std::env;
use std::path::{Path, PathBuf};

use freehold::tenant::Model;

use crate::client::Client;
use crate::support::Site;

/// Files that are small enough for every run, what is valid in them, and its sum in pence.
const FILES: [(&str, u64, i128); 5] = [
    ("calderdale", 28_759, 13_529_606_588),
    ("darlington", 32_863, 21_919_386_345),
    ("harrogate", 22_426, 5_751_383_990),
    ("manchester", 58_846, 127_941_907_190),
    ("salford", 41_645, 68_429_304_767),
];

#[tokio::test]
async fn real_files_are_imported_to_the_penny() {
    let Some(folder) = folder() else {
        println!("skipped: no spending files; FREEHOLD_SHARED_DATA names the folder that has them");
        return;
    };
    let site = Site::start().await;
    for ((name, count, pence), model) in FILES.into_iter().zip(Model::ALL.into_iter().cycle()) {
        let client = site.organisation(name, model).await;
        let file = std::fs::read(folder.join(format!("{name}.csv.gz"))).unwrap();
        assert_eq!(client.import_packed(file).await.expect(200).json()["imported"], count, "{name}");
        for report in ["/api/reports/monthly", "/api/reports/by-unit"] {
            assert_eq!(sums(&client, report).await, (count, pence), "{name}, {model}: {report}");
        }
        assert_page(&client, count, pence).await;
    }
}

async fn sums(client: &Client, report: &str) -> (u64, i128) {
    let report = client.get(report).await.expect(200).json();
    let rows = report["rows"].as_array().unwrap();
    let count = rows.iter().map(|row| row["count"].as_u64().unwrap()).sum();
    let pence = rows.iter().map(|row| row["total"].as_str().unwrap().replace('.', "").parse::<i128>().unwrap()).sum();
    (count, pence)
}

/// The page of reports has the API's figures, to the penny: the sum of all, each month, the first units and suppliers.
async fn assert_page(client: &Client, count: u64, pence: i128) {
    let page = client.page("/reports?from=&to=").await.shows(200, "By supplier");
    let all = format!("{}</strong> in {} expenses", shown(&pence.to_string()), grouped(&count.to_string()));
    assert!(page.contains(&all), "{all}");
    for (report, name, rows) in
        [("monthly", "month", 600), ("by-unit", "unit", 0), ("by-supplier?limit=15", "supplier", 15)]
    {
        let report = client.get(&format!("/api/reports/{report}")).await.expect(200).json();
        let mut figures: Vec<_> = report["rows"].as_array().unwrap().iter().collect();
        if rows == 0 {
            figures.sort_by_key(|row| -row["total"].as_str().unwrap().replace('.', "").parse::<i128>().unwrap());
            figures.truncate(15);
        }
        for row in figures {
            let sum = shown(&row["total"].as_str().unwrap().replace('.', ""));
            let figure = format!("<td class=\"amount\">{}</td>", grouped(&row["count"].to_string()));
            let credit = if sum.starts_with('-') { " credit" } else { "" };
            let figure = format!("{figure}<td class=\"amount{credit}\">{sum}</td>");
            assert!(page.contains(&figure), "{name} {row}: {figure}");
        }
        if let Some(others) = report.get("others") {
            let figure = format!("{}</td></tr>", shown(&others["total"].as_str().unwrap().replace('.', "")));
            assert!(page.contains(&figure), "{figure}");
        }
    }
}

/// Pence as the page writes them.
fn shown(pence: &str) -> String {
    let (sign, digits) = pence.strip_prefix('-').map_or(("", pence), |digits| ("-", digits));
    let digits = format!("{digits:0>3}");
    let (pounds, pence) = digits.split_at(digits.len() - 2);
    let pounds = pounds.trim_start_matches('0');
    format!("{sign}£{}.{pence}", grouped(if pounds.is_empty() { "0" } else { pounds }))
}

fn grouped(digits: &str) -> String {
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

fn folder() -> Option<PathBuf> {
    let data = env::var_os("FREEHOLD_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    Some(data.join("public-spending")).filter(|folder| folder.is_dir())
}
