use freehold::tenant::Model;
use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, VARY};
use http_body_util::Full;
use serde_json::json;

use crate::client::PASSWORD;
use crate::support::{Site, owner, sign_up};

#[tokio::test]
async fn an_organisation_signs_up_on_a_page_and_its_owner_logs_in_on_another() {
    let site = Site::start().await;
    let base = site.base();
    base.page("/").await.shows(200, "Sign up");
    base.page("/signup").await.shows(200, "Create the organisation");
    for model in Model::ALL {
        let (slug, email) = (format!("anna-{model}"), owner("anna"));
        let fields = [
            ("organisation", "Anna & Co <b>"),
            ("slug", slug.as_str()),
            ("name", "Anna"),
            ("email", email.as_str()),
            ("password", PASSWORD),
            ("model", model.as_str()),
        ];
        let answer = base.submit("/signup", &fields).await;
        assert!(answer.leads().starts_with(&format!("http://{slug}.localhost:{}/", site.address.port())));
        let tenant = site.deployment.freehold.directory().find(&slug.parse().unwrap()).unwrap();
        assert_eq!(tenant.model(), Some(model));

        let anna = site.host(&slug);
        anna.page("/login").await.shows(200, "Anna &#38; Co &#60;b&#62;");
        anna.submit("/login", &[("email", &email), ("password", "battery staple")]).await.shows(422, "is wrong");
        let answer = anna.submit("/login", &[("email", &email), ("password", PASSWORD), ("next", "/expenses")]).await;
        assert_eq!(answer.leads(), "/expenses");
        let anna = anna.with_cookie_of(&answer);
        anna.page("/").await.shows(200, "Hello, Anna");
    }
}

#[tokio::test]
async fn a_page_sends_whoever_is_not_logged_in_to_the_login_and_back() {
    let site = Site::start().await;
    site.organisation("acme", Model::Shared).await;
    let nobody = site.host("acme");
    assert_eq!(nobody.page("/expenses?status=paid").await.leads(), "/login?next=%2Fexpenses%3Fstatus%3Dpaid");
    for query in ["next=%2Fa&next=%2Fb", "next", "next=%ff", "%", "next[]=x"] {
        nobody.page(&format!("/login?{query}")).await.shows(200, "Forgotten your password?");
    }
    // What was sent is gone; the page it was sent from is where to go on.
    assert_eq!(nobody.submit("/expenses", &[("amount", "1")]).await.leads(), "/login?next=%2Fsomewhere");
    for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let fields = [("email", owner("acme")), ("password", PASSWORD.to_owned()), ("next", elsewhere.to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(nobody.submit("/login", &fields).await.leads(), "/");
    }
}

#[tokio::test]
async fn problems_are_pages_for_people_and_the_api_s_stay_as_they_are() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    ann.page("/nothing").await.shows(404, "Not found");
    ann.page("/expenses/01a20018-7872-727a-ac4f-a1f10be4a87e").await.shows(404, "Not found");
    site.host("nobody").page("/").await.shows(404, "No such organisation");
    let request = ann.browsing(Method::GET, "/api/expenses/x").body(Full::default()).unwrap();
    ann.send(request).await.refused(404, "not_found", "nothing");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_submits_one_expense() {
    Site::under_each_model(async |twins| {
        let form = twins.a.page("/expenses/new").await.shows(200, "New expense");
        let id = form.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = [
            ("id", id),
            ("date", "2026-01-31"),
            ("amount", "12.50"),
            ("supplier", "Café <i>"),
            ("category", ""),
            ("unit", ""),
            ("description", "مرحبا 🎈"),
        ];
        for _ in 0..2 {
            assert_eq!(twins.a.submit("/expenses", &fields).await.leads(), "/expenses");
        }
        let list = twins.a.page("/expenses").await.shows(200, "Café &#60;i&#62;");
        assert_eq!(list.matches("£12.50").count(), 3, "the sum, and two labels");
        assert!(list.contains("مرحبا 🎈"));
        assert!(!twins.b.page("/expenses").await.text().contains("12.50"));
        twins.b.page(&format!("/expenses/{id}")).await.shows(404, "Not found");
        let change = [&fields[1..], &[("version", "1")]].concat();
        twins.b.submit(&format!("/expenses/{id}"), &change).await.shows(404, "Not found");
        twins.b.decide(&format!("/expenses/{id}"), "approved").await.shows(404, "Not found");
    })
    .await;
}

#[tokio::test]
async fn of_two_who_change_the_same_expense_the_second_is_told() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    let bob = ann.with_member("bob@example.com", "approver").await;
    let id = ann.add(json!({"date": "2026-01-31", "amount": "12.50", "supplier": "Cafe"})).await;
    let path = format!("/expenses/{id}");
    let change = |amount: &'static str, version: &'static str| {
        [
            ("date", "2026-01-31"),
            ("amount", amount),
            ("supplier", "Cafe"),
            ("category", ""),
            ("unit", ""),
            ("version", version),
        ]
    };
    assert_eq!(bob.submit(&path, &change("13.00", "1")).await.leads(), path);
    let told = ann.submit(&path, &change("14.00", "1")).await.shows(409, "Somebody else changed this expense");
    assert!(told.contains("£13.00") && told.contains("value=\"14.00\""), "{told}");
    assert_eq!(ann.submit(&path, &change("14.00", "2")).await.leads(), path);
    ann.page(&path).await.shows(200, "£13.00 → £14.00");
    // Nor is an amount decided on that nobody has seen.
    let decision = format!("{path}/status");
    bob.submit(&decision, &[("status", "approved"), ("version", "2")]).await.shows(409, "Somebody was faster");
    bob.submit(&decision, &[("status", "approved")]).await.shows(422, "form is broken");
    assert_eq!(bob.submit(&decision, &[("status", "approved"), ("version", "3")]).await.leads(), path);
}

#[tokio::test]
async fn what_cannot_be_an_expense_is_told_field_by_field_and_kept() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let id = "01a20018-7872-727a-ac4f-a1f10be4a87e";
    for (field, value, words) in [
        ("date", "31/01/2026", "Not a date: use YYYY-MM-DD"),
        ("date", "2026-02-30", "Not a date"),
        ("date", "", "Not a date"),
        ("amount", "12,50", "Not an amount"),
        ("amount", "", "Not an amount"),
        ("amount", "99999999999999999999", "too large"),
        ("supplier", &"x".repeat(10_001), "at most 10000"),
    ] {
        let mut fields = vec![("id", id), ("date", "2026-01-31"), ("amount", "1"), ("description", "what I typed")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let page = ann.submit("/expenses", &fields).await.shows(422, words);
        assert!(page.contains("what I typed"));
    }
    assert_eq!(ann.get("/api/expenses").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_list_is_searched_filtered_and_ordered_and_exported_as_it_is_shown() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (amount, supplier, unit, description) in [
        ("5.00", "Bakery", "Sales", ""),
        ("70.00", "=Bank", "Works", "50% of the loan"),
        ("6.00", "Cafe", "Works", "bakery visit"),
    ] {
        let expense = json!({"date": "2026-01-31", "amount": amount, "supplier": supplier, "unit": unit, "description": description});
        ann.add(expense).await;
    }
    for (query, amounts) in [
        ("q=BAKE&order=largest", "6.00,5.00"),
        ("q=50%25", "70.00"),
        ("q=%25", "70.00"),
        ("q=_", ""),
        ("unit=Works&order=smallest", "6.00,70.00"),
        ("order=smallest", "5.00,6.00,70.00"),
        ("supplier=Cafe", "6.00"),
        ("from=2026-02-01", ""),
        ("status=submitted&to=2026-01-31&order=largest", "70.00,6.00,5.00"),
    ] {
        let file = ann.page(&format!("/expenses.csv?{query}")).await.text();
        let found: Vec<_> = file.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
        assert_eq!(found.join(","), amounts, "{query}");
        let listed = ann.get(&format!("/api/expenses?{query}")).await.expect(200).json();
        let listed: Vec<_> =
            listed["items"].as_array().unwrap().iter().map(|item| item["amount"].as_str().unwrap()).collect();
        assert_eq!(listed, found, "{query}");
        let page = ann.page(&format!("/expenses?{query}")).await.shows(200, "Expenses");
        assert!(found.iter().all(|amount| page.contains(&format!("£{amount}"))), "{query}");
    }
    assert!(ann.page("/expenses.csv").await.text().contains("\"'=Bank\""));
    let exported = ann.page("/expenses.json").await.json();
    assert_eq!(exported, ann.get("/api/expenses").await.json()["items"]);
    ann.page("/expenses?from=yesterday").await.shows(422, "Not a date");
    ann.page("/expenses.csv?from=yesterday").await.shows(422, "Not a date");
}

#[tokio::test]
async fn a_list_goes_on_where_its_page_ended_in_every_order() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let header = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";
    let records: String = (0..120).map(|n| format!("2026-01-{:02},{},u,s{},,\n", n % 28 + 1, n % 7, n % 3)).collect();
    ann.import(format!("{header}{records}")).await.expect(200);
    for order in ["newest", "oldest", "largest", "smallest"] {
        let (mut ids, mut address) = (Vec::new(), format!("/expenses?order={order}&q=s"));
        loop {
            let page = ann.page(&address).await.shows(200, "Expenses");
            ids.extend(page.split("<tr id=\"e-").skip(1).map(|row| row[..36].to_owned()));
            let Some(next) = page.split("\" rel=\"next\"").next().filter(|before| *before != page) else { break };
            address = next.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
        }
        assert_eq!(ids.len(), 120, "{order}");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 120, "{order}");
    }
}

#[tokio::test]
async fn an_address_is_wrong_ten_times_and_then_rests() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let wrong = json!({"email": owner("acme"), "password": "battery staple"});
    for _ in 0..10 {
        ann.nobody().post("/api/login", wrong.clone()).await.refused(401, "wrong_credentials", "wrong");
    }
    let right = json!({"email": owner("acme"), "password": PASSWORD});
    ann.nobody().post("/api/login", right).await.refused(429, "too_many_attempts", "five minutes");
    let fields = [("email", owner("acme")), ("password", PASSWORD.to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let page = ann.nobody().submit("/login", &fields).await;
    page.shows(429, "Too many attempts");
    assert_eq!(page.headers["retry-after"], "300");
    ann.get("/api/expenses").await.expect(200);
}

#[tokio::test]
async fn an_organisation_s_name_cannot_become_markup() {
    let site = Site::start().await;
    let mut form = sign_up("acme", Model::Shared);
    form["organisation"] = "<script>alert(1)</script>".into();
    site.base().post("/api/signup", form).await.expect(201);
    let page = site.host("acme").page("/login").await.shows(200, "&#60;script&#62;alert(1)&#60;/script&#62;");
    assert!(!page.contains("<script>alert"));
}

#[tokio::test]
async fn pages_and_files_are_packed_and_files_are_fetched_once() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let page = ann.page("/expenses").await.shows(200, "No expenses yet");
    let files: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for path in files.iter().copied().chain(["/expenses"]) {
        let (plain, packed) = (ann.get(path).await, ann.page(path).await);
        assert!(!plain.headers.contains_key(CONTENT_ENCODING), "{path}");
        assert_eq!((packed.status, packed.headers[CONTENT_ENCODING].to_str().unwrap()), (200, "gzip"), "{path}");
        let varies =
            packed.headers.get_all(VARY).iter().any(|names| names.to_str().unwrap().contains("accept-encoding"));
        assert!(varies, "{path}: {:?}", packed.headers);
        assert_eq!(packed.body, plain.body, "{path}");
        let kept = if path == "/expenses" { "no-store" } else { "public, max-age=31536000, immutable" };
        assert_eq!(plain.headers[CACHE_CONTROL], kept, "{path}");
        assert_eq!(packed.headers[CACHE_CONTROL], kept, "{path}");
    }
}
