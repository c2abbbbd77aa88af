//! A deployment behind one way to its server.

use std::path::Path;
use std::sync::Arc;

use freehold::Freehold;
use freehold::isolation::PoolOptions;
use freehold::tenant::{Model, Tenant};
use freehold_control::Pooler;

use super::PgBouncer;
use crate::deployment::Deployment;
use crate::server::server;

/// How applications reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Without a pooler.
    Direct,
    /// Through PgBouncer, which gives each transaction a backend.
    Transactions,
    /// Through PgBouncer, which gives each client a backend, and resets nothing when it goes to the next one.
    Sessions,
}

impl Front {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Transactions, Self::Sessions];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "PostgreSQL itself",
            Self::Transactions => "PgBouncer, transactions",
            Self::Sessions => "PgBouncer, sessions",
        }
    }

    fn settings(self) -> Option<&'static str> {
        match self {
            Self::Direct => None,
            Self::Transactions => Some("pool_mode = transaction"),
            Self::Sessions => Some("pool_mode = session\nserver_reset_query ="),
        }
    }
}

/// Tenants of every model.
#[derive(Debug)]
pub struct Crowd {
    /// How their application reaches them.
    pub front: Front,
    /// Where they live.
    pub deployment: Deployment,
    /// In the order of models, as many of each.
    pub tenants: Vec<Arc<Tenant>>,
    _pooler: Option<PgBouncer>,
}

impl Crowd {
    /// Sets up `each` tenants of each model, behind a pooler with this many backends for each login to a database. `None`
    /// where PgBouncer is not installed.
    pub async fn gather(front: Front, each: usize, backends: usize) -> Option<Self> {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pooler/migrations");
        let deployment = Deployment::start(migrations).await;
        let mut pooler = None;
        if let Some(settings) = front.settings() {
            let settings = format!("{settings}\ndefault_pool_size = {backends}\nmax_client_conn = 500");
            let started = PgBouncer::start(server().socket_dir(), server().port(), &settings).await?;
            let (host, port) = (started.address().ip().to_string(), started.address().port());
            deployment.control.set_pooler("local", Some(&Pooler { host, port }), "test", "test").await.unwrap();
            pooler = Some(started);
        }
        let mut tenants = Vec::new();
        for model in Model::ALL {
            for number in 1..=each {
                tenants.push(deployment.tenant(&format!("{model}-{number}"), model).await);
            }
        }
        Some(Self { front, deployment, tenants, _pooler: pooler })
    }

    /// A process of the application, as it were, with so many connections for each driver.
    pub async fn application(&self, capacity: usize) -> Freehold {
        let mut pool = PoolOptions::default();
        pool.capacity = capacity;
        self.deployment.another_application(pool).await
    }
}
