use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use freehold::Freehold;
use freehold::isolation::{Driver, PoolOptions, TenantDb, TokioPostgres};
use freehold::tenant::{Model, Tenant};
use tokio_postgres::Client;

use crate::attack::Outcome;
use crate::deployment::Deployment;

/// Two tenants of one model, in a deployment of their own. A attacks, B must not notice.
#[derive(Debug)]
pub struct Twins {
    /// The one whose SQL is hostile.
    pub a: Twin,
    /// The one who must be safe.
    pub b: Twin,
    /// The model both live under.
    pub model: Model,
    /// Where they live.
    pub deployment: Deployment,
}

/// One of the two.
#[derive(Clone, Debug)]
pub struct Twin {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    freehold: Freehold,
}

impl Twin {
    pub(crate) fn new(tenant: Arc<Tenant>, freehold: &Freehold) -> Self {
        Self { tenant, freehold: freehold.clone() }
    }

    /// The tenant's database, as a handler would get it.
    pub fn db<D: Driver>(&self) -> TenantDb<D> {
        self.freehold.tenant_db(&self.tenant)
    }
}

impl Twins {
    /// Two tenants, `anna` and `bert`, on the migrations of an application.
    pub async fn start(migrations: impl AsRef<Path>, model: Model) -> Self {
        Self::with_pool(migrations, model, PoolOptions::default()).await
    }

    /// The same with pool options of one's own: one connection shows what is left on it.
    pub async fn with_pool(migrations: impl AsRef<Path>, model: Model, pool: PoolOptions) -> Self {
        let deployment = Deployment::with_pool(migrations, pool).await;
        let (a, b) = (deployment.tenant("anna", model).await, deployment.tenant("bert", model).await);
        let (a, b) = (Twin::new(a, &deployment.freehold), Twin::new(b, &deployment.freehold));
        Self { a, b, model, deployment }
    }

    /// Runs a statement in both tenants, so that they have the same data.
    pub async fn seed(&self, sql: &str) {
        for twin in [&self.a, &self.b] {
            let mut scope = twin.db::<TokioPostgres>().write();
            scope.ad_hoc(sql, &[]).await.unwrap();
            scope.commit().await.unwrap();
        }
    }

    /// Runs hostile SQL in a write scope of A and commits what it can.
    pub async fn attack(&self, sql: &str) -> Outcome {
        tally(self.model, 1);
        let mut scope = self.a.db::<TokioPostgres>().write();
        match scope.ad_hoc(sql, &[]).await {
            Ok(rows) => match scope.commit().await {
                Ok(()) => Outcome::Rows(rows),
                Err(error) => Outcome::Refused(error),
            },
            Err(error) => Outcome::Refused(error),
        }
    }

    /// Runs hostile SQL in one write scope of A, statement after statement whatever came of the one before, and drops the
    /// scope. What A commits is A's to write: `commit` is a statement too.
    pub async fn session(&self, statements: &[&str]) -> Vec<Outcome> {
        tally(self.model, statements.len());
        let mut scope = self.a.db::<TokioPostgres>().write();
        let mut outcomes = Vec::with_capacity(statements.len());
        for sql in statements {
            outcomes.push(scope.ad_hoc(sql, &[]).await.map_or_else(Outcome::Refused, Outcome::Rows));
        }
        outcomes
    }

    /// The database a twin lives in, with the rights of a superuser and with the twin's schema as path.
    pub async fn truth(&self, twin: &Twin) -> Client {
        self.deployment.truth(&twin.tenant).await
    }

    /// Everything a table holds of a twin, in one text: equal before and after means untouched.
    pub async fn digest(&self, twin: &Twin, table: &str) -> String {
        let rows = format!(
            "select coalesce(string_agg(t::text, e'\\n' order by t::text), '') from {table} t where tenant_id = $1"
        );
        self.truth(twin).await.query_one(&rows, &[twin.tenant.id().as_uuid()]).await.unwrap().get(0)
    }
}

/// The name of the variable with the file in which hostile statements are tallied, a line with the model for each.
#[doc(hidden)]
pub const TALLY: &str = "FREEHOLD_TEST_TALLY";

fn tally(model: Model, statements: usize) {
    let Some(path) = env::var_os(TALLY) else { return };
    // One write, which appends whole, also beside other processes.
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{model}\n").repeat(statements).as_bytes()).unwrap();
}
