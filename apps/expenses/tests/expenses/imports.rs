use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use freehold::tenant::Model;
use http::Method;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::client::Client;
use crate::support::Site;
use crate::trickle::{Trickle, until};

const HEADER: &str = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";

fn packed(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_ref()).unwrap();
    packed.finish().unwrap()
}

/// Nothing of a file is there: not an expense, not a name.
async fn assert_empty(client: &Client) {
    assert_eq!(client.get("/api/expenses").await.expect(200).json()["items"], json!([]));
    assert_eq!(client.get("/api/reports/by-unit").await.expect(200).json()["rows"], json!([]));
}

#[tokio::test]
async fn a_file_becomes_expenses_and_tells_what_did_not() {
    Site::under_each_model(async |twins| {
        let file = format!(
            "{HEADER}2026-01-31,\"1,234.50\", Works ,\u{a0}Cafe\u{a0},123,\n\
             2026-01-31,\"1,234.50\",Works,Cafe,123,\n\n,,,,,\n2026-02-30,1,Works,Cafe,,\n\
             2026-02-01,(0.05),,cafe,,C1\n2026-02-01,5,Works,\"two\nlines\",,\n2026-02-01,x,Works,Cafe,,\n"
        );
        for (number, packing) in ["plain", "gzip"].into_iter().enumerate() {
            let client = if number == 0 { &twins.a } else { &twins.b };
            let answer =
                if number == 0 { client.import(file.clone()).await } else { client.import_packed(packed(&file)).await };
            let answer = answer.expect(200).json();
            assert_eq!(
                (&answer["imported"], &answer["skipped"], &answer["rejected"]),
                (&json!(4), &json!(1), &json!(2)),
                "{packing}"
            );
            let rejections = &answer["rejections"];
            assert_eq!(rejections[0]["line"], 6);
            assert!(rejections[0]["reason"].as_str().unwrap().contains("2026-02-30"), "{rejections}");
            assert_eq!(rejections[1]["line"], 10);
            let all = client.get(answer["rejections_url"].as_str().unwrap()).await.expect(200).json();
            assert_eq!(all, json!({"items": rejections, "next": null}));

            let items = client.get("/api/expenses").await.expect(200).json()["items"].as_array().unwrap().clone();
            assert_eq!(items.len(), 4);
            assert!(
                items
                    .iter()
                    .all(|item| item["status"] == "paid" && item["currency"] == "GBP" && item["category"] == "")
            );
            let genuine: Vec<_> = items.iter().filter(|item| item["amount"] == "1234.50").collect();
            assert_eq!(genuine.len(), 2, "duplicates stay");
            assert_eq!((&genuine[0]["supplier"], &genuine[0]["unit"]), (&json!("Cafe"), &json!("Works")));
            assert!(
                items.iter().any(|item| item["supplier"] == "cafe" && item["amount"] == "-0.05" && item["unit"] == "")
            );
            assert!(items.iter().any(|item| item["supplier"] == "two\nlines"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_second_file_uses_the_names_of_the_first() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for _ in 0..2 {
        ann.import(format!("{HEADER}2026-01-31,1,Works,Cafe,,\n")).await.expect(200);
    }
    ann.add(json!({"date": "2026-01-31", "amount": "1.00", "supplier": "Cafe", "unit": "Works"})).await;
    let rows = ann.get("/api/reports/by-unit").await.json();
    assert_eq!(rows, json!({"rows": [{"unit": "Works", "count": 3, "total": "3.00"}]}));
    assert_eq!(ann.get("/api/expenses?supplier=Cafe").await.json()["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_fatal_fault_leaves_nothing_of_the_file() {
    Site::under_each_model(async |twins| {
        // Enough records for several batches to be stored before the fault comes.
        let good = "2026-01-31,1,Works,Cafe,,\n".repeat(10_000);
        let gzip = packed(format!("{HEADER}{good}"));
        let damaged = [&gzip[..gzip.len() - 9], b"xxxxxxxxx"].concat();
        for (what, file, is_packed, words) in [
            ("empty", Vec::new(), false, "empty"),
            ("wrong header", b"Date,Amount\n1,2\n".to_vec(), false, "Payment Date"),
            ("open quote", format!("{HEADER}{good}2026-01-31,1,\"Works,Cafe,,\n").into_bytes(), false, "line 10002"),
            ("cut gzip", gzip[..gzip.len() / 2].to_vec(), true, "gzip"),
            ("damaged gzip", damaged, true, "gzip"),
            ("no gzip", format!("{HEADER}{good}").into_bytes(), true, "gzip"),
            ("gzip unannounced", gzip.clone(), false, "header"),
            ("binary", vec![0; 3_000_000], false, "header"),
        ] {
            println!("{what}");
            let answer = if is_packed { twins.a.import_packed(file).await } else { twins.a.import(file).await };
            let problem = answer.expect(422).json();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(words) && detail.contains("nothing was imported"), "{what}: {detail}");
            assert_empty(&twins.a).await;
        }
        twins.a.import_packed(gzip).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_and_does_not_hold_up_the_next() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    let trickle = Trickle::begin(&ann);
    trickle.send(format!("{HEADER}{}", "2026-01-31,1,Works,Cafe,,\n".repeat(10_000))).await;
    until(&ann, |import| import["state"] == "running" && import["imported"].as_i64() > Some(0)).await;
    // A second import is told to wait for the first.
    let small = format!("{HEADER}2026-01-31,1,Works,Cafe,,\n");
    let busy = ann.import(small.clone()).await.expect(409);
    assert_eq!(busy.json()["code"], "import_under_way");
    // Names that it brings, and one of others, keep nobody waiting.
    let named =
        json!({"date": "2026-01-30", "amount": "1.00", "supplier": "Cafe", "unit": "Works", "category": "food"});
    let posted = timeout(Duration::from_secs(10), async { ann.post("/api/expenses", named).await.expect(201).json() });
    let posted = posted.await.expect("it waits for the import");
    ann.delete(&format!("/api/expenses/{}", posted["id"].as_str().unwrap())).await.expect(204);
    trickle.parts.send(Err(std::io::Error::other("the cable was pulled"))).await.unwrap();
    assert!(trickle.answer.await.unwrap().is_err());
    let answer = loop {
        // The server learns of the end in its own time.
        let answer = ann.import(small.clone()).await;
        if answer.status != 409 {
            break answer.expect(200).json();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(answer["imported"], 1);
    assert_eq!(ann.get("/api/expenses").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn several_gzip_members_are_one_file() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let members = [packed(HEADER), packed("2026-01-31,1,Works,Ca"), packed("fe,,\n2026-01-31,2,Works,Cafe,,")].concat();
    assert_eq!(ann.import_packed(members).await.expect(200).json()["imported"], 2);
    assert_eq!(ann.get("/api/reports/monthly").await.json()["rows"][0]["total"], "3.00");
}

#[tokio::test]
async fn names_may_be_as_long_as_a_record() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    // Two that differ in their last character, beyond everything an index entry could hold.
    let long = "é".repeat(200_000);
    let answer = ann
        .import(format!("{HEADER}2026-01-31,1,,{long}a,,\n2026-01-31,1,,{long}b,,\n2026-01-31,1,,{long}a,,\n"))
        .await;
    assert_eq!(answer.expect(200).json()["imported"], 3);
    let items = ann.get("/api/expenses").await.expect(200).json()["items"].as_array().unwrap().clone();
    let ends: Vec<_> = items.iter().map(|item| item["supplier"].as_str().unwrap().chars().last().unwrap()).collect();
    assert_eq!(ends, ['a', 'b', 'a']);
}

#[tokio::test]
async fn the_answer_lists_a_thousand_rejections_and_the_address_all_that_are_kept() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let file = format!("{HEADER}{}2026-01-31,1,u,s,,\n", "x\n".repeat(120_000));
    let answer = ann.import(file).await.expect(200).json();
    assert_eq!((&answer["imported"], &answer["rejected"]), (&json!(1), &json!(120_000)));
    let first = answer["rejections"].as_array().unwrap();
    assert_eq!((first.len(), &first[0]["line"], &first[999]["line"]), (1_000, &json!(2), &json!(1_001)));
    let url = answer["rejections_url"].as_str().unwrap();
    let (mut lines, mut cursor) = (Vec::<u64>::new(), Value::Null);
    loop {
        let page = match cursor.as_u64() {
            Some(line) => ann.get(&format!("{url}?cursor={line}")).await,
            None => ann.get(url).await,
        };
        let page = page.expect(200).json();
        lines.extend(page["items"].as_array().unwrap().iter().map(|item| item["line"].as_u64().unwrap()));
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert!(lines.iter().copied().eq(2..=100_001), "{} lines", lines.len());
}

#[tokio::test]
async fn members_do_not_import_and_other_encodings_are_not_read() {
    let site = Site::start().await;
    let owner = site.organisation("acme", Model::Shared).await;
    let member = owner.with_member("mia@example.com", "member").await;
    let file = format!("{HEADER}2026-01-31,1,u,s,,\n");
    // Large enough for the answer to come while the client still sends.
    let large = format!("{HEADER}{}", "2026-01-31,1,u,s,,\n".repeat(200_000));
    member.import(large.clone()).await.refused(403, "forbidden", "import");
    owner.nobody().import(large).await.refused(401, "not_logged_in", "log in");
    let brotli =
        owner.request(Method::POST, "/api/import").header("content-encoding", "br").body(Full::from(file)).unwrap();
    owner.send(brotli).await.refused(415, "unsupported_encoding", "gzip");
    assert_empty(&owner).await;
}
