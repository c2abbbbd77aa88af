//! The application as its users reach it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use expenses::{App, Transport};
use freehold::isolation::Sqlx;
use freehold::tenant::{Model, Tenant};
use freehold_testing::Deployment;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, PASSWORD};
use crate::mailbox::Mailbox;

/// A deployment of its own, with a worker, the application, and a server that its mail goes to.
pub(crate) struct Site {
    pub(crate) deployment: Deployment,
    pub(crate) address: SocketAddr,
    pub(crate) app: App,
    pub(crate) mailbox: Mailbox,
}

/// Two organisations under one model, and their owners, logged in.
pub(crate) struct Twins<'s> {
    pub(crate) site: &'s Site,
    pub(crate) a: Client,
    pub(crate) b: Client,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::start_behind(async |_, router| router).await
    }

    /// The same for people who reach it at `origin`.
    pub(crate) async fn start_at(origin: &str) -> Self {
        Self::build(Some(origin), |app| app, async |_, router| router).await.with_postman()
    }

    /// The same with another set-up of the application.
    pub(crate) async fn start_with(configure: impl FnOnce(App) -> App) -> Self {
        Self::build(None, configure, async |_, router| router).await.with_postman()
    }

    /// The same, with mail that stays in the outbox.
    pub(crate) async fn start_without_postman() -> Self {
        Self::build(None, |app| app, async |_, router| router).await
    }

    /// The same with something in front of the application.
    pub(crate) async fn start_behind(front: impl AsyncFnOnce(&Deployment, Router) -> Router) -> Self {
        Self::build(None, |app| app, front).await.with_postman()
    }

    fn with_postman(self) -> Self {
        let transport = Transport::smtp(&self.mailbox.url().into()).unwrap();
        let from = "Expenses <no-reply@localhost>".parse().unwrap();
        tokio::spawn(self.app.postman(transport, from).run(CancellationToken::new()));
        self
    }

    async fn build(
        origin: Option<&str>,
        configure: impl FnOnce(App) -> App,
        front: impl AsyncFnOnce(&Deployment, Router) -> Router,
    ) -> Self {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut deployment = Deployment::start(migrations).await;
        deployment.start_worker();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let origin = origin.map_or_else(|| format!("http://localhost:{}", address.port()), str::to_owned);
        let app = configure(App::new(deployment.freehold.clone(), origin.parse().unwrap()));
        let router = expenses::router(app.clone()).unwrap();
        let router = front(&deployment, router).await;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { deployment, address, app, mailbox: Mailbox::open().await }
    }

    /// The base host.
    pub(crate) fn base(&self) -> Client {
        Client::new(self.address)
    }

    /// An organisation's host, nobody logged in.
    pub(crate) fn host(&self, slug: &str) -> Client {
        self.base().below(slug)
    }

    /// Signs an organisation up and logs its owner in.
    pub(crate) async fn organisation(&self, slug: &str, model: Model) -> Client {
        self.organisation_at(&self.base(), slug, model).await
    }

    /// The same by way of this base host.
    pub(crate) async fn organisation_at(&self, base: &Client, slug: &str, model: Model) -> Client {
        base.post("/api/signup", sign_up(slug, model)).await.expect(201);
        self.deployment.plant_fault(&self.tenant(slug)).await;
        base.below(slug).log_in(&owner(slug)).await
    }

    fn tenant(&self, slug: &str) -> Arc<Tenant> {
        self.deployment.freehold.directory().find(&slug.parse().unwrap()).unwrap()
    }

    /// An organisation's rows, with the rights of a superuser.
    pub(crate) async fn truth(&self, slug: &str) -> tokio_postgres::Client {
        self.deployment.truth(&self.tenant(slug)).await
    }

    /// Waits until a statement waits for a lock, where this organisation's rows are.
    pub(crate) async fn until_blocked(&self, slug: &str) {
        let watch = self.truth(slug).await;
        let blocked = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        let waiting = async { while !watch.query_one(blocked, &[]).await.unwrap().get::<_, bool>(0) {} };
        timeout(Duration::from_secs(30), waiting).await.expect("something waits for a lock");
    }

    /// Runs a test under each model, with two organisations that are alike.
    pub(crate) async fn under_each_model(body: impl AsyncFn(Twins<'_>)) {
        let site = Self::start().await;
        for model in Model::ALL {
            println!("model {model}");
            let a = site.organisation(&format!("anna-{model}"), model).await;
            let b = site.organisation(&format!("bert-{model}"), model).await;
            body(Twins { site: &site, a, b }).await;
        }
    }
}

pub(crate) fn owner(slug: &str) -> String {
    format!("owner@{slug}.example")
}

pub(crate) fn sign_up(slug: &str, model: Model) -> Value {
    json!({
        "organisation": format!("{slug} Ltd"), "slug": slug, "email": owner(slug), "password": PASSWORD, "model": model.as_str()
    })
}

/// Runs a statement as the organisation, and returns how many rows it changed.
pub(crate) async fn run(site: &Site, slug: &str, statement: &'static str) -> u64 {
    let tenant = site.deployment.freehold.directory().find(&slug.parse().unwrap()).unwrap();
    let mut scope = site.deployment.freehold.tenant_db::<Sqlx>(&tenant).write();
    let changed = sqlx::query(statement).execute(&mut scope).await.unwrap();
    scope.commit().await.unwrap();
    changed.rows_affected()
}
