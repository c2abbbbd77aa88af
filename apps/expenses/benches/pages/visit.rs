//! What a browser fetches for a page when it was never here before, and when it was, and when it shows something.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use freehold_testing::tool;
use serde_json::json;

use http::header::{CACHE_CONTROL, CONTENT_ENCODING};

use crate::connection::{Connection, Received};
use crate::program::client::Client;

const PAGES: [(&str, &str); 4] =
    [("overview", "/"), ("list", "/expenses"), ("charts", "/reports"), ("suppliers", "/suppliers")];

/// A file that pages refer to, and its bytes on the wire.
struct File {
    address: String,
    packed: u64,
    packing: String,
    plain: u64,
}

/// Prints a row for each page, and below what each file has.
pub(crate) async fn print(address: SocketAddr, owner: &Client) {
    let mut connection = Connection::open(address).await;
    println!(
        "| page | requests, first visit | bytes packed | as they are | requests, later | bytes packed | as they are |"
    );
    println!("|---|{}", "---:|".repeat(6));
    let mut files: Vec<File> = Vec::new();
    for (name, path) in PAGES {
        let plain = connection.plain_page(owner, path).await;
        let packed = connection.page(owner, path).await;
        assert!(packed.headers.contains_key(CONTENT_ENCODING), "{path} is packed");
        assert!(!plain.headers.contains_key(CONTENT_ENCODING), "{path} is as it is");
        let (mut requests, mut bytes) = (1, (packed.bytes, plain.bytes));
        for file in files_of(&String::from_utf8_lossy(&plain.body)) {
            let plain = connection.plain_page(owner, &file).await;
            let packed = connection.page(owner, &file).await;
            assert!(is_kept(&plain) && is_kept(&packed), "{file} is kept for good");
            requests += 1;
            bytes = (bytes.0 + packed.bytes, bytes.1 + plain.bytes);
            if !files.iter().any(|known| known.address == file) {
                let packing = packed.headers.get(CONTENT_ENCODING).map_or("", |packing| packing.to_str().unwrap());
                let packing = packing.to_owned();
                files.push(File { address: file, packed: packed.bytes, packing, plain: plain.bytes });
            }
        }
        println!("| {name} | {requests} | {} | {} | 1 | {} | {} |", bytes.0, bytes.1, packed.bytes, plain.bytes);
    }
    println!("\n| file | bytes packed | by | as they are |\n|---|---:|---|---:|");
    for File { address, packed, packing, plain } in files {
        println!("| {} | {packed} | {packing} | {plain} |", address.rsplit('/').next().unwrap_or_default());
    }
}

/// Prints what a browser makes of the same pages, where there is one.
pub(crate) fn paint(owner: &Client) {
    let Some(packages) = tool("browser") else {
        return eprintln!("no browser: `./dev test` puts what drives one below the target directory");
    };
    println!(
        "| page | requests, first visit | bytes | something to see | requests, later | bytes | something to see |"
    );
    println!("|---|{}", "---:|".repeat(6));
    let told = json!({
        "address": format!("http://{}", owner.host),
        "cookie": owner.cookie.as_ref().unwrap(),
        "paths": PAGES.map(|(_, path)| path),
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/paint.mjs");
    let node = Command::new("node").arg(script).arg(told.to_string()).current_dir(packages).status().unwrap();
    assert!(node.success(), "the browser broke off");
}

/// Styles, scripts and pictures that a page refers to.
fn files_of(page: &str) -> Vec<String> {
    let addresses =
        page.split(['"']).filter(|text| ["/assets/", "/brand/", "/logo/"].iter().any(|place| text.starts_with(place)));
    addresses.map(str::to_owned).collect()
}

/// Whether a browser asks for it once and never again.
fn is_kept(received: &Received) -> bool {
    let kept = received.headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    received.status == 200 && kept.contains("immutable") && kept.contains("max-age=31536000")
}
