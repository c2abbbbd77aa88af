use std::sync::Arc;

use freehold::Freehold;
use freehold::isolation::{PoolOptions, ScopeError, Sqlx, TenantDb, TokioPostgres};
use freehold::tenant::Tenant;
use sqlx::AssertSqlSafe;

use super::victim::Victim;

/// The driver a loan goes by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    TokioPostgres,
    Sqlx,
}

pub(super) const WIRES: [Wire; 2] = [Wire::TokioPostgres, Wire::Sqlx];

/// An application with one connection, which A and B borrow in turn.
pub(super) struct Lender {
    freehold: Freehold,
    pub(super) a: Arc<Tenant>,
    pub(super) b: Arc<Tenant>,
    wire: Wire,
}

impl Lender {
    pub(super) async fn new(victim: &Victim, wire: Wire) -> Self {
        let mut pool = PoolOptions::default();
        pool.capacity = 1;
        let freehold = victim.twins.deployment.another_application(pool).await;
        let [a, b] = [&victim.twins.a, &victim.twins.b].map(|twin| freehold.directory().get(twin.tenant.id()).unwrap());
        Self { freehold, a, b, wire }
    }

    /// Scopes of a tenant on tokio-postgres, for what no other method here does.
    pub(super) fn scopes(&self, tenant: &Arc<Tenant>) -> TenantDb<TokioPostgres> {
        self.freehold.tenant_db(tenant)
    }

    /// A borrows the connection, does all this whatever comes of it, and gives the connection back.
    pub(super) async fn leave(&self, statements: &[&str]) {
        match self.wire {
            Wire::TokioPostgres => {
                let mut scope = self.freehold.tenant_db::<TokioPostgres>(&self.a).write();
                for sql in statements {
                    let _ = scope.ad_hoc(sql, &[]).await;
                }
            }
            Wire::Sqlx => {
                let mut scope = self.freehold.tenant_db::<Sqlx>(&self.a).write();
                for sql in statements {
                    let _ = sqlx::raw_sql(AssertSqlSafe(*sql)).execute(&mut scope).await;
                }
            }
        }
    }

    /// A borrows it, runs statements of the program, which the driver keeps, and commits or does not.
    pub(super) async fn leave_kept(&self, statements: &[&'static str], commit: bool) {
        match self.wire {
            Wire::TokioPostgres => {
                let mut scope = self.freehold.tenant_db::<TokioPostgres>(&self.a).write();
                for sql in statements {
                    scope.query(sql, &[]).await.unwrap();
                }
                if commit {
                    scope.commit().await.unwrap();
                }
            }
            Wire::Sqlx => {
                let mut scope = self.freehold.tenant_db::<Sqlx>(&self.a).write();
                for sql in statements {
                    sqlx::query(*sql).fetch_all(&mut scope).await.unwrap();
                }
                if commit {
                    scope.commit().await.unwrap();
                }
            }
        }
    }

    /// A borrows it, runs text of its own, and then the program's own statement, which the driver keeps.
    pub(super) async fn leave_before(&self, text: &str, sql: &'static str) {
        match self.wire {
            Wire::TokioPostgres => {
                let mut scope = self.freehold.tenant_db::<TokioPostgres>(&self.a).write();
                scope.ad_hoc(text, &[]).await.unwrap();
                scope.query(sql, &[]).await.unwrap();
            }
            Wire::Sqlx => {
                let mut scope = self.freehold.tenant_db::<Sqlx>(&self.a).write();
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut scope).await.unwrap();
                sqlx::query(sql).fetch_all(&mut scope).await.unwrap();
            }
        }
    }

    /// The names of the statements that the driver keeps on the server.
    pub(super) async fn kept(&self) -> Vec<String> {
        self.ask(&self.a, "select name from pg_prepared_statements order by name").await.unwrap()
    }

    /// Those of them that were made from a text that begins like this.
    pub(super) async fn kept_for(&self, sql: &str) -> Vec<String> {
        let ask =
            format!("select name from pg_prepared_statements where statement like '{}%'", sql.replace('\'', "''"));
        self.ask_ad_hoc(&self.a, &ask).await.unwrap()
    }

    /// A tenant borrows it and asks for one column of text.
    pub(super) async fn ask(&self, tenant: &Arc<Tenant>, sql: &'static str) -> Result<Vec<String>, ScopeError> {
        match self.wire {
            Wire::TokioPostgres => {
                let rows = self.freehold.tenant_db::<TokioPostgres>(tenant).read().query(sql, &[]).await?;
                Ok(rows.iter().map(|row| row.get(0)).collect())
            }
            Wire::Sqlx => {
                let mut scope = self.freehold.tenant_db::<Sqlx>(tenant).read();
                Ok(sqlx::query_scalar(sql).fetch_all(&mut scope).await?)
            }
        }
    }

    /// The same with text that is made at run time.
    pub(super) async fn ask_ad_hoc(&self, tenant: &Arc<Tenant>, sql: &str) -> Result<Vec<String>, ScopeError> {
        match self.wire {
            Wire::TokioPostgres => {
                let rows = self.freehold.tenant_db::<TokioPostgres>(tenant).read().ad_hoc(sql, &[]).await?;
                Ok(rows.iter().map(|row| row.get(0)).collect())
            }
            Wire::Sqlx => {
                let mut scope = self.freehold.tenant_db::<Sqlx>(tenant).read();
                Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut scope).await?)
            }
        }
    }
}
