//! Imports on record: how far they are, what became of them, and the pages that say so.

use std::time::{Duration, Instant};

use freehold::tenant::Model;
use freehold_testing::connect;
use http::Method;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::client::{Answer, Client};
use crate::support::Site;
use crate::trickle::{Trickle, latest, until};

const HEADER: &str = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";
const RECORD: &str = "2026-01-31,1,Works,Cafe,,\n";
const BOUNDARY: &str = "----a boundary";

/// The id that the form of the page has.
async fn form(client: &Client) -> String {
    let page = client.page("/imports").await.shows(200, "Send a file");
    page.split("action=\"/imports/").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn parts(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in files {
        let head =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Sends files as the form of the page does.
async fn send(client: &Client, id: &str, files: &[(&str, &[u8])]) -> Answer {
    let request = client.browsing(Method::POST, &format!("/imports/{id}"));
    let request = request.header("content-type", format!("multipart/form-data; boundary=\"{BOUNDARY}\""));
    client.send(request.body(Full::from(parts(files))).unwrap()).await
}

#[tokio::test]
async fn a_file_is_sent_on_a_page_and_imported_once_however_often_it_is_sent() {
    Site::under_each_model(async |twins| {
        let id = form(&twins.a).await;
        let file = format!("{HEADER}{RECORD}{RECORD}2026-02-30,1,<b>,Cafe,,\n");
        for _ in 0..2 {
            let answer = send(&twins.a, &id, &[("Ausgaben <b> 🎈.csv", file.as_bytes())]).await;
            assert_eq!(answer.leads(), format!("/imports/{id}"));
        }
        assert_eq!(twins.a.get("/api/expenses").await.json()["items"].as_array().unwrap().len(), 2);
        let page = twins.a.page(&format!("/imports/{id}")).await.shows(200, "2 imported");
        assert!(page.contains("Ausgaben &#60;b&#62; 🎈.csv") && page.contains("2026-02-30"), "{page}");
        twins.a.page("/imports").await.shows(200, "Ausgaben &#60;b&#62;");
        let rejections = twins.a.page(&format!("/imports/{id}/rejections.csv")).await.text();
        assert!(rejections.starts_with("Line,Reason\r\n4,\"date \"\"2026-02-30\"\" is not"), "{rejections}");
        let import = twins.a.get(&format!("/api/imports/{id}")).await.expect(200).json();
        for (field, value) in [
            ("state", json!("done")),
            ("imported", json!(2)),
            ("rejected", json!(1)),
            ("received_bytes", json!(file.len())),
            ("failure", Value::Null),
        ] {
            assert_eq!(import[field], value, "{field}: {import}");
        }

        for path in ["", "/rejections.csv"] {
            twins.b.page(&format!("/imports/{id}{path}")).await.shows(404, "Not found");
        }
        twins.b.submit(&format!("/imports/{id}/cancel"), &[]).await.shows(404, "Not found");
        assert!(!twins.b.page("/imports").await.text().contains("Ausgaben"));
        assert_eq!(twins.b.get("/api/imports").await.json(), json!({"items": [], "next": null}));
        // The id is one of b's own too: it says nothing about what a has.
        assert_eq!(send(&twins.b, &id, &[("b.csv", file.as_bytes())]).await.leads(), format!("/imports/{id}"));
        twins.b.page(&format!("/imports/{id}")).await.shows(200, "b.csv");
        twins.a.page(&format!("/imports/{id}")).await.shows(200, "Ausgaben");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_spending_file_is_told_in_words() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let good = format!("{HEADER}{RECORD}");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, good.repeat(1_000).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let open = format!("{HEADER}2026-01-31,1,\"Works,Cafe,,\n");
    for (what, content, words) in [
        ("empty", b"".as_slice(), "The file is empty"),
        ("a byte", b"x", "not the expected header"),
        ("wrong header", b"Date,Amount\n1,2\n", "it lacks Payment Date"),
        ("zip", b"PK\x03\x04\0\0\0\0", "should be the header"),
        ("html", b"<!doctype html><p>Not found", "not the expected header"),
        ("cut gzip", &packed[..packed.len() / 2], "not whole gzip data"),
        ("gzip's first bytes", &packed[..2], "not whole gzip data"),
        ("open quote", open.as_bytes(), "is never closed"),
        ("binary", &[0xff; 3_000_000], "should be the header"),
    ] {
        let id = form(&ann).await;
        let page = format!("/imports/{id}");
        assert_eq!(send(&ann, &id, &[(what, content)]).await.leads(), page, "{what}");
        let text = ann.page(&page).await.shows(200, "Nothing was imported");
        assert!(text.contains(words), "{what}: {text}");
        assert_eq!(latest(&ann).await["state"], "failed");
    }
    let id = form(&ann).await;
    let two = [("one.csv", good.as_bytes()), ("two.csv", good.as_bytes())];
    assert_eq!(send(&ann, &id, &two).await.leads(), format!("/imports/{id}"));
    ann.page(&format!("/imports/{id}")).await.shows(200, "More than one file was sent");
    let before = ann.get("/api/imports").await.json();
    send(&ann, &form(&ann).await, &[("", b"")]).await.shows(422, "Choose a file first");
    send(&ann, "no-id", &[("a.csv", good.as_bytes())]).await.shows(404, "Not found");
    ann.submit(&format!("/imports/{}", Uuid::now_v7()), &[]).await.shows(422, "the form is broken");
    assert_eq!(ann.get("/api/imports").await.json(), before, "what was never begun is not on record");
    assert_eq!(ann.get("/api/expenses").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_large_packed_file_passes_the_form_whole() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let file = format!("{HEADER}{}", RECORD.repeat(20_000));
    assert!(file.len() > 256 * 1024, "other bodies may have no more");
    let id = form(&ann).await;
    assert_eq!(send(&ann, &id, &[("a.csv", file.as_bytes())]).await.leads(), format!("/imports/{id}"));
    assert_eq!(latest(&ann).await["imported"], 20_000);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, file.as_bytes()).unwrap();
    // Its name says nothing: its first bytes do.
    send(&ann, &form(&ann).await, &[("a.csv", &packed.finish().unwrap())]).await.leads();
    assert_eq!(latest(&ann).await["imported"], 20_000);
}

#[tokio::test]
async fn members_see_imports_and_send_none() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let mia = ann.with_member("mia@example.com", "member").await;
    let file = format!("{HEADER}{RECORD}");
    let id = form(&ann).await;
    send(&ann, &id, &[("of ann.csv", file.as_bytes())]).await.leads();
    let list = mia.page("/imports").await.shows(200, "of ann.csv");
    assert!(!list.contains("multipart/form-data"));
    send(&mia, &Uuid::now_v7().to_string(), &[("a.csv", file.as_bytes())]).await.shows(403, "Not allowed");
    mia.submit(&format!("/imports/{id}/cancel"), &[]).await.shows(403, "Not allowed");
    mia.post(&format!("/api/imports/{id}/cancel"), json!({})).await.refused(403, "forbidden", "cancel imports");
    assert_eq!(send(&ann.nobody(), &id, &[("a.csv", file.as_bytes())]).await.leads(), "/login?next=%2Fsomewhere");
    // Another site's page, or another organisation's, sends no file.
    let request = ann.request(Method::POST, &format!("/imports/{}", Uuid::now_v7()));
    let request = request.header("sec-fetch-site", "same-site");
    let request = request.header("content-type", format!("multipart/form-data; boundary=\"{BOUNDARY}\""));
    let request = request.body(Full::from(parts(&[("a.csv", file.as_bytes())]))).unwrap();
    ann.send(request).await.refused(403, "cross_site", "another site");
    assert_eq!(ann.get("/api/imports").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_says_how_far_it_is_and_ends_when_it_is_cancelled() {
    Site::under_each_model(async |twins| {
        let ann = &twins.a;
        let trickle = Trickle::begin(ann);
        trickle.send(format!("{HEADER}{}", RECORD.repeat(5_000))).await;
        let import = until(ann, |import| import["imported"].as_i64() >= Some(4_000)).await;
        assert_eq!((&import["state"], &import["expected_bytes"]), (&json!("running"), &json!(1_000_000)));
        assert!(import["received_bytes"].as_u64().unwrap() > 100_000, "{import}");
        assert_eq!(ann.get("/api/expenses").await.json()["items"], json!([]), "nothing is seen before the end");
        let id = import["id"].as_str().unwrap();
        let page = ann.page(&format!("/imports/{id}")).await.shows(200, "% of the file is here");
        assert!(page.contains("Cancel the import") && page.contains("hx-trigger=\"every 1s\""), "{page}");
        // Another file waits.
        let answer = send(ann, &form(ann).await, &[("b.csv", b"x")]).await;
        answer.shows(409, "Another import of the organisation is under way");

        twins.b.post(&format!("/api/imports/{id}/cancel"), json!({})).await.refused(404, "not_found", "nothing");
        assert_eq!(ann.submit(&format!("/imports/{id}/cancel"), &[]).await.leads(), format!("/imports/{id}"));
        // It ends though the rest of the file does not come, and long before it would for that.
        let cancelled = Instant::now();
        let import = until(ann, |import| import["state"] != "running").await;
        assert!(cancelled.elapsed() < Duration::from_secs(20), "{:?}", cancelled.elapsed());
        assert_eq!((&import["state"], &import["imported"]), (&json!("cancelled"), &json!(0)), "{import}");
        assert!(import["finished_at"].is_string());
        drop(trickle.parts);
        if let Ok(answer) = timeout(Duration::from_secs(30), trickle.answer).await.expect("it is answered").unwrap() {
            answer.refused(409, "import_cancelled", "nothing was imported");
        }
        assert_eq!(ann.get("/api/expenses").await.json()["items"], json!([]));
        ann.post(&format!("/api/imports/{id}/cancel"), json!({})).await.expect(200);
        let done = ann.import(format!("{HEADER}{RECORD}")).await.expect(200).json();
        let path = format!("/api/imports/{}/cancel", done["id"].as_str().unwrap());
        ann.post(&path, json!({})).await.refused(409, "import_over", "nothing to cancel");
    })
    .await;
}

#[tokio::test]
async fn an_import_that_is_cancelled_when_all_is_read_keeps_nothing() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    let truth = site.truth("acme").await;
    truth.batch_execute("begin; lock table unit_totals in exclusive mode").await.unwrap();
    let importer = ann.clone();
    let import = tokio::spawn(async move { importer.import(format!("{HEADER}{RECORD}")).await });
    // Its sums are the last it writes.
    site.until_blocked("acme").await;
    let id = latest(&ann).await["id"].as_str().unwrap().to_owned();
    ann.post(&format!("/api/imports/{id}/cancel"), json!({})).await.expect(200);
    truth.batch_execute("commit").await.unwrap();
    import.await.unwrap().refused(409, "import_cancelled", "nothing was imported");
    assert_eq!(latest(&ann).await["state"], "cancelled");
    assert_eq!(ann.get("/api/expenses").await.json()["items"], json!([]));
}

#[tokio::test]
async fn an_import_whose_process_was_killed_is_shown_as_broken_off_and_the_next_takes_its_place() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let tenant = site.deployment.freehold.directory().find(&"acme".parse().unwrap()).unwrap();
    let truth = connect("postgres", site.deployment.data_database()).await;
    let path = "select set_config('search_path', (select id from freehold.placements where model = 'shared'), false)";
    truth.batch_execute(path).await.unwrap();
    let id = Uuid::now_v7();
    let killed = "insert into imports (tenant_id, id, state, imported, progress_at) values ($1, $2, 'running', 7, now() - $3::text::interval)";
    truth.execute(killed, &[tenant.id().as_uuid(), &id, &"3 seconds"]).await.unwrap();
    ann.import(format!("{HEADER}{RECORD}")).await.refused(409, "import_under_way", "wait");
    let age = "update imports set progress_at = now() - interval '2 minutes' where id = $1";
    truth.execute(age, &[&id]).await.unwrap();
    let page = ann.page(&format!("/imports/{id}")).await.shows(200, "It broke off");
    assert!(!page.contains("hx-trigger") && !page.contains("Cancel the import"), "{page}");
    let import = ann.get(&format!("/api/imports/{id}")).await.expect(200).json();
    assert_eq!((&import["state"], &import["imported"]), (&json!("failed"), &json!(0)));
    ann.post(&format!("/api/imports/{id}/cancel"), json!({})).await.refused(409, "import_over", "nothing to cancel");
    ann.import(format!("{HEADER}{RECORD}")).await.expect(200);
    let row = truth.query_one("select state from imports where id = $1", &[&id]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "failed");
}

#[tokio::test]
async fn an_import_that_lives_is_not_replaced_however_long_it_is_silent() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    let trickle = Trickle::begin(&ann);
    trickle.send(HEADER.to_owned()).await;
    let id = until(&ann, |import| import["state"] == "running").await["id"].clone();
    let tenant = site.deployment.freehold.directory().find(&"acme".parse().unwrap()).unwrap();
    let truth = connect("postgres", site.deployment.data_database()).await;
    let path = "select set_config('search_path', (select id from freehold.placements where model = 'schema'), false)";
    truth.batch_execute(path).await.unwrap();
    let age = "update imports set progress_at = now() - interval '11 seconds' where tenant_id = $1";
    assert_eq!(truth.execute(age, &[tenant.id().as_uuid()]).await.unwrap(), 1);
    ann.import(format!("{HEADER}{RECORD}")).await.refused(409, "import_under_way", "wait");
    trickle.send(RECORD.to_owned()).await;
    drop(trickle.parts);
    drop(trickle.answer);
    let import = until(&ann, |import| import["state"] != "running").await;
    assert_eq!(import["id"], id);
}

#[tokio::test]
async fn imports_are_listed_a_page_at_a_time() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for number in 0..52 {
        let id = Uuid::now_v7().to_string();
        send(&ann, &id, &[(&format!("file {number}."), format!("{HEADER}{RECORD}").as_bytes())]).await.leads();
    }
    let page = ann.page("/imports").await.shows(200, "file 51.");
    assert!(page.contains("file 2.") && !page.contains("file 1."));
    let next = page.split("\" rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
    let page = ann.page(next).await.shows(200, "file 1.");
    assert!(page.contains("file 0.") && !page.contains("file 2."));
    let first = ann.get("/api/imports").await.expect(200).json();
    let cursor = first["next"].as_str().unwrap();
    let second = ann.get(&format!("/api/imports?cursor={cursor}")).await.expect(200).json();
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (2, &Value::Null));
    ann.get("/api/imports?cursor=x").await.expect(422);
    let foreign = Uuid::now_v7();
    assert_eq!(ann.get(&format!("/api/imports?cursor={foreign}")).await.expect(200).json()["items"], json!([]));
}
