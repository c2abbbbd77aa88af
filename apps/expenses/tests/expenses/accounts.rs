//! One's own account, and the links in mail that lead to it.

use freehold::tenant::Model;
use http::header::SET_COOKIE;
use serde_json::json;

use crate::client::{Client, PASSWORD};
use crate::support::{Site, Twins, owner, run};

const OTHER: &str = "battery staple";

impl Twins<'_> {
    /// The address of the owner of `a`.
    fn owner_of_a(&self) -> String {
        owner(self.a.slug())
    }
}

/// Asks for a link to a new password, and returns where it leads.
async fn password_link(site: &Site, nobody: &Client, email: &str) -> String {
    assert_eq!(nobody.submit("/password", &[("email", email)]).await.leads(), "/login");
    site.mailbox.letter(email, "A new password").await.link(&nobody.host)
}

async fn logs_in_with(nobody: &Client, email: &str, password: &str) -> bool {
    nobody.nobody().post("/api/login", json!({"email": email, "password": password})).await.status == 204
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_a_link_that_works_once_and_ends_other_sessions() {
    Site::under_each_model(async |twins| {
        let (nobody, email) = (twins.a.nobody(), twins.owner_of_a());
        nobody.page("/password").await.shows(200, "Send the link");
        let link = password_link(twins.site, &nobody, &email).await;

        // At the other organisation's host it is a link to nothing.
        let other = twins.b.nobody();
        other.page(&link).await.shows(404, "This link does not work");
        other.submit(&link, &[("password", OTHER)]).await.shows(404, "This link does not work");

        nobody.page(&link).await.shows(200, "Choose a new password");
        nobody.submit(&link, &[("password", "short")]).await.shows(422, "8 to 200");
        let answer = nobody.submit(&link, &[("password", OTHER)]).await;
        assert_eq!(answer.leads(), "/");
        nobody.with_cookie_of(&answer.session()).page("/").await.shows(200, "Hello");
        twins.a.get("/api/expenses").await.refused(401, "not_logged_in", "log in");
        twins.b.get("/api/expenses").await.expect(200);
        assert!(!logs_in_with(&nobody, &email, PASSWORD).await);
        assert!(logs_in_with(&nobody, &email, OTHER).await);

        nobody.page(&link).await.shows(404, "This link does not work");
        nobody.submit(&link, &[("password", PASSWORD)]).await.shows(404, "This link does not work");
        assert!(logs_in_with(&nobody, &email, OTHER).await);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_use_a_link_at_the_same_time_one_chooses_the_password() {
    let site = Site::start().await;
    let nobody = site.organisation("acme", Model::Shared).await.nobody();
    let link = password_link(&site, &nobody, &owner("acme")).await;
    let choices: Vec<_> = (0..4)
        .map(|n| {
            let (nobody, link) = (nobody.clone(), link.clone());
            tokio::spawn(async move { nobody.submit(&link, &[("password", &format!("password {n}"))]).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for choice in choices {
        statuses.push(choice.await.unwrap());
    }
    statuses.sort();
    assert_eq!(statuses, [303, 404, 404, 404]);
}

#[tokio::test]
async fn a_link_is_too_old_after_an_hour_and_no_other_text_is_one() {
    let site = Site::start().await;
    let nobody = site.organisation("acme", Model::Shared).await.nobody();
    let link = password_link(&site, &nobody, &owner("acme")).await;
    let hour = "update tickets set expires_at = expires_at - interval '1 hour' where purpose = 'password' \
                and expires_at < now() + interval '61 minutes'";
    assert_eq!(run(&site, "acme", hour).await, 1);
    nobody.page(&link).await.shows(404, "This link does not work");
    nobody.submit(&link, &[("password", OTHER)]).await.shows(404, "This link does not work");
    for secret in ["x", "%00", "%ff", "..%2f", &"A".repeat(43), &"A".repeat(10_000), "%F0%9F%8E%88"] {
        for page in ["password", "confirm", "welcome", "invitations"] {
            let answer = nobody.page(&format!("/{page}/{secret}")).await;
            assert_eq!(answer.status, 404, "{page}/{secret}: {}", answer.text());
        }
    }
    // A ticket for one thing is none for another.
    let confirm = site.mailbox.letter(&owner("acme"), "Confirm").await.link(&nobody.host);
    nobody.page(&confirm.replace("confirm", "password")).await.shows(404, "This link does not work");
    nobody.page(&confirm.replace("confirm", "welcome")).await.shows(404, "This link does not work");
}

#[tokio::test]
async fn whether_an_address_is_somebodys_is_not_told_and_nobody_is_flooded() {
    let site = Site::start().await;
    let nobody = site.organisation("acme", Model::Shared).await.nobody();
    let (known, unknown) = (owner("acme"), "nobody@example.com".to_owned());
    for email in [&known, &unknown] {
        let mut cookies = Vec::new();
        for _ in 0..5 {
            let answer = nobody.submit("/password", &[("email", email)]).await;
            assert_eq!(answer.leads(), "/login");
            cookies.push(answer.headers[SET_COOKIE].clone());
        }
        assert!(cookies.iter().all(|cookie| cookie.to_str().unwrap().starts_with("notice=password-mailed")));
        nobody.submit("/password", &[("email", email)]).await.shows(429, "wait an hour");
        nobody.submit("/password", &[("email", &email.to_uppercase())]).await.shows(429, "wait an hour");
    }
    site.mailbox.wait_for(&known, 6).await;
    assert_eq!(site.mailbox.all().len(), 6, "five links and the confirmation");
    nobody.submit("/password", &[("email", "no address")]).await.shows(422, "Not an e-mail address");
    // In another organisation it is another address.
    let other = site.organisation("bert", Model::Shared).await.nobody();
    assert_eq!(other.submit("/password", &[("email", &known)]).await.leads(), "/login");
}

#[tokio::test]
async fn who_tried_too_often_comes_in_by_mail() {
    let site = Site::start().await;
    let nobody = site.organisation("acme", Model::Shared).await.nobody();
    for _ in 0..10 {
        assert!(!logs_in_with(&nobody, &owner("acme"), OTHER).await);
    }
    assert!(!logs_in_with(&nobody, &owner("acme"), PASSWORD).await);
    let link = password_link(&site, &nobody, &owner("acme")).await;
    nobody.submit(&link, &[("password", OTHER)]).await.leads();
    assert!(logs_in_with(&nobody, &owner("acme"), OTHER).await);
}

#[tokio::test]
async fn an_address_is_confirmed_by_a_button_behind_the_link_and_not_by_the_link() {
    Site::under_each_model(async |twins| {
        let (nobody, email) = (twins.a.nobody(), twins.owner_of_a());
        let link = twins.site.mailbox.letter(&email, "Confirm").await.link(&nobody.host);
        twins.a.page("/").await.shows(200, "is not confirmed yet");
        twins.b.page(&link).await.shows(404, "This link does not work");
        twins.b.submit(&link, &[]).await.shows(404, "This link does not work");
        for _ in 0..2 {
            nobody.page(&link).await.shows(200, "Yes, confirm it");
        }
        twins.a.page("/").await.shows(200, "is not confirmed yet");
        assert_eq!(nobody.submit(&link, &[]).await.leads(), "/login");
        assert!(!twins.a.page("/").await.shows(200, "Hello").contains("is not confirmed yet"));
        twins.b.page("/").await.shows(200, "is not confirmed yet");
        nobody.submit(&link, &[]).await.shows(404, "This link does not work");
    })
    .await;
}

#[tokio::test]
async fn a_confirmation_is_sent_again_but_not_endlessly() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for _ in 0..5 {
        assert_eq!(ann.submit("/account/confirmation", &[]).await.leads(), "/account");
    }
    ann.submit("/account/confirmation", &[]).await.shows(429, "wait an hour");
    let mails = site.mailbox.wait_for(&owner("acme"), 6).await;
    // The first and the last work alike, until one is used.
    let links = [&mails[0], &mails[5]].map(|mail| mail.link(&ann.host));
    assert_ne!(links[0], links[1]);
    ann.page(&links[1]).await.shows(200, "Yes, confirm it");
    assert_eq!(ann.submit(&links[0], &[]).await.leads(), "/login");
    ann.page(&links[1]).await.shows(404, "This link does not work");
    assert_eq!(ann.submit("/account/confirmation", &[]).await.leads(), "/account");
}

#[tokio::test]
async fn people_change_their_own_name_and_password_and_nobody_elses() {
    Site::under_each_model(async |twins| {
        let (a, email) = (&twins.a, twins.owner_of_a());
        let second = a.log_in(&email).await;
        a.page("/account").await.shows(200, &email);
        assert_eq!(a.submit("/account", &[("name", " Ann <b> أَنّ 🎈 ")]).await.leads(), "/account");
        a.page("/").await.shows(200, "Hello, Ann &#60;b&#62; أَنّ 🎈");
        for (name, words) in [("a\nb", "line breaks"), (&"x".repeat(201), "at most 200"), ("a\0b", "NUL")] {
            a.submit("/account", &[("name", name)]).await.shows(422, words);
        }
        assert!(!twins.b.page("/account").await.text().contains("Ann"));

        for (old, new, words) in [
            (OTHER, "a new password", "not your password"),
            ("", "a new password", "not your password"),
            (PASSWORD, "short", "8 to 200"),
            (PASSWORD, "", "8 to 200"),
        ] {
            let page = a.submit("/account/password", &[("old", old), ("new", new)]).await.shows(422, words);
            assert!(!page.contains(PASSWORD) && !page.contains("a new password"));
        }
        second.get("/api/expenses").await.expect(200);
        let answer = a.submit("/account/password", &[("old", PASSWORD), ("new", OTHER)]).await;
        assert_eq!(answer.leads(), "/account");
        a.with_cookie_of(&answer.session()).page("/account").await.shows(200, "Your account");
        for session in [a, &second] {
            session.get("/api/expenses").await.refused(401, "not_logged_in", "log in");
        }
        assert!(logs_in_with(a, &email, OTHER).await && !logs_in_with(a, &email, PASSWORD).await);
        assert!(logs_in_with(&twins.b, &owner(twins.b.slug()), PASSWORD).await);
    })
    .await;
}

#[tokio::test]
async fn nobody_guesses_the_password_of_a_session_they_found_open() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for _ in 0..10 {
        ann.submit("/account/password", &[("old", OTHER), ("new", OTHER)]).await.shows(422, "not your password");
    }
    ann.submit("/account/password", &[("old", PASSWORD), ("new", OTHER)]).await.shows(429, "five minutes");
}

#[tokio::test]
async fn a_link_to_a_new_password_is_worthless_once_there_is_one() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let link = password_link(&site, &ann.nobody(), &owner("acme")).await;
    ann.submit("/account/password", &[("old", PASSWORD), ("new", OTHER)]).await.leads();
    ann.page(&link).await.shows(404, "This link does not work");
}

#[tokio::test]
async fn who_signs_up_is_logged_in_at_once_by_a_link_that_works_once_and_for_them_alone() {
    let site = Site::start().await;
    for model in Model::ALL {
        let (slug, email) = (format!("anna-{model}"), owner("anna"));
        let fields = [
            ("organisation", "Anna Ltd"),
            ("slug", slug.as_str()),
            ("name", "Anna"),
            ("email", email.as_str()),
            ("password", PASSWORD),
            ("model", model.as_str()),
        ];
        let answer = site.base().submit("/signup", &fields).await;
        let (at, ticket) = answer.leads().split_once("/welcome/").unwrap();
        assert_eq!(at, format!("http://{slug}.localhost:{}", site.address.port()));
        let (path, anna) = (format!("/welcome/{ticket}"), site.host(&slug));
        let other = site.organisation(&format!("bert-{model}"), model).await;
        other.nobody().page(&path).await.shows(404, "This link does not work");
        // Who is logged in stays who they are, and leaves the ticket to whom it is for.
        assert_eq!(anna.log_in(&email).await.page(&path).await.leads(), "/");
        let entered = anna.page(&path).await;
        assert_eq!(entered.leads(), "/");
        anna.with_cookie_of(&entered.session()).page("/").await.shows(200, "Hello, Anna");
        anna.page(&path).await.shows(404, "Log in with the address");

        // Who signs up again with the same words comes in again; an old ticket does not.
        let again = site.base().submit("/signup", &fields).await;
        let ticket = again.leads().rsplit('/').next().unwrap().to_owned();
        let later = "update tickets set expires_at = expires_at - interval '2 minutes' where purpose = 'welcome'";
        assert_eq!(run(&site, &slug, later).await, 1);
        anna.page(&format!("/welcome/{ticket}")).await.shows(404, "Log in with the address");
    }
}

#[tokio::test]
async fn who_submitted_an_expense_is_told_what_others_decided() {
    Site::under_each_model(async |twins| {
        let (a, mailbox) = (&twins.a, &twins.site.mailbox);
        let email = format!("mia@{}", twins.owner_of_a().split('@').nth(1).unwrap());
        let mia = a.with_member(&email, "member").await;
        let expense = |amount: &str| json!({"date": "2026-01-31", "amount": amount, "supplier": "Cafe"});
        // Strangers who were entered by an owner, and never said that the address is theirs, get no letters.
        let unconfirmed = mia.add(expense("1.00")).await;
        a.change(&format!("/api/expenses/{unconfirmed}"), json!({"status": "approved"})).await.expect(200);
        assert_eq!(mia.submit("/account/confirmation", &[]).await.leads(), "/account");
        let link = mailbox.letter(&email, "Confirm").await.link(&mia.host);
        mia.submit(&link, &[]).await.leads();

        let [approved, rejected] = [mia.add(expense("2.00")).await, mia.add(expense("3.00")).await];
        a.change(&format!("/api/expenses/{approved}"), json!({"status": "approved"})).await.expect(200);
        let letter = mailbox.letter(&email, "Approved: £2.00 to Cafe").await;
        assert_eq!(letter.link(&a.host), format!("/expenses/{approved}"));
        a.decide(&format!("/expenses/{rejected}"), "rejected").await.leads();
        mailbox.letter(&email, "Rejected: £3.00 to Cafe").await;

        // Paying tells nobody, nor does one's own decision.
        a.change(&format!("/api/expenses/{approved}"), json!({"status": "paid"})).await.expect(200);
        let own = a.add(expense("4.00")).await;
        a.change(&format!("/api/expenses/{own}"), json!({"status": "approved"})).await.expect(200);
        let last = mia.add(expense("5.00")).await;
        a.change(&format!("/api/expenses/{last}"), json!({"status": "approved"})).await.expect(200);
        mailbox.letter(&email, "£5.00").await;
        let subjects: Vec<_> = mailbox.wait_for(&email, 4).await.iter().map(|mail| mail.subject()).collect();
        assert_eq!(subjects.len(), 4, "{subjects:?}");
        assert!(subjects.iter().all(|subject| !subject.contains("£1.00")), "{subjects:?}");
        assert_eq!(mailbox.wait_for(&twins.owner_of_a(), 1).await.len(), 1);
    })
    .await;
}
