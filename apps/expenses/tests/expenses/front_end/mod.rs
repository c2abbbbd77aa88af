//! The front end on an origin of its own: built as its page says, and run by Node, which stands in for a browser.

use std::fs;
use std::path::{Path, PathBuf};

use freehold::tenant::Model;
use tokio::process::Command;

use crate::client::PASSWORD;
use crate::support::{Site, owner};

/// What npm says where no registry can be reached.
const AWAY: [&str; 7] =
    ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED"];

/// The files that are built, in a folder of their own: nothing is written beside the sources.
fn copy() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("front-end");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("front-end");
    fs::create_dir_all(folder.join("src")).unwrap();
    for file in ["package.json", "package-lock.json", "tsconfig.json", "src/api.ts", "src/main.ts"] {
        fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    folder
}

/// Runs npm in a folder. What it said if it failed; `None` where it is not installed.
async fn npm(folder: &Path, arguments: &[&str]) -> Option<Result<(), String>> {
    let output = Command::new("npm").args(arguments).current_dir(folder).output().await.ok()?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

/// The folder of the built front end, or `None` where it cannot be built: without npm, or without a registry.
async fn built() -> Option<PathBuf> {
    let folder = copy();
    let install = ["ci", "--prefer-offline", "--fetch-retries=0", "--no-audit", "--no-fund", "--ignore-scripts"];
    match npm(&folder, &install).await {
        None => println!("npm is not installed: the front end was not built (apt-get install npm)"),
        Some(Err(said)) if AWAY.iter().any(|code| said.contains(code)) => {
            println!("no registry of npm can be reached: the front end was not built");
        }
        Some(installed) => {
            installed.unwrap();
            npm(&folder, &["run", "build"]).await.unwrap().unwrap();
            return Some(folder.join("dist"));
        }
    }
    None
}

/// What the front end at an origin shows, line by line.
async fn visit(dist: &Path, origin: &str, site: &Site, password: &str) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expenses/front_end/visit.mjs");
    let base = format!("http://acme.localhost:{}", site.address.port());
    let mut node = Command::new("node");
    node.arg(script).arg(dist.join("api.js")).args([origin, &base, &owner("acme"), password]);
    let output = node.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_end_lists_expenses_from_another_origin_until_it_logs_out() {
    let Some(dist) = built().await else { return };
    assert!(dist.join("main.js").is_file(), "the page's own module is built too");
    let origin = "http://front.example:5173";
    let site = Site::start_with(|app| app.with_front_ends([origin.parse().unwrap()])).await;
    let ann = site.organisation("acme", Model::Schema).await;
    // More than two pages.
    let lines = (0..250).map(|pound| format!("2026-01-31,{pound}.50,Works,Cafe {pound},,\n"));
    let header = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n".to_owned();
    ann.import(header + &lines.collect::<String>()).await.expect(200);

    let mut shown = visit(&dist, origin, &site, PASSWORD).await;
    assert_eq!(shown.pop().as_deref(), Some("refused: unknown_key"), "the key ends with the log-out");
    shown.sort();
    let mut expected: Vec<_> = (0..250).map(|pound| format!("2026-01-31 {pound}.50 Cafe {pound} paid")).collect();
    expected.sort();
    assert_eq!(shown, expected);

    assert_eq!(visit(&dist, origin, &site, "battery staple").await, ["refused: wrong_credentials"]);
    let elsewhere = "http://evil.example";
    assert_eq!(
        visit(&dist, elsewhere, &site, PASSWORD).await,
        [format!("refused: CORS: the question is not for {elsewhere}")]
    );
}
