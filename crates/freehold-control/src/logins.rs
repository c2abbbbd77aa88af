//! What tenants' SQL can do to the logins that it runs as, taken back.

use std::time::Duration;

use freehold::login::Login;

use crate::connection::connect;
use crate::{ControlError, ControlPlane};

/// How often logins are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Any role may set these for itself, and a new connection then does not come about: PostgreSQL reads them before it listens to
/// anybody, or, behind a pooler, before a transaction can say otherwise. The library prevails over all others.
const LOCK_OUT: &[&str] = &["local_preload_libraries", "transaction_timeout"];

impl ControlPlane {
    /// Takes back, over and over, settings by which a tenant's SQL keeps new connections of its login out. Never ends.
    pub(crate) async fn keep_logins_open(&self) {
        loop {
            if let Err(error) = self.open_logins().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "the logins could not be looked at");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Takes back settings by which a tenant's SQL keeps new connections of its login out. Returns what was taken back.
    ///
    /// # Errors
    ///
    /// When the catalog or a cluster cannot be reached, or refuses.
    pub async fn open_logins(&self) -> Result<Vec<String>, ControlError> {
        let catalog = self.catalog().await?;
        let mut taken_back = Vec::new();
        for (_, cluster) in self.clusters(&catalog).await? {
            taken_back.extend(open(&cluster.server.to_database(&cluster.data)).await?);
        }
        Ok(taken_back)
    }
}

async fn open(server: &Login) -> Result<Vec<String>, ControlError> {
    let failed = ControlError::doing("taking back what a login set for itself");
    let client = connect(server).await?;
    let rows = client
        .query(
            "select format('alter role %I%s reset %I', r.rolname, coalesce(' in database ' || quote_ident(d.datname), ''), name) \
             from pg_db_role_setting c join pg_roles r on r.oid = c.setrole left join pg_database d on d.oid = c.setdatabase \
             cross join lateral (select split_part(s, '=', 1) as name from unnest(c.setconfig) as s) as setting \
             where name = any ($1) and not r.rolsuper \
               and (r.rolname = 'freehold_app' or pg_has_role(r.oid, 'freehold_tenant', 'member') and r.rolname ~ '^t_')",
            &[&LOCK_OUT],
        )
        .await
        .map_err(&failed)?;
    let mut taken_back = Vec::new();
    for row in rows {
        let reset: String = row.get(0);
        client.batch_execute(&reset).await.map_err(&failed)?;
        tracing::warn!(reset, "a login had a setting that keeps its connections out: tenants' SQL is hostile");
        taken_back.push(reset);
    }
    Ok(taken_back)
}
