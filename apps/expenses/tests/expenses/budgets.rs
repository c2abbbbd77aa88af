use freehold::tenant::Model;
use serde_json::json;

use crate::support::Site;

/// Today and a day long past, by universal time.
fn today() -> String {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

#[tokio::test]
async fn owners_set_budgets_and_everybody_sees_what_is_used() {
    Site::under_each_model(async |twins| {
        let (ann, bert) = (&twins.a, &twins.b);
        let mia = ann.with_member("mia@example.com", "member").await;
        let abe = ann.with_member("abe@example.com", "approver").await;
        let new = json!({"period": "month", "amount": "100.00", "unit": "Sales", "category": "Secret travel"});
        for person in [&mia, &abe] {
            person.post("/api/budgets", new.clone()).await.refused(403, "forbidden", "owners set budgets");
            person.submit("/budgets", &[("period", "month"), ("amount", "1")]).await.shows(403, "owners set budgets");
        }
        let budget = ann.post("/api/budgets", new.clone()).await.expect(201).json();
        let id = budget["id"].as_str().unwrap();
        assert_eq!((&budget["used"], &budget["state"]), (&json!("0.00"), &json!("within")));
        for (amount, unit, category, status) in [
            ("50.00", "Sales", "Secret travel", "submitted"),
            ("7.00", "Works", "Secret travel", "submitted"),
            ("9.00", "Sales", "Meals", "submitted"),
            ("90.00", "Sales", "Secret travel", "rejected"),
            ("-10.00", "Sales", "Secret travel", "paid"),
        ] {
            ann.add(json!({"date": today(), "amount": amount, "unit": unit, "category": category, "status": status}))
                .await;
        }
        ann.add(json!({"date": "2001-01-01", "amount": "60.00", "unit": "Sales", "category": "Secret travel"})).await;
        let page = mia.page("/budgets").await.shows(200, "Secret travel of Sales");
        assert!(page.contains("£40.00 of £100.00 used, 40 %; £60.00 left") && !page.contains("Remove"), "{page}");
        ann.page("/budgets").await.shows(200, "/remove\"");
        let items = mia.get("/api/budgets").await.expect(200).json()["items"].clone();
        assert_eq!((&items[0]["used"], &items[0]["amount"]), (&json!("40.00"), &json!("100.00")));

        assert_eq!(bert.get("/api/budgets").await.json()["items"], json!([]));
        assert!(!bert.page("/budgets").await.shows(200, "No budgets yet").contains("Secret"));
        bert.delete(&format!("/api/budgets/{id}")).await.refused(404, "not_found", "nothing");
        bert.submit(&format!("/budgets/{id}/remove"), &[]).await.shows(404, "Not found");
        mia.delete(&format!("/api/budgets/{id}")).await.refused(403, "forbidden", "owners");
        mia.submit(&format!("/budgets/{id}/remove"), &[]).await.shows(403, "owners set budgets");
        ann.delete(&format!("/api/budgets/{id}")).await.expect(204);
        ann.delete(&format!("/api/budgets/{id}")).await.refused(404, "not_found", "nothing");
        assert!(!ann.page("/budgets").await.shows(200, "No budgets yet").contains("Secret travel of"));
    })
    .await;
}

#[tokio::test]
async fn every_expense_counts_for_the_budgets_it_fits_once() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (unit, category) in [("", ""), ("Sales", ""), ("", "Travel"), ("Sales", "Travel")] {
        for period in ["month", "year"] {
            let new = json!({"period": period, "amount": "1000.00", "unit": unit, "category": category});
            ann.post("/api/budgets", new).await.expect(201);
        }
    }
    for (amount, unit, category) in
        [("1.00", "", ""), ("10.00", "Sales", ""), ("100.00", "", "Travel"), ("2000.00", "Sales", "Travel")]
    {
        ann.add(json!({"date": today(), "amount": amount, "unit": unit, "category": category})).await;
    }
    // The twelfth month before is another month, and another year but in December.
    let items = ann.get("/api/budgets").await.json()["items"].clone();
    let used: Vec<_> = items.as_array().unwrap().iter().map(|item| item["used"].as_str().unwrap()).collect();
    assert_eq!(used, ["2111.00", "2100.00", "2010.00", "2000.00", "2111.00", "2100.00", "2010.00", "2000.00"]);
    assert!(items.as_array().unwrap().iter().all(|item| item["state"] == "over"));
    ann.page("/").await.shows(200, "£2,000.00 of £1,000.00 used, 200 %; £1,000.00 over");
}

#[tokio::test]
async fn who_submits_is_told_of_a_budget_that_is_near_or_over_by_it() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    let mia = ann.with_member("mia@example.com", "member").await;
    let fields = [("period", "month"), ("amount", "100"), ("unit", ""), ("category", "Travel")];
    assert_eq!(ann.submit("/budgets", &fields).await.leads(), "/budgets");
    for (amount, category, date, notice) in [
        ("70", "Travel", today(), "notice=submitted;"),
        ("70", "Meals", today(), "notice=submitted;"),
        ("70", "Travel", "2001-01-01".to_owned(), "notice=submitted;"),
        ("20", "Travel", today(), "notice=submitted-near;"),
        ("5", "Travel", today(), "notice=submitted;"),
        ("6", "Travel", today(), "notice=submitted-over;"),
        ("7", "Travel", today(), "notice=submitted;"),
        ("-50", "Travel", today(), "notice=submitted;"),
    ] {
        let id = uuid::Uuid::now_v7().to_string();
        let fields = [("id", id.as_str()), ("date", &date), ("amount", amount), ("category", category)];
        let answer = mia.submit("/expenses", &fields).await;
        let cookie = answer.headers[http::header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with(notice), "{amount} for {category}: {cookie}");
    }
    assert!(!mia.page("/").await.text().contains("Budgets to look at"));
    mia.add(json!({"date": today(), "amount": "25", "category": "Travel"})).await;
    mia.page("/").await.shows(200, "nearly used up");
}

#[tokio::test]
async fn a_budget_that_is_set_again_has_another_amount() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let set = async |amount: &str| {
        ann.post("/api/budgets", json!({"period": "year", "amount": amount, "unit": "Sales"})).await
    };
    let first = set("10.00").await.expect(201).json();
    let second = set("20.00").await.expect(200).json();
    assert_eq!((&first["id"], &second["amount"]), (&second["id"], &json!("20.00")));
    for _ in 0..2 {
        let fields = [("period", "year"), ("amount", "30"), ("unit", "Sales"), ("category", "")];
        assert_eq!(ann.submit("/budgets", &fields).await.leads(), "/budgets");
    }
    let items = ann.get("/api/budgets").await.json()["items"].clone();
    assert_eq!((items.as_array().unwrap().len(), &items[0]["amount"]), (1, &json!("30.00")));
    ann.page("/budgets?period=year&unit=Sales&amount=30.00").await.shows(200, "value=\"30.00\"");
}

#[tokio::test]
async fn what_cannot_be_a_budget_is_told_at_its_field() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (field, value, words) in [
        ("amount", "0", "Use an amount above 0"),
        ("amount", "-5", "Use an amount above 0"),
        ("amount", "", "Not an amount"),
        ("amount", "1,000", "Not an amount"),
        ("amount", "99999999999999999999", "too large"),
        ("period", "week", "Unknown period"),
        ("period", "", "Unknown period"),
        ("unit", &"x".repeat(10_001), "at most 10000"),
    ] {
        let mut fields = vec![("period", "month"), ("amount", "1"), ("category", "مرحبا <b> 🎈")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let page = ann.submit("/budgets", &fields).await.shows(422, words);
        assert!(page.contains("مرحبا &#60;b&#62; 🎈"));
        let body: serde_json::Map<_, _> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        ann.post("/api/budgets", body.into()).await.expect(422);
    }
    // What was refused left no name behind.
    assert_eq!(ann.get("/api/categories").await.json()["items"], json!([]));
    // The largest amount there is can be spent, and more.
    let most = json!({"period": "month", "amount": "92233720368547758.07"});
    ann.post("/api/budgets", most).await.expect(201);
    for _ in 0..2 {
        ann.add(json!({"date": today(), "amount": "92233720368547758.07"})).await;
    }
    ann.page("/budgets").await.shows(200, "£92,233,720,368,547,758.07 over");
    ann.page("/").await.shows(200, "£184,467,440,737,095,516.14");
}
