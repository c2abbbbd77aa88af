//! What tenants' SQL can do to the logins that it runs as, taken back.

use std::time::Duration;

use freehold::login::Login;

use crate::connection::connect;
use crate::{ControlError, ControlPlane};

/// How often logins are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Any role may set these for itself, and its new connections then do not come about, or cannot read a view: PostgreSQL reads them
/// before it listens to anybody, or not every version knows them, so the library cannot say otherwise.
const LOCK_OUT: &[&str] = &["local_preload_libraries", "transaction_timeout", "restrict_nonsystem_relation_kind"];

/// These change what its statements mean, and what they should be is the administrator's to say, for the database or the server. So do
/// those of extensions, which only a superuser can take back. The library says otherwise for all others that do.
const MEANING: &[&str] =
    &["default_text_search_config", "lc_monetary", "lc_numeric", "lc_time", "log_parameter_max_length_on_error"];

impl ControlPlane {
    /// [Cleans logins](Self::clean_logins) and [ends guests](Self::end_left_over_guests) over and over. Never ends.
    pub(crate) async fn keep_logins_clean(&self) {
        loop {
            if let Err(error) = self.clean_logins().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "the logins could not be looked at");
            }
            if let Err(error) = self.end_left_over_guests().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "a guest's login could not be taken away");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Takes back what a tenant's SQL set for its own login that the library cannot prevail over: what keeps new connections out, and
    /// what changes the meaning of statements. Returns what was run. Connections that are open keep what they began with.
    ///
    /// # Errors
    ///
    /// When the catalog or a cluster cannot be reached, or refuses.
    pub async fn clean_logins(&self) -> Result<Vec<String>, ControlError> {
        let catalog = self.catalog().await?;
        let mut taken_back = Vec::new();
        for (_, cluster) in self.clusters(&catalog).await? {
            taken_back.extend(clean(&cluster.server.to_database(&cluster.data)).await?);
        }
        Ok(taken_back)
    }
}

async fn clean(server: &Login) -> Result<Vec<String>, ControlError> {
    let failed = ControlError::doing("taking back what a login set for itself");
    let client = connect(server).await?;
    let rows = client
        .query(
            "select format('alter role %I%s reset %I', r.rolname, coalesce(' in database ' || quote_ident(d.datname), ''), name) \
             from pg_db_role_setting c join pg_roles r on r.oid = c.setrole left join pg_database d on d.oid = c.setdatabase \
             cross join lateral (select split_part(s, '=', 1) as name from unnest(c.setconfig) as s) as setting \
             where (name = any ($1) or name = any ($2)) and not r.rolsuper \
               and (r.rolname = 'freehold_app' or pg_has_role(r.oid, 'freehold_tenant', 'member') and r.rolname ~ '^t_')",
            &[&LOCK_OUT, &MEANING],
        )
        .await
        .map_err(&failed)?;
    let mut taken_back = Vec::new();
    for row in rows {
        let reset: String = row.get(0);
        client.batch_execute(&reset).await.map_err(&failed)?;
        tracing::warn!(reset, "a login had set something for itself: tenants' SQL is hostile");
        taken_back.push(reset);
    }
    Ok(taken_back)
}
