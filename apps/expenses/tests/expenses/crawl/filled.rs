//! An organisation with one of everything.

use std::time::Duration;

use freehold::tenant::{Model, Tenant};
use image::ImageFormat;
use serde_json::json;
use tokio::time::timeout;
use tokio_postgres::Client as Sql;
use uuid::Uuid;

use crate::client::{Answer, Client, PASSWORD};
use crate::settings::{picture, send_logo};
use crate::support::{Site, owner, run};

/// What the texts of an organisation have in them, and what its expenses cost: nothing of another has either.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub(super) word: &'static str,
    /// As a form takes it, and as a page shows it.
    pub(super) amount: [&'static str; 2],
}

pub(super) const A: Marks = Marks { word: "numbat", amount: ["1192.51", "1,192.51"] };
pub(super) const B: Marks = Marks { word: "quokka", amount: ["73145.67", "73,145.67"] };

pub(super) struct Filled {
    pub(super) owner: Client,
    pub(super) marks: Marks,
    tenant: Uuid,
    truth: Sql,
    /// Where its letters lead.
    pub(super) links: Vec<String>,
}

impl Filled {
    /// An organisation of this model that has everything that a page can show.
    ///
    /// The site must have no postman: letters are read from the outbox.
    pub(super) async fn of(site: &Site, marks: Marks, model: Model) -> Self {
        let Marks { word, amount: [amount, _] } = marks;
        let slug = format!("{word}-{model}");
        let owner = site.organisation(&slug, model).await;
        let tenant = site.deployment.freehold.directory().find(&slug.parse().unwrap()).unwrap();
        describe(&owner, word).await;
        add_people(&owner, word).await;
        add_spending(&owner, word, amount).await;
        owner.post("/api/keys", json!({"name": format!("{word} script"), "scope": "read"})).await.expect(201);
        // One that goes on, as far as anybody can see.
        let running = "insert into imports (id, state, file_name, received_bytes, expected_bytes, progress_at) \
                       values (gen_random_uuid(), 'running', 'coming.csv', 1, 2, now() + interval '1 hour')";
        run(site, &slug, running).await;
        let welcome = welcome(site, &slug, model).await;
        let truth = site.deployment.truth(&tenant).await;
        let filled = Self { owner, marks, tenant: *tenant.id().as_uuid(), truth, links: vec![welcome] };
        filled.with_letters(site, &tenant).await
    }

    /// Reads where the letters in the outbox lead: to a confirmation, an invitation and a new password.
    async fn with_letters(mut self, site: &Site, tenant: &Tenant) -> Self {
        let slug = tenant.slug().as_str();
        let letters = async {
            loop {
                let bodies = self.truth.query("select body from mails where tenant_id = $1", &[&self.tenant]).await;
                let bodies: Vec<String> = bodies.unwrap().iter().map(|row| row.get(0)).collect();
                if bodies.len() >= 3 {
                    return bodies;
                }
            }
        };
        let letters = timeout(Duration::from_secs(30), letters).await.expect("the link to a new password is written");
        let here = format!("http://{}/", self.owner.host);
        let links = letters.iter().flat_map(|body| body.split_whitespace());
        let links = links.filter_map(|word| word.strip_prefix(&here)).filter(|path| path.contains('/'));
        self.links.extend(links.map(|path| format!("/{path}")));
        assert_eq!(self.links.len(), 4, "{:?}", self.links);
        // A ticket to come in right after the sign-up is good for two minutes, which this may take.
        run(site, slug, "update tickets set expires_at = now() + interval '1 hour'").await;
        let keep = "create temporary table kept_tickets as table tickets; \
                    create temporary table kept_sessions as table sessions; \
                    create temporary table kept_people as table people";
        self.truth.batch_execute(keep).await.unwrap();
        self
    }

    /// Makes the links in letters, the password and the session of the owner good again, whatever they were used for.
    pub(super) async fn renew(&self) {
        let renew = "insert into people table kept_people on conflict (tenant_id, id) do update \
                         set password_hash = excluded.password_hash, role = excluded.role, verified_at = null; \
                     insert into tickets table kept_tickets on conflict do nothing; \
                     insert into sessions table kept_sessions on conflict do nothing; \
                     delete from people where email like 'invited@%'; \
                     update invitations set accepted_at = null";
        self.truth.batch_execute(renew).await.unwrap();
    }

    /// Everything the organisation has, row by row.
    pub(super) async fn digest(&self) -> Vec<(String, String)> {
        let tables = "select relname::text from pg_class where relnamespace = current_schema()::regnamespace \
                      and relkind in ('r', 'p') and not relispartition order by relname";
        let tables: Vec<String> = self.truth.query(tables, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        assert!(tables.len() > 15, "{tables:?}");
        let rows = tables.iter().map(|table| {
            format!(
                "select '{table}', count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') \
                 from {table} t where tenant_id = $1"
            )
        });
        let rows = rows.collect::<Vec<_>>().join(" union all ");
        let rows = self.truth.query(&rows, &[&self.tenant]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Tables without a row, of those there are.
    pub(super) async fn empty_tables(&self) -> Vec<String> {
        self.digest().await.into_iter().filter(|(_, rows)| rows.starts_with("0 ")).map(|(table, _)| table).collect()
    }

    /// The ids of everything it has.
    pub(super) async fn ids(&self) -> Vec<String> {
        let ids = "select e.id::text from expenses e where tenant_id = $1 union all select id::text from people where tenant_id = $1 \
                   union all select id::text from imports where tenant_id = $1 union all select id::text from categories where tenant_id = $1 \
                   union all select id::text from budgets where tenant_id = $1 union all select id::text from approval_rules where tenant_id = $1 \
                   union all select id::text from invitations where tenant_id = $1 union all select id::text from api_keys where tenant_id = $1 \
                   union all select id::text from suppliers where tenant_id = $1 union all select encode(logo_digest, 'hex') from organisation where tenant_id = $1";
        self.truth.query(ids, &[&self.tenant]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// What an answer tells of the organisation that its request did not say itself.
    pub(super) fn told_by<'m>(&'m self, answer: &Answer, request: &str, ids: &'m [String]) -> Option<&'m str> {
        let said: String =
            form_urlencoded::parse(request.as_bytes()).map(|(name, value)| format!("{name} {value} ")).collect();
        let (said, mut told) = (said.to_lowercase(), answer.text().to_lowercase());
        for (name, value) in &answer.headers {
            told.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes()).to_lowercase()));
        }
        let marks = [self.marks.word].into_iter().chain(self.marks.amount).chain(ids.iter().map(String::as_str));
        marks.into_iter().find(|mark| told.contains(mark) && !said.contains(mark))
    }
}

/// Name, colour and logo of the organisation, and the name of its owner.
async fn describe(owner: &Client, word: &str) {
    owner.submit("/account", &[("name", &format!("Olga of {word}"))]).await.leads();
    owner.submit("/settings", &[("name", &format!("The {word} company")), ("currency", "GBP")]).await.leads();
    owner.submit("/settings/colour", &[("colour", "#7a1f5c"), ("shown", "")]).await.leads();
    let width = 20 + u32::from(word.as_bytes()[0]);
    send_logo(owner, "logo.png", &picture(width, 10, ImageFormat::Png)).await.leads();
}

/// An approver, a member, and somebody who was invited; a link to a new password is on its way to the owner.
async fn add_people(owner: &Client, word: &str) {
    for role in ["approver", "member"] {
        owner.with_member(&format!("{role}@{word}.example"), role).await;
    }
    let invited = json!({"email": format!("invited@{word}.example"), "role": "member"});
    owner.post("/api/invitations", invited).await.expect(201);
    owner.nobody().submit("/password", &[("email", &crate::support::owner(owner.slug()))]).await.leads();
}

/// Expenses in every state, enough for several pages, an import with rejected lines, a budget that is spent, a rule.
async fn add_spending(owner: &Client, word: &str, amount: &str) {
    let [supplier, category, unit] = ["supplier", "category", "unit"].map(|kind| format!("{word} {kind}"));
    for status in ["submitted", "approved", "rejected", "paid"] {
        let expense = json!({
            "date": "2026-01-31", "amount": amount, "supplier": supplier, "category": category, "unit": unit,
            "description": format!("{word} description"), "status": status,
        });
        owner.add(expense).await;
    }
    let now = jiff::Timestamp::now().to_string();
    owner.add(json!({"date": now[..10], "amount": amount, "unit": unit})).await;
    let header = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";
    let records: String =
        (0..60).map(|n| format!("2025-12-{:02},{amount},{unit},{word} {n},,\n", 1 + n % 28)).collect();
    owner.import(format!("{header}{records}{word},1,u,s,,\n")).await.expect(200);
    let budget = [("period", "month"), ("amount", "10"), ("unit", unit.as_str()), ("category", "")];
    owner.submit("/budgets", &budget).await.leads();
    let members = owner.get("/api/members").await.expect(200).json();
    let approver = members["items"].as_array().unwrap().iter().find(|member| member["role"] == "approver").unwrap();
    let rule = [
        ("id", &Uuid::now_v7().to_string()),
        ("above", &"500".to_owned()),
        ("category", &category),
        ("unit", &String::new()),
        ("approver", &approver["id"].as_str().unwrap().to_owned()),
    ];
    owner.submit("/settings/rules", &rule.map(|(name, value)| (name, value.as_str()))).await.leads();
}

/// The ticket that the owner gets by signing up once more.
async fn welcome(site: &Site, slug: &str, model: Model) -> String {
    let email = owner(slug);
    let fields = [
        ("organisation", "As before"),
        ("slug", slug),
        ("name", ""),
        ("email", &email),
        ("password", PASSWORD),
        ("model", model.as_str()),
    ];
    let answer = site.base().submit("/signup", &fields).await;
    let (_, ticket) = answer.leads().split_once("/welcome/").unwrap();
    format!("/welcome/{ticket}")
}
