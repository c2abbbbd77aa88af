use freehold::tenant::Model;
use serde_json::json;
use uuid::Uuid;

use crate::client::Client;
use crate::support::Site;

/// The id of a person, as the form for rules names it.
async fn id_of(owner: &Client, called: &str) -> String {
    let page = owner.page("/settings/rules").await.shows(200, called);
    let before = page.split(&format!(">{called}</option>")).next().unwrap();
    before.rsplit("value=\"").next().unwrap().split('"').next().unwrap().to_owned()
}

async fn add_rule(owner: &Client, above: &str, category: &str, unit: &str, approver: &str) {
    let id = Uuid::now_v7().to_string();
    let fields =
        [("id", id.as_str()), ("above", above), ("category", category), ("unit", unit), ("approver", approver)];
    assert_eq!(owner.submit("/settings/rules", &fields).await.leads(), "/settings/rules");
}

/// Ann owns, Bob and Eve approve, Mia submits; expenses above £500 in Travel are Bob's.
struct Firm {
    ann: Client,
    bob: Client,
    eve: Client,
    mia: Client,
}

impl Firm {
    async fn of(ann: Client) -> Self {
        let bob = ann.with_member("bob@example.com", "approver").await;
        let eve = ann.with_member("eve@example.com", "approver").await;
        let mia = ann.with_member("mia@example.com", "member").await;
        add_rule(&ann, "500", "Travel", "", &id_of(&ann, "bob@example.com").await).await;
        Self { ann, bob, eve, mia }
    }

    async fn expense(&self, amount: &str, category: &str) -> String {
        self.mia.add(json!({"date": "2026-01-31", "amount": amount, "category": category})).await
    }
}

const BOB_DECIDES: &str = "bob@example.com or an owner decides";

#[tokio::test]
async fn a_rule_says_who_decides_and_others_are_neither_let_nor_offered() {
    Site::under_each_model(async |twins| {
        let firm = Firm::of(twins.a).await;
        firm.ann
            .page("/settings/rules")
            .await
            .shows(200, "Expenses above £500.00 in Travel are decided by bob@example.com or an owner");
        let (dear, cheap) = (firm.expense("500.01", "Travel").await, firm.expense("500.00", "Travel").await);
        let elsewhere = firm.expense("9000.00", "Meals").await;
        for (path, by_eve) in [(&dear, false), (&cheap, true), (&elsewhere, true)] {
            let path = format!("/expenses/{path}");
            let page = firm.eve.page(&path).await.shows(200, "Decided by");
            assert_eq!(page.contains(">Approve</button>"), by_eve, "{page}");
            assert_eq!(page.contains(">Edit</a>"), by_eve);
            firm.bob.page(&path).await.shows(200, ">Approve</button>");
            assert!(!firm.mia.page(&path).await.text().contains(">Approve</button>"));
            if !by_eve {
                assert!(page.contains("bob@example.com or an owner"));
                firm.eve.page(&format!("{path}/edit")).await.shows(403, BOB_DECIDES);
                firm.eve.decide(&path, "approved").await.shows(403, BOB_DECIDES);
                firm.eve.submit(&format!("{path}/delete"), &[]).await.shows(403, BOB_DECIDES);
            }
        }
        let list = firm.eve.page("/expenses").await.text();
        assert!(!list.contains("Approve £500.01") && list.contains("Approve £500.00"));
        for status in ["approved", "rejected", "paid"] {
            let path = format!("/api/expenses/{dear}");
            firm.eve.change(&path, json!({"status": status})).await.refused(403, "forbidden", BOB_DECIDES);
            firm.mia.change(&path, json!({"status": status})).await.refused(403, "forbidden", "approvers and owners");
        }
        let path = format!("/expenses/{dear}");
        assert_eq!(firm.bob.decide(&path, "approved").await.leads(), path);
        assert_eq!(firm.ann.decide(&path, "paid").await.leads(), path);
        firm.eve.decide(&path, "submitted").await.shows(403, BOB_DECIDES);
        // The rule is this organisation's alone.
        let other = twins.b.with_member("eve@example.com", "approver").await;
        let id = twins.b.add(json!({"date": "2026-01-31", "amount": "900.00", "category": "Travel"})).await;
        other.change(&format!("/api/expenses/{id}"), json!({"status": "approved"})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn there_is_no_way_around_a_rule() {
    let site = Site::start().await;
    let firm = Firm::of(site.organisation("acme", Model::Shared).await).await;
    let eve = &firm.eve;
    let dear = format!("/api/expenses/{}", firm.expense("900.00", "Travel").await);
    let cheap = format!("/api/expenses/{}", firm.expense("400.00", "Travel").await);

    // What is somebody else's is not made fit for oneself: not in one change, nor in two.
    for change in [
        json!({"amount": "400.00", "status": "approved"}),
        json!({"category": "Meals", "status": "approved"}),
        json!({"category": null, "status": "paid"}),
        json!({"amount": "400.00"}),
        json!({"category": "Meals"}),
        json!({"description": "of Bob's"}),
    ] {
        eve.change(&dear, change).await.refused(403, "forbidden", BOB_DECIDES);
    }
    eve.delete(&dear).await.refused(403, "forbidden", BOB_DECIDES);

    // Nor is what one may decide on made into what one may not.
    eve.change(&cheap, json!({"amount": "900.00", "status": "approved"})).await.refused(403, "forbidden", BOB_DECIDES);
    eve.change(&cheap, json!({"status": "approved"})).await.expect(200);
    eve.change(&cheap, json!({"amount": "900.00"})).await.refused(403, "forbidden", BOB_DECIDES);
    eve.change(&cheap, json!({"amount": "499.00"})).await.expect(200);
    eve.change(&cheap, json!({"category": "Meals", "amount": "900.00"})).await.expect(200);
    eve.change(&cheap, json!({"category": "Travel"})).await.refused(403, "forbidden", BOB_DECIDES);
    eve.change(&cheap, json!({"status": "submitted", "category": "Travel"})).await.expect(200);
    eve.change(&cheap, json!({"status": "approved"})).await.refused(403, "forbidden", BOB_DECIDES);

    // Nor does an expense come into being decided.
    for status in ["approved", "paid", "rejected"] {
        let new = json!({"date": "2026-01-31", "amount": "900.00", "category": "Travel", "status": status});
        eve.post("/api/expenses", new.clone()).await.refused(403, "forbidden", BOB_DECIDES);
        firm.mia.post("/api/expenses", new.clone()).await.refused(403, "forbidden", "approvers and owners");
        firm.bob.post("/api/expenses", new).await.expect(201);
    }
    // What one submitted oneself is one's own to change, and decided on as what it became.
    let own = format!("/api/expenses/{}", eve.add(json!({"date": "2026-01-31", "amount": "9.00"})).await);
    eve.change(&own, json!({"amount": "900.00", "category": "Travel"})).await.expect(200);
    eve.change(&own, json!({"status": "approved"})).await.refused(403, "forbidden", BOB_DECIDES);
    // Not as what it becomes in the same breath.
    let at_once = json!({"amount": "9.00", "status": "approved"});
    eve.change(&own, at_once).await.refused(403, "forbidden", BOB_DECIDES);
}

#[tokio::test]
async fn a_rule_counts_from_when_it_is_there_until_it_is_gone() {
    let site = Site::start().await;
    let firm = Firm::of(site.organisation("acme", Model::Schema).await).await;
    let meal = format!("/api/expenses/{}", firm.expense("60.00", "Meals").await);
    firm.eve.change(&meal, json!({"status": "approved"})).await.expect(200);
    add_rule(&firm.ann, "50", "Meals", "", "").await;
    // It was Eve who approved it; it is for owners to touch now.
    firm.eve.change(&meal, json!({"status": "paid"})).await.refused(403, "forbidden", "an owner decides");
    firm.bob.change(&meal, json!({"description": "x"})).await.refused(403, "forbidden", "an owner decides");
    let page = firm.ann.page("/settings/rules").await.shows(200, "above £50.00 in Meals are decided by owners");
    let remove = page.split("action=\"/settings/rules/").skip(1).map(|rest| rest.split('"').next().unwrap());
    for path in remove {
        let path = format!("/settings/rules/{path}");
        firm.bob.submit(&path, &[]).await.shows(403, "owners set the approval rules");
        assert_eq!(firm.ann.submit(&path, &[]).await.leads(), "/settings/rules");
        firm.ann.submit(&path, &[]).await.shows(404, "Not found");
    }
    firm.eve.change(&meal, json!({"status": "paid"})).await.expect(200);
    firm.ann.page("/settings/rules").await.shows(200, "There is no rule yet");
}

#[tokio::test]
async fn a_person_who_decides_no_more_leaves_their_rule_to_the_owners() {
    let site = Site::start().await;
    let firm = Firm::of(site.organisation("acme", Model::Database).await).await;
    let dear = format!("/api/expenses/{}", firm.expense("900.00", "Travel").await);
    let tenant = site.deployment.freehold.directory().find(&"acme".parse().unwrap()).unwrap();
    for (change, words) in [
        ("update people set role = 'member' where email = 'bob@example.com'", "as bob@example.com decides no more"),
        ("delete from people where email = 'bob@example.com'", "in Travel are decided by owners"),
    ] {
        let mut scope = site.deployment.freehold.tenant_db::<freehold::isolation::Sqlx>(&tenant).write();
        sqlx::query(change).execute(&mut scope).await.unwrap();
        scope.commit().await.unwrap();
        firm.eve.change(&dear, json!({"status": "approved"})).await.refused(403, "forbidden", "rules an owner decides");
        assert!(matches!(firm.bob.change(&dear, json!({"status": "approved"})).await.status, 401 | 403));
        firm.ann.page("/settings/rules").await.shows(200, words);
    }
    firm.ann.change(&dear, json!({"status": "approved"})).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_a_rule_is_told_at_its_field() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let other = site.organisation("bert", Model::Shared).await;
    other.with_member("abe@example.com", "approver").await;
    ann.with_member("mia@example.com", "member").await;
    let foreign = id_of(&other, "abe@example.com").await;
    let unknown = Uuid::now_v7().to_string();
    for (field, value, words) in [
        ("above", "", "Not an amount"),
        ("above", "-1", "0 or more"),
        ("above", "£500", "Not an amount"),
        ("above", "99999999999999999999", "too large"),
        ("approver", foreign.as_str(), "Choose an approver"),
        ("approver", unknown.as_str(), "Choose an approver"),
        ("approver", "x", "the form is broken"),
        ("id", "x", "the form is broken"),
        ("category", &"x".repeat(10_001), "at most 10000"),
    ] {
        let id = Uuid::now_v7().to_string();
        let mut fields = vec![("id", id.as_str()), ("above", "1"), ("unit", "what I <typed>")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let page = ann.submit("/settings/rules", &fields).await.shows(422, words);
        assert!(words.contains("broken") || page.contains("what I &#60;typed&#62;"), "{page}");
    }
    // Sent twice, it is there once; said twice, it is told.
    let id = Uuid::now_v7().to_string();
    let fields = [("id", id.as_str()), ("above", "7"), ("category", "مرحبا <b>")];
    for _ in 0..2 {
        assert_eq!(ann.submit("/settings/rules", &fields).await.leads(), "/settings/rules");
    }
    let page = ann.page("/settings/rules").await.shows(200, "مرحبا &#60;b&#62;");
    assert_eq!(page.matches("<li>\n        <span>Expenses above").count(), 1, "{page}");
    let again = Uuid::now_v7().to_string();
    let same = [("id", again.as_str()), ("above", "7.00"), ("category", "مرحبا <b>")];
    ann.submit("/settings/rules", &same).await.shows(422, "There is this very rule already");
}

#[tokio::test]
async fn a_rule_of_another_organisation_is_not_there() {
    Site::under_each_model(async |twins| {
        add_rule(&twins.a, "50", "Secret", "", "").await;
        let page = twins.a.page("/settings/rules").await.shows(200, "Secret");
        let path = page.split("action=\"/settings/rules/").nth(1).unwrap().split('"').next().unwrap();
        twins.b.submit(&format!("/settings/rules/{path}"), &[]).await.shows(404, "Not found");
        assert!(!twins.b.page("/settings/rules").await.shows(200, "There is no rule yet").contains("Secret"));
        twins.a.page("/settings/rules").await.shows(200, "Secret");
        let mia = twins.a.with_member("mia@example.com", "member").await;
        mia.page("/settings/rules").await.shows(403, "owners set the approval rules");
        mia.submit("/settings/rules", &[("above", "1")]).await.shows(403, "owners set the approval rules");
    })
    .await;
}
