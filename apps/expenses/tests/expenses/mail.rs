//! The outbox: what is written in a transaction arrives, at least once, and says nothing more afterwards.

use std::time::Duration;

use expenses::Transport;
use freehold::isolation::Sqlx;
use freehold::tenant::Model;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::mailbox::{Mailbox, Mood};
use crate::support::{Site, owner, run, sign_up};

/// A postman beside the one of the site, who brings mail to this mailbox.
fn another_postman(site: &Site, mailbox: &Mailbox) -> JoinHandle<()> {
    let transport = Transport::smtp(&mailbox.url().into()).unwrap();
    let from = "Expenses <no-reply@localhost>".parse().unwrap();
    tokio::spawn(site.app.postman(transport, from).run(CancellationToken::new()))
}

/// The mails of an organisation: attempts, whether it was sent, the text, what went wrong.
async fn outbox(site: &Site, slug: &str) -> Vec<(i32, bool, String, Option<String>)> {
    let tenant = site.deployment.freehold.directory().find(&slug.parse().unwrap()).unwrap();
    let mut scope = site.deployment.freehold.tenant_db::<Sqlx>(&tenant).read();
    let select = "select attempts, sent_at is not null, body, failure from mails order by id";
    sqlx::query_as(select).fetch_all(&mut scope).await.unwrap()
}

/// Waits until the first mail of the organisation is as it should be.
async fn until(site: &Site, slug: &str, fits: impl Fn(&(i32, bool, String, Option<String>)) -> bool) {
    let fitting = async { while !outbox(site, slug).await.first().is_some_and(&fits) {} };
    timeout(Duration::from_secs(30), fitting).await.expect("the outbox comes to be as it should");
}

#[tokio::test]
async fn a_mail_goes_out_once_its_transaction_is_committed_and_its_text_is_not_kept() {
    let site = Site::start().await;
    for model in Model::ALL {
        let slug = format!("acme-{model}");
        site.base().post("/api/signup", sign_up(&slug, model)).await.expect(201);
        let mail = site.mailbox.letter(&owner(&slug), "Confirm your address").await;
        assert!(mail.link(&site.host(&slug).host).starts_with("/confirm/"));
        assert!(mail.text().contains(&format!("{slug} Ltd")));
        until(&site, &slug, |mail| *mail == (1, true, String::new(), None)).await;
    }
    assert_eq!(site.mailbox.all().len(), 3);
}

#[tokio::test]
async fn a_postman_who_is_killed_between_sending_and_marking_loses_nothing() {
    let site = Site::start_without_postman().await;
    site.base().post("/api/signup", sign_up("acme", Model::Schema)).await.expect(201);
    let email = owner("acme");
    site.mailbox.set_mood(Mood::Hangs);
    let killed = another_postman(&site, &site.mailbox);
    let first = site.mailbox.wait_for(&email, 1).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    let [(attempts, is_sent, body, failure)] = outbox(&site, "acme").await.try_into().unwrap();
    assert_eq!((attempts, is_sent, failure), (1, false, None));
    assert!(body.contains("/confirm/"), "{body}");

    // As long as the claim lasts the mail is left alone; then it is anybody's.
    let claimed = "update mails set due_at = now() where due_at > now() + interval '4 minutes'";
    assert_eq!(run(&site, "acme", claimed).await, 1);
    site.mailbox.set_mood(Mood::Takes);
    let postman = another_postman(&site, &site.mailbox);
    let both = site.mailbox.wait_for(&email, 2).await;
    until(&site, "acme", |mail| *mail == (2, true, String::new(), None)).await;
    assert_eq!(both[0].id(), both[1].id(), "the repeat can be recognised");
    assert_eq!(both[0].text(), first[0].text());
    postman.abort();
}

#[tokio::test]
async fn a_mail_that_is_refused_waits_with_what_was_said_and_is_tried_again() {
    let site = Site::start_without_postman().await;
    site.base().post("/api/signup", sign_up("acme", Model::Shared)).await.expect(201);
    site.mailbox.set_mood(Mood::Refuses);
    let postman = another_postman(&site, &site.mailbox);
    until(&site, "acme", |(attempts, is_sent, body, failure)| {
        let told = failure.as_ref().is_some_and(|failure| failure.contains("the disc is full"));
        *attempts == 1 && !is_sent && body.contains("/confirm/") && told
    })
    .await;
    postman.abort();

    let pausing = "update mails set due_at = now() where due_at between now() and now() + interval '1 minute'";
    assert_eq!(run(&site, "acme", pausing).await, 1);
    site.mailbox.set_mood(Mood::Takes);
    let postman = another_postman(&site, &site.mailbox);
    until(&site, "acme", |mail| *mail == (2, true, String::new(), None)).await;
    assert_eq!(site.mailbox.all().len(), 1);
    postman.abort();
}

#[tokio::test]
async fn a_mail_that_can_never_be_sent_is_given_up_and_holds_no_other_up() {
    let site = Site::start_without_postman().await;
    site.base().post("/api/signup", sign_up("acme", Model::Shared)).await.expect(201);
    run(
        &site,
        "acme",
        "insert into mails (id, recipient, subject, body, due_at) values \
         ('00000000-0000-0000-0000-000000000000', E'ann@example.com\\r\\nBcc: eve@example.com', 's', 'secret', now() - interval '1 hour')",
    )
    .await;
    let postman = another_postman(&site, &site.mailbox);
    site.mailbox.letter(&owner("acme"), "Confirm").await;
    until(&site, "acme", |(attempts, is_sent, body, failure)| {
        *attempts == 1 && !is_sent && body.is_empty() && failure.as_ref().is_some_and(|text| text.contains("address"))
    })
    .await;
    assert_eq!(site.mailbox.all().len(), 1);
    postman.abort();
}

#[tokio::test]
async fn several_postmen_send_each_mail_once() {
    let site = Site::start_without_postman().await;
    for slug in ["anna", "bert", "cleo"] {
        site.base().post("/api/signup", sign_up(slug, Model::Shared)).await.expect(201);
        run(
            &site,
            slug,
            "insert into mails (id, recipient, subject, body) \
             select gen_random_uuid(), 'list@example.com', n::text, 'x' from generate_series(1, 20) n",
        )
        .await;
    }
    let postmen: Vec<_> = (0..3).map(|_| another_postman(&site, &site.mailbox)).collect();
    let mails = site.mailbox.wait_for("list@example.com", 60).await;
    for slug in ["anna", "bert", "cleo"] {
        let sent = async {
            while !outbox(&site, slug).await.iter().all(|(attempts, is_sent, ..)| *is_sent && *attempts == 1) {}
        };
        timeout(Duration::from_secs(30), sent).await.expect("each mail is marked as sent at its first attempt");
    }
    let mut ids: Vec<_> = mails.iter().map(|mail| mail.id()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 60);
    assert_eq!(site.mailbox.all().len(), 63);
    for postman in postmen {
        postman.abort();
    }
}

#[tokio::test]
async fn a_postman_who_is_told_to_stop_comes_to_an_end() {
    let site = Site::start_without_postman().await;
    let transport = Transport::smtp(&site.mailbox.url().into()).unwrap();
    let stop = CancellationToken::new();
    let from = "no-reply@localhost".parse().unwrap();
    let postman = tokio::spawn(site.app.postman(transport, from).run(stop.clone()));
    stop.cancel();
    timeout(Duration::from_secs(30), postman).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn mail_for_developers_is_written_to_files_that_others_cannot_read() {
    use std::os::unix::fs::PermissionsExt;

    let site = Site::start_without_postman().await;
    let mut form = sign_up("acme", Model::Shared);
    form["organisation"] = "Söhne 🎈".into();
    site.base().post("/api/signup", form).await.expect(201);
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("new/mail");
    let transport = Transport::files(&directory).unwrap();
    assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let from = "no-reply@localhost".parse().unwrap();
    let postman = tokio::spawn(site.app.postman(transport, from).run(CancellationToken::new()));
    until(&site, "acme", |(_, is_sent, ..)| *is_sent).await;
    let files: Vec<_> = directory.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    let mail = std::fs::read_to_string(&files[0]).unwrap();
    assert!(mail.contains(&format!("To: {}", owner("acme"))));
    // Whoever reads the file can copy the link out of it, also when a name has other letters than English ones.
    let link = mail.lines().find(|line| line.starts_with("http://acme.localhost")).unwrap();
    assert_eq!(link.rsplit('/').next().unwrap().len(), 43, "{mail}");
    postman.abort();
}

#[tokio::test]
async fn a_name_with_anything_in_it_stays_within_the_mail_it_is_in() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    site.mailbox.letter(&owner("acme"), "Confirm").await;
    // Names from pages have no line breaks; what is in the table from elsewhere may.
    run(
        &site,
        "acme",
        "update organisation set name = E'شركة 🎈\\r\\nBcc: eve@example.com\\r\\n\\r\\n.\\r\\nMAIL FROM:<x@y>'",
    )
    .await;
    for email in ["bob@example.com", "\"o'hara+tag\"@example.com", "用户@例え.jp"] {
        let answer = ann.post("/api/invitations", serde_json::json!({"email": email, "role": "member"})).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let mail = site.mailbox.letter("bob@example.com", "invites you").await;
    assert!(mail.subject().contains("شركة 🎈"), "{}", mail.subject());
    assert!(!mail.subject().contains(['\r', '\n']));
    let until_sent = async { while !outbox(&site, "acme").await.iter().all(|(attempts, ..)| *attempts == 1) {} };
    timeout(Duration::from_secs(30), until_sent).await.unwrap();
    let recipients: Vec<_> = site.mailbox.all().into_iter().flat_map(|mail| mail.recipients).collect();
    assert!(recipients.iter().all(|recipient| !recipient.contains("eve")), "{recipients:?}");
    let parsed = mail_parser::MessageParser::default().parse(&mail.bytes).unwrap();
    assert!(parsed.bcc().is_none());
}

#[tokio::test]
async fn an_organisation_s_mail_is_not_in_another_s_outbox() {
    Site::under_each_model(async |twins| {
        let [a, b] = [&twins.a, &twins.b].map(|client| client.host.split('.').next().unwrap().to_owned());
        for (slug, other) in [(&a, &b), (&b, &a)] {
            let mail = twins.site.mailbox.letter(&owner(slug), "Confirm").await;
            assert!(!mail.text().contains(other.as_str()));
            assert_eq!(outbox(twins.site, slug).await.len(), 1);
        }
    })
    .await;
}
