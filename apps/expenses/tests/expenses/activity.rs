use freehold::tenant::Model;
use serde_json::json;

use crate::support::Site;

#[tokio::test]
async fn what_was_done_is_listed_for_everybody_in_the_organisation_alone() {
    Site::under_each_model(async |twins| {
        let (ann, bert) = (&twins.a, &twins.b);
        let mia = ann.with_member("mia@example.com", "member").await;
        let id = mia.add(json!({"date": "2026-01-31", "amount": "9.00", "supplier": "Secret <b> 🎈"})).await;
        ann.change(&format!("/api/expenses/{id}"), json!({"status": "approved"})).await.expect(200);
        for person in [ann, &mia] {
            let page = person.page("/activity").await.shows(200, "£9.00 to Secret &#60;b&#62; 🎈");
            assert!(page.contains(&format!("<a href=\"/expenses/{id}\">approved an expense</a>")), "{page}");
            let (approved, submitted) = (page.find(">approved an expense</a>"), page.find(">submitted an expense</a>"));
            assert!(approved < submitted, "the latest is first");
        }
        let others = bert.page("/activity").await.shows(200, "signed the organisation up");
        assert!(!others.contains("Secret") && !others.contains("mia@example.com"));
        assert!(!bert.page("/activity.csv").await.text().contains("Secret"));
        // A thing that is gone is named, and leads nowhere.
        ann.delete(&format!("/api/expenses/{id}")).await.expect(204);
        let page = ann.page("/activity").await.shows(200, "deleted an expense");
        assert!(!page.contains(&format!("/expenses/{id}")));
        assert!(ann.nobody().page("/activity").await.leads().starts_with("/login"));
        assert!(ann.nobody().page("/activity.csv").await.leads().starts_with("/login"));
    })
    .await;
}

#[tokio::test]
async fn the_log_is_filtered_by_person_and_by_kind_and_exported_as_it_is_shown() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let mia = ann.with_member("mia@example.com", "member").await;
    let id = mia.add(json!({"date": "2026-01-31", "amount": "9.00", "supplier": "=Bank, Ltd"})).await;
    ann.add(json!({"date": "2026-01-31", "amount": "8.00"})).await;
    mia.change(&format!("/api/expenses/{id}"), json!({"amount": "7.00"})).await.expect(200);
    let form = ann.page("/activity").await.shows(200, "<option>changed an expense</option>");
    let person = form.split(">mia@example.com</option>").next().unwrap().rsplit("value=\"").next().unwrap();
    let person = &person[..36];
    for (query, done) in [
        (String::new(), "changed an expense,submitted an expense,submitted an expense,signed the organisation up"),
        (format!("person={person}"), "changed an expense,submitted an expense"),
        ("action=submitted+an+expense".to_owned(), "submitted an expense,submitted an expense"),
        (format!("person={person}&action=submitted+an+expense"), "submitted an expense"),
        (format!("person={id}"), ""),
        ("action=nothing".to_owned(), ""),
    ] {
        let file = ann.page(&format!("/activity.csv?{query}")).await.text();
        let found: Vec<_> = file.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
        // Adding people is for others to note.
        let found: Vec<_> = found.into_iter().filter(|done| !done.contains("person")).collect();
        assert_eq!(found.join(","), done, "{query}");
        let page = ann.page(&format!("/activity?{query}")).await.shows(200, "Activity");
        let rows = page.matches("submitted an expense</a>").count();
        assert_eq!(rows, done.matches("submitted").count(), "{query}");
    }
    let file = ann.page("/activity.csv").await.text();
    assert!(file.contains("\"£9.00 to =Bank, Ltd\""), "{file}");
    for query in ["person=x", "before=1", "before=%27"] {
        ann.page(&format!("/activity?{query}")).await.shows(422, "The address is broken");
    }
    ann.page("/activity?action=%00").await.shows(422, "NUL");
    ann.page("/activity.csv?person=x").await.shows(422, "broken");
}

#[tokio::test]
async fn a_change_of_the_settings_says_what_was_before() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let fields = [("name", "Acme & Co"), ("currency", "EUR")];
    assert_eq!(ann.submit("/settings", &fields).await.leads(), "/settings");
    assert_eq!(ann.submit("/settings/colour", &[("colour", "#003366")]).await.leads(), "/settings");
    let page = ann.page("/activity").await.shows(200, "currency: GBP → EUR; name: acme Ltd → Acme &#38; Co");
    assert!(page.contains("the usual → #003366"), "{page}");
}

#[tokio::test]
async fn what_begins_like_a_formula_is_none_in_the_file() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    ann.post("/api/categories", json!({"name": "=cmd|' /C calc'!A0"})).await.expect(201);
    ann.post("/api/categories", json!({"name": "@sum(1)"})).await.expect(201);
    let file = ann.page("/activity.csv").await.text();
    assert!(file.contains("\"'=cmd|' /C calc'!A0\"") && file.contains("\"'@sum(1)\""), "{file}");
}

#[tokio::test]
async fn the_log_goes_on_where_its_page_ended() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Database).await;
    for number in 0..120 {
        ann.post("/api/categories", json!({"name": format!("category {number:03}")})).await.expect(201);
    }
    let (mut found, mut address) = (Vec::new(), "/activity?action=added+a+category".to_owned());
    loop {
        let page = ann.page(&address).await.shows(200, "Activity");
        let details = page.split("<small>category ").skip(1);
        found.extend(details.map(|rest| rest[..3].parse::<u32>().unwrap()));
        let Some(next) = page.split("\" rel=\"next\"").next().filter(|before| *before != page) else { break };
        address = next.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
    }
    assert_eq!(found, (0..120).rev().collect::<Vec<_>>());
    let file = ann.page("/activity.csv?action=added+a+category").await.text();
    assert_eq!(file.lines().count(), 121);
}
