use freehold::tenant::Model;
use serde_json::{Value, json};

use crate::client::Client;
use crate::support::Site;

fn lunch() -> Value {
    json!({"date": "2026-01-31", "amount": "12.50", "supplier": "Cafe", "category": "Meals", "unit": "Sales", "description": "lunch"})
}

#[tokio::test]
async fn an_expense_is_created_read_changed_and_deleted() {
    Site::under_each_model(async |twins| {
        let ann = twins.a;
        let created = ann.post("/api/expenses", lunch()).await.expect(201).json();
        let id = created["id"].as_str().unwrap().to_owned();
        let path = format!("/api/expenses/{id}");
        let mut expected = lunch();
        expected["id"] = id.into();
        expected["currency"] = "GBP".into();
        expected["status"] = "submitted".into();
        expected["version"] = 1.into();
        assert_eq!(created, expected);
        assert_eq!(ann.get(&path).await.expect(200).json(), expected);

        for (version, (field, value)) in [
            ("amount", json!("-0.05")),
            ("date", json!("2025-12-31")),
            ("supplier", json!("Other")),
            ("category", json!("")),
            ("status", json!("approved")),
            ("description", json!("two lunches")),
        ]
        .into_iter()
        .enumerate()
        {
            let changed = ann.change(&path, json!({field: value})).await.expect(200).json();
            expected[field] = value;
            expected["version"] = (version + 2).into();
            assert_eq!(changed, expected);
        }
        let outdated = json!({"version": 1, "amount": "1.00"});
        ann.patch(&path, outdated).await.refused(409, "changed_meanwhile", "somebody else");
        ann.patch(&path, json!({"amount": "1.00"})).await.refused(422, "invalid", "version");
        expected["unit"] = "".into();
        expected["version"] = 8.into();
        assert_eq!(ann.change(&path, json!({"unit": null})).await.expect(200).json(), expected);
        // An object that was got can be sent back.
        assert_eq!(ann.patch(&path, expected.clone()).await.expect(200).json(), expected);
        assert_eq!(ann.change(&path, json!({})).await.expect(200).json(), expected);
        assert_eq!(ann.get("/api/expenses").await.expect(200).json()["items"], json!([expected]));

        assert!(ann.delete(&path).await.expect(204).body.is_empty());
        ann.get(&path).await.refused(404, "not_found", "nothing");
        ann.change(&path, json!({})).await.refused(404, "not_found", "nothing");
        ann.delete(&path).await.refused(404, "not_found", "nothing");
    })
    .await;
}

#[tokio::test]
async fn what_is_left_out_has_a_default_and_text_is_trimmed() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let expense = ann.post("/api/expenses", json!({"date": "2026-01-31", "amount": "7"})).await.expect(201).json();
    for (field, value) in [
        ("amount", "7.00"),
        ("currency", "GBP"),
        ("supplier", ""),
        ("category", ""),
        ("unit", ""),
        ("description", ""),
        ("status", "submitted"),
    ] {
        assert_eq!(expense[field], value, "{field}");
    }
    let spaced = json!({"date": "2026-01-31", "amount": "1.5", "currency": " GBP ", "supplier": "\u{a0} Cafe\u{2007}\t", "unit": null, "description": " \u{feff} "});
    let expense = ann.post("/api/expenses", spaced).await.expect(201).json();
    assert_eq!(
        (&expense["supplier"], &expense["unit"], &expense["description"]),
        (&json!("Cafe"), &json!(""), &json!(""))
    );
    assert_eq!(expense["amount"], "1.50");
}

#[tokio::test]
async fn a_wrong_value_is_named_and_nothing_is_written() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let id = ann.add(lunch()).await;
    let before = ann.get("/api/expenses").await.json();
    for (field, value, words) in [
        ("date", json!("2026-02-30"), "YYYY-MM-DD"),
        ("date", json!("31/01/2026"), "YYYY-MM-DD"),
        ("date", json!("0000-01-01"), "YYYY-MM-DD"),
        ("date", json!(null), "date"),
        ("amount", json!(12.5), "amount"),
        ("amount", json!("12.345"), "two decimals"),
        ("amount", json!("1,000.00"), "two decimals"),
        ("amount", json!("£1"), "two decimals"),
        ("amount", json!("1e3"), "two decimals"),
        ("amount", json!("92233720368547758.08"), "too large"),
        ("amount", json!(null), "amount"),
        ("currency", json!("EUR"), "GBP"),
        ("currency", json!("gbp"), "GBP"),
        ("supplier", json!("a\0b"), "NUL"),
        ("description", json!("x".repeat(10_001)), "10001 characters"),
        ("category", json!(["Meals"]), "category"),
        ("status", json!("done"), "done"),
        ("status", json!(5), "status"),
    ] {
        let mut new = lunch();
        new[field] = value.clone();
        ann.post("/api/expenses", new).await.refused(422, "invalid", words);
        ann.change(&format!("/api/expenses/{id}"), json!({field: value})).await.refused(422, "invalid", words);
    }
    for field in ["currency", "status"] {
        ann.change(&format!("/api/expenses/{id}"), json!({field: null})).await.refused(422, "invalid", field);
    }
    for field in ["date", "amount"] {
        let mut new = lunch();
        new.as_object_mut().unwrap().remove(field);
        ann.post("/api/expenses", new).await.refused(422, "invalid", field);
    }
    assert_eq!(ann.get("/api/expenses").await.json(), before);
}

#[tokio::test]
async fn a_malformed_id_and_an_unknown_one_are_the_address_of_nothing() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let expense = ann.post("/api/expenses", json!({"date": "2026-01-31", "amount": "1.00"})).await.expect(201).json();
    let expense = expense["id"].as_str().unwrap();
    for id in [
        "1",
        "x",
        "%00",
        "%ff",
        "00000000-0000-0000-0000-000000000000",
        "019a0000-0000-7000-8000-00000000000g",
        "'%20or%20true",
        &expense.replace('-', ""),
        &format!("urn:uuid:{expense}"),
    ] {
        let path = format!("/api/expenses/{id}");
        ann.get(&path).await.refused(404, "not_found", "nothing");
        ann.change(&path, json!({"amount": "1.00"})).await.refused(404, "not_found", "nothing");
        ann.delete(&path).await.refused(404, "not_found", "nothing");
    }
}

#[tokio::test]
async fn members_change_what_they_submitted_until_somebody_decided_on_it() {
    Site::under_each_model(async |twins| {
        let owner = &twins.a;
        let (member, other) = (
            owner.with_member("mia@example.com", "member").await,
            owner.with_member("max@example.com", "member").await,
        );
        let approver = owner.with_member("abe@example.com", "approver").await;
        let path = format!("/api/expenses/{}", member.add(lunch()).await);

        other.get(&path).await.expect(200);
        other.change(&path, json!({"amount": "1.00"})).await.refused(403, "forbidden", "submitted themselves");
        other.delete(&path).await.refused(403, "forbidden", "submitted themselves");
        member.change(&path, json!({"amount": "2.00", "status": "submitted"})).await.expect(200);
        member.change(&path, json!({"status": "approved"})).await.refused(403, "forbidden", "approvers and owners");
        let mut approved = lunch();
        approved["status"] = "approved".into();
        member.post("/api/expenses", approved.clone()).await.refused(403, "forbidden", "approvers and owners");
        approver.post("/api/expenses", approved).await.expect(201);

        for status in ["approved", "rejected", "paid", "submitted", "approved"] {
            assert_eq!(approver.change(&path, json!({"status": status})).await.expect(200).json()["status"], status);
        }
        member.change(&path, json!({"amount": "3.00"})).await.refused(403, "forbidden", "decided");
        member.delete(&path).await.refused(403, "forbidden", "decided");
        owner.change(&path, json!({"status": "submitted"})).await.expect(200);
        member.delete(&path).await.expect(204);
    })
    .await;
}

async fn pages(client: &Client, filter: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api/expenses?limit=7{cursor}{filter}")).await.expect(200).json();
        let rows = page["items"].as_array().unwrap();
        assert!(rows.len() == 7 || page["next"].is_null(), "a page in the middle is full");
        items.extend(rows.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn pages_show_each_expense_once_the_latest_first_whatever_is_added_meanwhile() {
    Site::under_each_model(async |twins| {
        let ann = twins.a;
        for number in 0..30 {
            let day = 1 + number % 4;
            ann.add(json!({"date": format!("2026-01-{day:02}"), "amount": format!("{number}.00"), "supplier": format!("S{}", number % 3)})).await;
        }
        let items = pages(&ann, "").await;
        assert_eq!(items.len(), 30);
        let keys: Vec<_> = items.iter().map(|item| (item["date"].to_string(), item["id"].to_string())).collect();
        assert!(keys.is_sorted_by(|earlier, later| earlier > later), "{keys:?}");
        assert_eq!(pages(&ann, "&supplier=S1").await.len(), 10);

        let first = ann.get("/api/expenses?limit=7").await.json();
        ann.add(json!({"date": "2026-01-31", "amount": "1.00"})).await;
        let second = ann.get(&format!("/api/expenses?limit=7&cursor={}", first["next"].as_str().unwrap())).await.json();
        assert_eq!(second["items"].as_array().unwrap()[..], items[7..14]);
    })
    .await;
}

#[tokio::test]
async fn filters_narrow_the_list_and_combine() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    for (date, supplier, category, unit, status) in [
        ("2026-01-01", "Cafe", "Meals", "Sales", "submitted"),
        ("2026-01-02", "Cafe", "", "Sales", "approved"),
        ("2026-01-03", "Tyres & Co", "Cars", "", "rejected"),
        ("2026-01-04", "", "Cars", "Works", "paid"),
    ] {
        let expense = json!({"date": date, "amount": "1.00", "supplier": supplier, "category": category, "unit": unit, "status": status});
        ann.add(expense).await;
    }
    for (filter, days) in [
        ("", "4321"),
        ("status=approved", "2"),
        ("supplier=Cafe", "21"),
        ("supplier=%C2%A0Cafe%20", "21"),
        ("supplier=cafe", ""),
        ("supplier=Tyres%20%26%20Co", "3"),
        ("supplier=", "4"),
        ("category=Cars", "43"),
        ("category=", "2"),
        ("unit=", "3"),
        ("unit=Sales&status=submitted", "1"),
        ("from=2026-01-02", "432"),
        ("to=2026-01-02", "21"),
        ("from=2026-01-02&to=2026-01-03&category=Cars", "3"),
        ("from=2026-01-03&to=2026-01-02", ""),
    ] {
        let items = pages(&ann, &format!("&{filter}")).await;
        let found: String = items.iter().map(|item| item["date"].as_str().unwrap().chars().last().unwrap()).collect();
        assert_eq!(found, days, "{filter}");
    }
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (query, words) in [
        ("limit=0", "1 to 1000"),
        ("limit=1001", "1 to 1000"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
        ("status=done", "done"),
        ("suplier=Cafe", "suplier"),
        ("from=yesterday", "YYYY-MM-DD"),
        ("to=2026-02-30", "YYYY-MM-DD"),
    ] {
        ann.get(&format!("/api/expenses?{query}")).await.refused(422, "invalid", words);
    }
}

#[tokio::test]
async fn categories_are_listed_by_name_and_come_into_being_once() {
    Site::under_each_model(async |twins| {
        let ann = twins.a;
        let travel = ann.post("/api/categories", json!({"name": " Travel "})).await.expect(201).json();
        assert_eq!(travel["name"], "Travel");
        ann.post("/api/categories", json!({"name": "Travel"})).await.refused(409, "category_exists", "already");
        ann.post("/api/categories", json!({"name": "\u{a0}"})).await.refused(422, "invalid", "name");
        ann.post("/api/categories", json!({})).await.refused(422, "invalid", "name");
        ann.add(lunch()).await;
        ann.add(json!({"date": "2026-01-01", "amount": "1", "category": "Travel"})).await;
        let names: Vec<_> = ann.get("/api/categories").await.expect(200).json()["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["Meals", "Travel"]);
    })
    .await;
}
