//! Who is in an organisation, who comes in by an invitation, and who goes.

use freehold::tenant::Model;
use serde_json::{Value, json};

use crate::client::{Client, PASSWORD};
use crate::support::{Site, owner, run};

impl Client {
    /// The id of the person with this address.
    async fn member(&self, email: &str) -> String {
        let members = self.get("/api/members").await.expect(200).json();
        let member = members["items"].as_array().unwrap().iter().find(|member| member["email"] == email);
        member.unwrap_or_else(|| panic!("{email} is not in {members}"))["id"].as_str().unwrap().to_owned()
    }

    async fn emails(&self) -> Vec<String> {
        let members = self.get("/api/members").await.expect(200).json();
        members["items"].as_array().unwrap().iter().map(|member| member["email"].as_str().unwrap().to_owned()).collect()
    }

    /// The id of the one invitation that the page of people lists.
    async fn invitation(&self) -> String {
        let page = self.page("/people").await.shows(200, "Invited");
        page.split("/people/invitations/").nth(1).unwrap().split('/').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn who_is_invited_joins_by_a_link_that_works_once_and_at_the_host_it_is_for() {
    Site::under_each_model(async |twins| {
        let (a, b, nobody) = (&twins.a, &twins.b, twins.a.nobody());
        let email = format!("new@{}.example", a.slug());
        assert_eq!(
            a.submit("/people/invitations", &[("email", &email), ("role", "approver")]).await.leads(),
            "/people"
        );
        a.page("/people").await.shows(200, &email);
        let id = a.invitation().await;
        assert!(!b.page("/people").await.text().contains(&email));
        let mail = twins.site.mailbox.letter(&email, "invites you to").await;
        assert!(mail.text().contains("as an approver"));
        let link = mail.link(&a.host);

        b.nobody().page(&link).await.shows(404, "This link does not work");
        let fields = [("name", "Nora <i>"), ("password", "battery staple")];
        b.nobody().submit(&link, &fields).await.shows(404, "This link does not work");
        a.page(&link).await.shows(200, "You are logged in already");

        nobody.page(&link).await.shows(200, &email);
        let page = nobody.submit(&link, &[("name", "Nora"), ("password", "short")]).await.shows(422, "8 to 200");
        assert!(page.contains("value=\"Nora\""));
        nobody.submit(&link, &[("name", "No\nra"), ("password", "battery staple")]).await.shows(422, "line breaks");
        let joined = nobody.submit(&link, &fields).await;
        assert_eq!(joined.leads(), "/");
        let nora = nobody.with_cookie_of(&joined.session());
        let page = nora.page("/").await.shows(200, "Hello, Nora &#60;i&#62;");
        assert!(!page.contains("is not confirmed yet"), "the mail arrived");

        nobody.page(&link).await.shows(410, "This invitation was used");
        nobody.submit(&link, &fields).await.shows(410, "This invitation was used");
        for verb in ["repeat", "withdraw"] {
            a.submit(&format!("/people/invitations/{id}/{verb}"), &[]).await.shows(404, "Not found");
        }
        let member = a.get("/api/members").await.json()["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["email"] == email)
            .cloned();
        assert_eq!(member.unwrap()["role"], "approver");
        // A page of people is for owners to change, and for others to see.
        let seen = nora.page("/people").await.shows(200, "Nora &#60;i&#62;");
        assert!(!seen.contains("/role\"") && !seen.contains("/remove\"") && !seen.contains("Invite somebody"));
        assert!(!b.emails().await.contains(&email));
    })
    .await;
}

#[tokio::test]
async fn of_two_who_take_the_same_invitation_one_joins() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    ann.post("/api/invitations", json!({"email": "new@example.com", "role": "member"})).await.expect(201);
    let link = site.mailbox.letter("new@example.com", "invites").await.link(&ann.host);
    let joins: Vec<_> = (0..4)
        .map(|_| {
            let (nobody, link) = (ann.nobody(), link.clone());
            tokio::spawn(async move { nobody.submit(&link, &[("name", ""), ("password", PASSWORD)]).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for join in joins {
        statuses.push(join.await.unwrap());
    }
    statuses.sort();
    assert_eq!(statuses, [303, 410, 410, 410]);
    assert_eq!(ann.emails().await.len(), 2);
}

#[tokio::test]
async fn an_invitation_is_sent_again_withdrawn_and_gets_too_old() {
    Site::under_each_model(async |twins| {
        let (a, b, site) = (&twins.a, &twins.b, twins.site);
        let email = format!("new@{}.example", a.slug());
        let nobody = a.nobody();
        a.submit("/people/invitations", &[("email", &email), ("role", "member")]).await.leads();
        let first = site.mailbox.wait_for(&email, 1).await[0].link(&a.host);
        let id = a.invitation().await;
        for verb in ["repeat", "withdraw"] {
            b.submit(&format!("/people/invitations/{id}/{verb}"), &[]).await.shows(404, "Not found");
        }
        a.submit(&format!("/people/invitations/{id}/repeat"), &[]).await.leads();
        let second = site.mailbox.wait_for(&email, 2).await[1].link(&a.host);
        nobody.page(&first).await.shows(404, "the last mail counts");
        nobody.page(&second).await.shows(200, &email);

        assert_eq!(run(site, a.slug(), "update invitations set expires_at = expires_at - interval '7 days'").await, 1);
        nobody.page(&second).await.shows(410, "This invitation is too old");
        nobody.submit(&second, &[("password", PASSWORD)]).await.shows(410, "This invitation is too old");
        a.page("/people").await.shows(200, "too old");
        a.submit(&format!("/people/invitations/{id}/repeat"), &[]).await.leads();
        let third = site.mailbox.wait_for(&email, 3).await[2].link(&a.host);
        nobody.page(&third).await.shows(200, &email);

        a.submit(&format!("/people/invitations/{id}/withdraw"), &[]).await.leads();
        nobody.page(&third).await.shows(404, "may have been withdrawn");
        nobody.submit(&third, &[("password", PASSWORD)]).await.shows(404, "may have been withdrawn");
        a.submit(&format!("/people/invitations/{id}/withdraw"), &[]).await.shows(404, "Not found");
        assert_eq!(a.emails().await, [owner(a.slug())]);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_that_is_too_old_when_the_password_is_hashed_lets_nobody_in() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    ann.post("/api/invitations", json!({"email": "new@example.com", "role": "owner"})).await.expect(201);
    let link = site.mailbox.letter("new@example.com", "invites").await.link(&ann.host);
    let truth = site.truth("acme").await;
    truth.batch_execute("begin; update invitations set expires_at = now()").await.unwrap();
    let nobody = ann.nobody();
    let joining = tokio::spawn(async move { nobody.submit(&link, &[("name", "x"), ("password", PASSWORD)]).await });
    site.until_blocked("acme").await;
    truth.batch_execute("commit").await.unwrap();
    joining.await.unwrap().shows(410, "Log in");
    assert_eq!(ann.emails().await, [owner("acme")]);
}

#[tokio::test]
async fn owners_alone_invite_change_and_remove() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let own = ann.member(&owner("acme")).await;
    ann.post("/api/invitations", json!({"email": "new@example.com", "role": "member"})).await.expect(201);
    let invitation = ann.invitation().await;
    for role in ["member", "approver"] {
        let person = ann.with_member(&format!("{role}@example.com"), role).await;
        let new = json!({"email": "eve@example.com", "role": "owner"});
        person.post("/api/invitations", new).await.refused(403, "forbidden", "owners");
        person.patch(&format!("/api/members/{own}"), json!({"role": "member"})).await.refused(
            403,
            "forbidden",
            "owners",
        );
        person.delete(&format!("/api/members/{own}")).await.refused(403, "forbidden", "owners");
        for (path, fields) in [
            ("/people/invitations", [("email", "eve@example.com"), ("role", "owner")].as_slice()),
            ("/people/invitations", &[("email", "")]),
            (&format!("/people/invitations/{invitation}/repeat"), &[]),
            (&format!("/people/invitations/{invitation}/withdraw"), &[]),
            (&format!("/people/{own}/role"), &[("role", "member")]),
            (&format!("/people/{own}/remove"), &[]),
        ] {
            person.submit(path, fields).await.shows(403, "Not allowed");
        }
        assert!(!person.page("/people").await.shows(200, "People").contains("new@example.com"));
    }
    ann.page("/people").await.shows(200, "new@example.com");
}

#[tokio::test]
async fn who_is_removed_is_out_at_once_and_what_they_did_stays() {
    Site::under_each_model(async |twins| {
        let (a, b) = (&twins.a, &twins.b);
        let mia = a.with_member("mia@example.com", "member").await;
        let expense = mia.add(json!({"date": "2026-01-31", "amount": "12.50"})).await;
        let id = a.member("mia@example.com").await;
        b.delete(&format!("/api/members/{id}")).await.refused(404, "not_found", "nothing");
        b.patch(&format!("/api/members/{id}"), json!({"role": "owner"})).await.refused(404, "not_found", "nothing");
        b.submit(&format!("/people/{id}/remove"), &[]).await.shows(404, "Not found");
        b.submit(&format!("/people/{id}/role"), &[("role", "owner")]).await.shows(404, "Not found");

        a.page("/people").await.shows(200, "mia@example.com");
        a.submit(&format!("/people/{id}/role"), &[("role", "approver")]).await.leads();
        let changed = a.patch(&format!("/api/members/{id}"), json!({"role": "member"})).await.expect(200).json();
        assert_eq!(changed["role"], "member");
        assert_eq!(a.patch(&format!("/api/members/{id}"), json!({})).await.expect(200).json(), changed);
        a.submit(&format!("/people/{id}/role"), &[("role", "boss")]).await.shows(422, "form is broken");

        assert_eq!(a.submit(&format!("/people/{id}/remove"), &[]).await.leads(), "/people");
        mia.get("/api/expenses").await.refused(401, "not_logged_in", "log in");
        let again = json!({"email": "mia@example.com", "password": PASSWORD});
        a.nobody().post("/api/login", again).await.refused(401, "wrong_credentials", "wrong");
        a.get(&format!("/api/expenses/{expense}")).await.expect(200);
        a.page(&format!("/expenses/{expense}")).await.shows(200, "mia@example.com");
        a.delete(&format!("/api/members/{id}")).await.refused(404, "not_found", "nothing");
        a.submit(&format!("/people/{id}/remove"), &[]).await.shows(404, "Not found");
        // The way back is an invitation, as for anybody.
        a.post("/api/invitations", json!({"email": "mia@example.com", "role": "member"})).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn an_organisation_keeps_an_owner() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    let id = ann.member(&owner("acme")).await;
    ann.delete(&format!("/api/members/{id}")).await.refused(409, "last_owner", "only owner");
    ann.patch(&format!("/api/members/{id}"), json!({"role": "member"})).await.refused(409, "last_owner", "only owner");
    ann.submit(&format!("/people/{id}/remove"), &[]).await.shows(409, "only owner");
    ann.submit(&format!("/people/{id}/role"), &[("role", "approver")]).await.shows(409, "only owner");
    ann.page("/people").await.shows(200, "The only owner stays");

    ann.with_member("bob@example.com", "owner").await;
    assert_eq!(ann.submit(&format!("/people/{id}/remove"), &[]).await.leads(), "/login");
    ann.get("/api/members").await.refused(401, "not_logged_in", "log in");
}

#[tokio::test]
async fn owners_who_remove_or_demote_each_other_at_the_same_time_leave_one() {
    let site = Site::start().await;
    for (round, model) in Model::ALL.into_iter().cycle().take(6).enumerate() {
        let ann = site.organisation(&format!("acme-{round}"), model).await;
        let mut owners = vec![(ann.member(&owner(ann.slug())).await, ann.clone())];
        for n in 0..3 {
            let email = format!("{n}@example.com");
            let client = ann.with_member(&email, "owner").await;
            owners.push((ann.member(&email).await, client));
        }
        let attacks: Vec<_> = (0..owners.len())
            .map(|n| {
                let (target, client) = (owners[(n + 1) % owners.len()].0.clone(), owners[n].1.clone());
                tokio::spawn(async move {
                    if n % 2 == 0 {
                        client.delete(&format!("/api/members/{target}")).await.status
                    } else {
                        client.patch(&format!("/api/members/{target}"), json!({"role": "member"})).await.status
                    }
                })
            })
            .collect();
        let mut statuses = Vec::new();
        for attack in attacks {
            statuses.push(attack.await.unwrap());
        }
        assert!(statuses.iter().all(|status| [200, 204, 401, 403, 404, 409].contains(status)), "{statuses:?}");
        assert!(
            run(&site, ann.slug(), "update people set role = 'owner' where role = 'owner'").await >= 1,
            "{statuses:?}"
        );
    }
}

#[tokio::test]
async fn who_is_no_owner_any_more_when_their_turn_comes_changes_nobody() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Schema).await;
    let bob = ann.with_member("bob@example.com", "owner").await;
    ann.with_member("mia@example.com", "member").await;
    let mia = ann.member("mia@example.com").await;
    for verb in [http::Method::DELETE, http::Method::PATCH] {
        let truth = site.truth("acme").await;
        let demote = "begin; select from organisation for update; \
                      update people set role = 'approver' where email = 'bob@example.com'";
        truth.batch_execute(demote).await.unwrap();
        let (bob, path) = (bob.clone(), format!("/api/members/{mia}"));
        let acting = tokio::spawn(async move { bob.send_json(verb, &path, json!({"role": "owner"})).await });
        site.until_blocked("acme").await;
        truth.batch_execute("commit").await.unwrap();
        acting.await.unwrap().refused(403, "forbidden", "no owner any more");
        run(&site, "acme", "update people set role = 'owner' where email = 'bob@example.com'").await;
    }
    assert_eq!(ann.emails().await.len(), 3);
}

#[tokio::test]
async fn whom_one_cannot_invite_is_told_at_the_field() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    for (email, role, status, words) in [
        ("", "member", 422, "Not an e-mail address"),
        ("no address", "member", 422, "Not an e-mail address"),
        ("eve@example.com\r\nBcc: x@y", "member", 422, "Not an e-mail address"),
        ("eve@example.com", "boss", 422, "Unknown role"),
        ("eve@example.com", "", 422, "Unknown role"),
        (&owner("acme"), "member", 409, "is a member already"),
    ] {
        let page = ann.submit("/people/invitations", &[("email", email), ("role", role)]).await.shows(status, words);
        assert!(page.contains("Invite somebody"));
    }
    let new = json!({"email": "new@example.com", "role": "member"});
    for _ in 0..5 {
        ann.post("/api/invitations", new.clone()).await.expect(201);
    }
    ann.post("/api/invitations", new).await.refused(429, "too_many_mails", "wait an hour");
    let fields = [("email", "new@example.com"), ("role", "member")];
    ann.submit("/people/invitations", &fields).await.shows(429, "wait an hour");
    assert_eq!(ann.get("/api/members").await.json()["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(site.mailbox.wait_for("new@example.com", 5).await.len(), 5);
}

#[tokio::test]
async fn who_became_a_member_otherwise_is_not_added_twice_by_an_invitation() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    ann.post("/api/invitations", json!({"email": "new@example.com", "role": "owner"})).await.expect(201);
    let link = site.mailbox.letter("new@example.com", "invites").await.link(&ann.host);
    ann.with_member("new@example.com", "member").await;
    ann.nobody().submit(&link, &[("name", "x"), ("password", PASSWORD)]).await.shows(409, "is a member already");
    let members: Value = ann.get("/api/members").await.json();
    let roles: Vec<_> = members["items"].as_array().unwrap().iter().map(|member| member["role"].clone()).collect();
    assert_eq!(roles, ["member", "owner"]);
}
