use freehold::tenant::Model;
use serde_json::json;

use crate::client::Client;
use crate::support::Site;

/// The addresses of a list's pages lead from one to the next; what their rows are called, in order.
async fn walk(client: &Client, address: &str, title: &str) -> Vec<String> {
    let (mut names, mut address) = (Vec::new(), address.to_owned());
    loop {
        let page = client.page(&address).await.shows(200, title);
        let rows = page.split("<th scope=\"row\" class=\"text\">").skip(1);
        names.extend(rows.map(|row| row.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()));
        let Some(next) = page.split("\" rel=\"next\"").next().filter(|before| *before != page) else { break names };
        address = next.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
    }
}

#[tokio::test]
async fn suppliers_and_units_are_listed_with_what_is_spent() {
    Site::under_each_model(async |twins| {
        let mia = twins.a.with_member("mia@example.com", "member").await;
        for (amount, status) in [("10.00", "submitted"), ("5.50", "paid"), ("99.00", "rejected"), ("-1.00", "approved")] {
            let expense = json!({"date": "2026-01-31", "amount": amount, "supplier": "Secret <b> & Co", "unit": "مرحبا", "status": status});
            twins.a.add(expense).await;
        }
        let page = mia.page("/suppliers").await.shows(200, "Secret &#60;b&#62; &#38; Co");
        assert!(page.contains("<td class=\"amount\">3</td><td class=\"amount\">£14.50</td>"), "{page}");
        assert!(page.contains("/expenses?supplier=Secret+%3Cb%3E+%26+Co"));
        mia.page("/expenses?supplier=Secret+%3Cb%3E+%26+Co").await.shows(200, "£5.50");
        mia.page("/units").await.shows(200, "£14.50");
        mia.page("/suppliers?q=SECRET").await.shows(200, "£14.50");
        mia.page("/suppliers?q=%25").await.shows(200, "Nothing fits");
        mia.page("/suppliers?after=x").await.shows(422, "Not a page of this list");
        for path in ["/suppliers", "/units", "/suppliers?q=Secret"] {
            let page = twins.b.page(path).await.text();
            assert!(!page.contains("£14.50") && !page.contains("Secret &#60;") && !page.contains("مرحبا"), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_list_of_names_goes_on_where_its_page_ended() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let header = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";
    let records: String = (0..120).map(|n| format!("2026-01-01,1.00,unit {n:03},supplier {n:03},,\n")).collect();
    ann.import(format!("{header}{records}2026-01-01,1.00,u,{},,\n", "z".repeat(20_000))).await.expect(200);
    let names = walk(&ann, "/suppliers", "Suppliers").await;
    assert_eq!(names.len(), 121);
    assert!(names.is_sorted() && names[120] == "z".repeat(100));
    assert_eq!(walk(&ann, "/units?q=unit", "Units").await.len(), 120);
    // The place of another organisation, or of nobody, is no place here.
    let other = site.organisation("bert", Model::Shared).await;
    let foreign = ann.page("/units").await.text();
    let foreign = foreign.split("after=").nth(1).unwrap()[..36].to_owned();
    other.page(&format!("/units?after={foreign}")).await.shows(200, "Nothing fits");
}

#[tokio::test]
async fn owners_add_rename_and_delete_categories() {
    Site::under_each_model(async |twins| {
        let (ann, bert) = (&twins.a, &twins.b);
        let abe = ann.with_member("abe@example.com", "approver").await;
        assert_eq!(ann.submit("/settings/categories", &[("name", "Travel")]).await.leads(), "/settings/categories");
        ann.submit("/settings/categories", &[("name", " Travel ")]).await.shows(422, "There is this category already");
        ann.submit("/settings/categories", &[("name", "\u{a0}")]).await.shows(422, "A category needs a name");
        let expense = ann.add(json!({"date": "2026-01-31", "amount": "9.00", "category": "Travel"})).await;
        ann.add(json!({"date": "2026-01-31", "amount": "9.00", "category": "Meals"})).await;
        let items = ann.get("/api/categories").await.json()["items"].clone();
        let id = items[1]["id"].as_str().unwrap().to_owned();
        let (page, api) = (format!("/settings/categories/{id}"), format!("/api/categories/{id}"));

        for path in ["/settings/categories", &page] {
            abe.page(path).await.shows(403, "owners rename and delete categories");
            abe.submit(path, &[("name", "Mine")]).await.shows(403, "owners rename and delete categories");
        }
        abe.submit(&format!("{page}/delete"), &[]).await.shows(403, "owners");
        abe.patch(&api, json!({"name": "Mine"})).await.refused(403, "forbidden", "owners");
        abe.delete(&api).await.refused(403, "forbidden", "owners");
        bert.page(&page).await.shows(404, "Not found");
        bert.submit(&page, &[("name", "Mine")]).await.shows(404, "Not found");
        bert.submit(&format!("{page}/delete"), &[]).await.shows(404, "Not found");
        bert.patch(&api, json!({"name": "Mine"})).await.refused(404, "not_found", "nothing");
        bert.delete(&api).await.refused(404, "not_found", "nothing");
        assert!(!bert.page("/settings/categories").await.shows(200, "No categories yet").contains("Travel"));

        ann.page(&page).await.shows(200, "1 expense, £9.00");
        ann.page("/settings/categories?after=x").await.shows(422, "Not a page of this list");
        ann.submit(&page, &[("name", "Meals")]).await.shows(422, "There is this category already");
        ann.patch(&api, json!({"name": "Meals"})).await.refused(409, "category_exists", "already");
        ann.patch(&api, json!({"name": " "})).await.refused(422, "invalid", "needs one");
        assert_eq!(ann.submit(&page, &[("name", "Trips <b> 🎈")]).await.leads(), "/settings/categories");
        ann.page("/settings/categories").await.shows(200, "Trips &#60;b&#62; 🎈");
        let expense = format!("/api/expenses/{expense}");
        assert_eq!(ann.get(&expense).await.json()["category"], "Trips <b> 🎈");
        assert_eq!(ann.patch(&api, json!({"name": "Trips"})).await.expect(200).json()["name"], "Trips");
        ann.post("/api/budgets", json!({"period": "year", "amount": "1.00", "category": "Trips"})).await.expect(201);

        assert_eq!(ann.submit(&format!("{page}/delete"), &[]).await.leads(), "/settings/categories");
        ann.submit(&format!("{page}/delete"), &[]).await.shows(404, "Not found");
        assert_eq!(ann.get(&expense).await.json()["category"], "");
        assert_eq!(ann.get("/api/budgets").await.json()["items"], json!([]));
        ann.delete(&api).await.refused(404, "not_found", "nothing");
    })
    .await;
}
