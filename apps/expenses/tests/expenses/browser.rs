//! The whole of it in a real browser, as people have it: chromium, driven by what is in `tests/browser`.

use std::env;
use std::path::Path;
use std::process::Stdio;

use freehold::tenant::Model;
use freehold_testing::tool;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::support::Site;

const BROWSER: &str = "/usr/bin/chromium-headless-shell";

/// What the story asks for: the link of a letter.
#[derive(Deserialize)]
struct Asked {
    host: String,
    email: String,
    subject: String,
}

/// Two organisations live through the story, the first under this model and the second under another.
///
/// `FREEHOLD_SCREENSHOTS` names a directory that each page is kept in, as it is seen by day, by night and on a phone.
async fn story(model: Model, scripts: bool) {
    let Some(packages) = tool("browser").filter(|_| Path::new(BROWSER).exists()) else {
        return println!("nothing was tried in a browser: chromium-headless-shell, node and npm are needed");
    };
    let site = Site::start().await;
    let next = Model::ALL.iter().cycle().skip_while(|&&other| other != model).nth(1).unwrap();
    let told = json!({
        "base": format!("http://localhost:{}", site.address.port()),
        "scripts": scripts,
        // The pages are the same under each model, and axe needs scripts.
        "closely": scripts && model == Model::Shared,
        "shots": env::var("FREEHOLD_SCREENSHOTS").ok(),
        "first": { "slug": "anna", "model": model.as_str() },
        "second": { "slug": "zoe", "model": next.as_str() },
    });
    let mut child = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/story.mjs"))
        .arg(told.to_string())
        .current_dir(packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut answers = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let Ok(asked) = serde_json::from_str::<Asked>(&line) else {
            println!("{line}");
            continue;
        };
        let letter = site.mailbox.letter(&asked.email, &asked.subject).await;
        answers.write_all(format!("{}\n", letter.link(&asked.host)).as_bytes()).await.unwrap();
    }
    assert!(child.wait().await.unwrap().success(), "the story broke off: the lines above say where");
}

#[tokio::test]
async fn two_organisations_live_through_the_story_under_shared() {
    story(Model::Shared, true).await;
}

#[tokio::test]
async fn two_organisations_live_through_the_story_under_schema() {
    story(Model::Schema, true).await;
}

#[tokio::test]
async fn two_organisations_live_through_the_story_under_database() {
    story(Model::Database, true).await;
}

#[tokio::test]
async fn the_story_is_the_same_without_scripts_under_shared() {
    story(Model::Shared, false).await;
}

#[tokio::test]
async fn the_story_is_the_same_without_scripts_under_schema() {
    story(Model::Schema, false).await;
}

#[tokio::test]
async fn the_story_is_the_same_without_scripts_under_database() {
    story(Model::Database, false).await;
}
