//! Guests: a login for any program, for one tenant and for as long as one command runs.
//!
//! A program that knows nothing of Freehold (`psql`, a script in any language) can bind no sealed context. So the login itself says
//! for which tenant it is: `freehold.guests` has it, and `freehold.context` takes it from there, whatever the session's SQL
//! does. Otherwise a guest is like the login of a tenant with a database of its own: a member of `freehold_tenant` and of
//! nothing else, let into one database.
//!
//! It is good for a minute, and its command's own process moves that on. When the process is killed, the guest's context
//! ends within the minute, and a worker, or the next command of this kind, ends its sessions and drops the login.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use freehold::isolation::Mode;
use freehold::login::Login;
use freehold::tenant::{PlacementId, Slug, TenantId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio_postgres::Client;
use tokio_postgres::config::Host;
use uuid::Uuid;

use crate::audit::audit;
use crate::connection::connect;
use crate::delete::is_missing;
use crate::install::quoted;
use crate::provision::Place;
use crate::{ControlError, ControlPlane};

/// For how long a guest is good if nobody moves it on.
const GOOD: Duration = Duration::from_secs(60);
/// For how long its password is, which is the longest that a command can go on connecting. Nobody moves that on: a login without a
/// good guest has no context.
const PASSWORD_GOOD: Duration = Duration::from_secs(24 * 60 * 60);

/// A login that reaches the rows of one tenant, and the way to use it.
///
/// [Keep](Self::keep) it for as long as its command runs, and [end](Self::end) it then.
pub struct Guest {
    control: ControlPlane,
    login: String,
    password: SecretString,
    tenant: TenantId,
    slug: Slug,
    mode: Mode,
    place: Place,
}

/// The database that a guest was let into.
#[derive(Debug)]
struct House {
    server: Login,
    /// The data database of the cluster, from which roles are made and dropped.
    data: String,
    database: String,
}

impl ControlPlane {
    /// Makes a login for one tenant. `actor`, `reason` and `command` are in the audit before it is there.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownTenant`]; [`ControlError::WrongStatus`] for a tenant that is not there yet and, in
    /// [`Mode::Write`], for one that may only read or is being deleted; [`ControlError::Unexplained`].
    pub async fn guest(
        &self,
        slug: &Slug,
        mode: Mode,
        actor: &str,
        reason: &str,
        command: &[String],
    ) -> Result<Guest, ControlError> {
        let tenant = self.tenant(slug).await?;
        let (possible, wanted): (&[&str], _) = match mode {
            Mode::Read => (&["active", "read_only", "suspended", "deleting"], "read"),
            Mode::Write => (&["active", "suspended"], "written to"),
        };
        if !possible.contains(&tenant.status.as_str()) {
            return Err(ControlError::WrongStatus { slug: slug.clone(), status: tenant.status, wanted });
        }
        let catalog = self.catalog().await?;
        let guest = Guest {
            control: self.clone(),
            // As random as a placement's name, and as easy to write.
            login: PlacementId::generate().as_str().replacen("t_", "g_", 1),
            password: hex::encode(rand::random::<[u8; 32]>()).into(),
            tenant: tenant.id,
            slug: slug.clone(),
            mode,
            place: self.place_of(&catalog, tenant.id).await?,
        };
        let action = if mode == Mode::Write { "exec, writing" } else { "exec, reading" };
        let detail = json!({ "command": command, "login": guest.login });
        audit(&catalog, actor, action, Some(tenant.id), reason, &detail).await?;
        guest.note(&catalog).await?;
        match guest.create().await {
            Ok(()) => Ok(guest),
            Err(error) => {
                if let Err(unended) = guest.end().await {
                    tracing::warn!(error = &unended as &dyn std::error::Error, "a worker will take the login away");
                }
                Err(error)
            }
        }
    }

    /// Ends guests whose command is gone and did not end them. Returns their logins.
    ///
    /// # Errors
    ///
    /// When the catalog or a cluster cannot be reached, or refuses. What could be ended is.
    pub async fn end_left_over_guests(&self) -> Result<Vec<String>, ControlError> {
        let left_over = self.end_guests("good_until <= now() and $1::uuid is null", None).await?;
        for login in &left_over {
            tracing::warn!(login, "a command was cut off: its login is taken away");
        }
        Ok(left_over)
    }

    /// Ends the guests of a tenant, also those whose command runs.
    pub(crate) async fn end_guests_of(&self, tenant: TenantId) -> Result<(), ControlError> {
        self.end_guests("tenant = $1", Some(tenant)).await.map(drop)
    }

    async fn end_guests(&self, which: &str, tenant: Option<TenantId>) -> Result<Vec<String>, ControlError> {
        let mut catalog = self.catalog().await?;
        let list = format!("select login from catalog.guests where {which}");
        let logins = catalog.query(&list, &[&tenant.map(Uuid::from)]).await;
        let logins = logins.map_err(ControlError::doing("listing guests"))?;
        let (mut ended, mut failed) = (Vec::new(), None);
        for login in logins.iter().map(|row| row.get(0)) {
            match self.end_guest(&mut catalog, login).await {
                Ok(()) => ended.push(login.to_owned()),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(ended), Err)
    }

    /// While its row is locked, so that two processes do not drop one login.
    async fn end_guest(&self, catalog: &mut Client, login: &str) -> Result<(), ControlError> {
        let failed = ControlError::doing("ending a guest");
        let clusters = self.clusters(catalog).await?;
        let transaction = catalog.transaction().await.map_err(&failed)?;
        let row = transaction
            .query_opt(
                "select p.cluster, p.database from catalog.guests g join catalog.placements p on p.id = g.placement \
                 where g.login = $1 for update of g",
                &[&login],
            )
            .await
            .map_err(&failed)?;
        let Some(row) = row else { return Ok(()) };
        let (_, cluster) =
            clusters.into_iter().find(|(id, _)| id == row.get::<_, &str>(0)).ok_or(ControlError::NoCluster)?;
        House { server: cluster.server, data: cluster.data, database: row.get(1) }.turn_out(login).await?;
        transaction.execute("delete from catalog.guests where login = $1", &[&login]).await.map_err(&failed)?;
        transaction.commit().await.map_err(failed)
    }
}

impl Guest {
    /// The name of the login.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// What a program needs in its environment: what libpq reads (PostgreSQL: "Environment Variables"), which most drivers
    /// heed too, and who the tenant is.
    ///
    /// `freehold.guest` is for the default of `tenant_id` alone: a guest's context does not come from there.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let config = self.place.server.config();
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(directory)) => directory.to_string_lossy().into_owned(),
            None => String::new(),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let mut environment = vec![
            ("PGHOST", host),
            ("PGPORT", port.to_string()),
            ("PGDATABASE", self.place.database.clone()),
            ("PGUSER", self.login.clone()),
            ("PGPASSWORD", self.password.expose_secret().to_owned()),
            ("PGOPTIONS", format!("-c search_path={} -c freehold.guest={}", self.place.id.path(), self.tenant)),
            ("FREEHOLD_TENANT", self.slug.to_string()),
            ("FREEHOLD_TENANT_ID", self.tenant.to_string()),
            ("FREEHOLD_PLACEMENT", self.place.id.to_string()),
        ];
        if !self.place.server.is_local() {
            environment.push(("PGSSLMODE", "verify-full".to_owned()));
            environment.extend(authorities().map(|file| ("PGSSLROOTCERT", file)));
        }
        environment
    }

    /// Keeps the guest good. Ends when somebody else has ended it, as the deletion of its tenant does. To drop this is safe at any
    /// moment.
    pub async fn keep(&self) {
        loop {
            match self.renew().await {
                Ok(true) => {}
                Ok(false) => return,
                // It is good for a while yet, and the server may be back by then.
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a guest could not be kept good")
                }
            }
            tokio::time::sleep(GOOD / 4).await;
        }
    }

    /// Ends its sessions and drops the login.
    ///
    /// # Errors
    ///
    /// When the catalog or the server cannot be reached, or refuses. A worker tries again.
    pub async fn end(&self) -> Result<(), ControlError> {
        let mut catalog = self.control.catalog().await?;
        self.control.end_guest(&mut catalog, &self.login).await
    }

    fn house(&self) -> House {
        let Place { server, data, database, .. } = self.place.clone();
        House { server, data, database }
    }

    /// In the catalog, before there is anything that could be left over.
    async fn note(&self, catalog: &Client) -> Result<(), ControlError> {
        catalog
            .execute(
                "insert into catalog.guests (login, tenant, placement, good_until) \
                 values ($1, $2, $3, now() + make_interval(secs => $4))",
                &[&self.login, &Uuid::from(self.tenant), &self.place.id.as_str(), &GOOD.as_secs_f64()],
            )
            .await
            .map(drop)
            .map_err(ControlError::doing("noting a guest"))
    }

    async fn create(&self) -> Result<(), ControlError> {
        let failed = ControlError::doing("making a guest");
        let House { server, data, database } = self.house();
        let (login, database_name) = (&self.login, quoted(&database));
        let verifier = postgres_protocol::password::scram_sha_256(self.password.expose_secret().as_bytes());
        let server_client = connect(&server.to_database(&data)).await?;
        let until = server_client
            .query_one("select (now() + make_interval(secs => $1))::text", &[&PASSWORD_GOOD.as_secs_f64()])
            .await
            .map_err(&failed)?;
        let until: &str = until.get(0);
        let create = format!(
            "create role {login} login inherit password '{verifier}' valid until '{until}' in role freehold_tenant; \
             alter role {login} in database {database_name} set search_path = {path}; \
             grant connect on database {database_name} to {login}",
            path = self.place.id.path(),
        );
        server_client.batch_execute(&create).await.map_err(&failed)?;
        let mode = if self.mode == Mode::Write { "w" } else { "r" };
        connect(&server.to_database(&database))
            .await?
            .execute(
                "insert into freehold.guests (login, tenant, mode, good_until) \
                 values ($1::text::name, $2, $3, now() + make_interval(secs => $4))",
                &[&login, &Uuid::from(self.tenant), &mode, &GOOD.as_secs_f64()],
            )
            .await
            .map(drop)
            .map_err(failed)
    }

    /// `false`: the guest was ended.
    async fn renew(&self) -> Result<bool, ControlError> {
        let failed = ControlError::doing("keeping a guest good");
        let catalog = self.control.catalog().await?;
        let renew = "update catalog.guests set good_until = now() + make_interval(secs => $2) where login = $1";
        if catalog.execute(renew, &[&self.login, &GOOD.as_secs_f64()]).await.map_err(&failed)? == 0 {
            return Ok(false);
        }
        let home = connect(&self.place.server.to_database(&self.place.database)).await?;
        let renew =
            "update freehold.guests set good_until = now() + make_interval(secs => $2) where login = $1::text::name";
        home.execute(renew, &[&self.login, &GOOD.as_secs_f64()]).await.map(|_| true).map_err(failed)
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("login", &self.login).field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl House {
    /// Takes a login's context away first, then the right to log in, its sessions, what it may own or was granted, and the login
    /// itself. Whatever of that is done already is passed over.
    async fn turn_out(&self, login: &str) -> Result<(), ControlError> {
        let failed = ControlError::doing("taking a guest's login away");
        let home = match connect(&self.server.to_database(&self.database)).await {
            Ok(home) => Some(home),
            // A tenant's own database goes with its tenant.
            Err(error) if is_missing(&error) => None,
            Err(error) => return Err(error),
        };
        if let Some(home) = &home {
            let forget = "delete from freehold.guests where login = $1::text::name";
            home.execute(forget, &[&login]).await.map_err(&failed)?;
        }
        let server = connect(&self.server.to_database(&self.data)).await?;
        if server.query_opt("select from pg_roles where rolname = $1", &[&login]).await.map_err(&failed)?.is_none() {
            return Ok(());
        }
        // Only members of a role may end its sessions, and drop what it owns: large objects, where a server lets it have them.
        let close = format!("alter role {login} nologin; grant {login} to freehold_control");
        server.batch_execute(&close).await.map_err(&failed)?;
        let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1";
        server.execute(end, &[&login]).await.map_err(&failed)?;
        if let Some(home) = &home {
            home.batch_execute(&format!("drop owned by {login}")).await.map_err(&failed)?;
        }
        server.batch_execute(&format!("drop role {login}")).await.map_err(&failed)
    }
}

/// The file of the authorities that libpq is to trust, if nobody named one. Before version 16 it cannot find those of the
/// system by itself.
fn authorities() -> Option<String> {
    const DEBIAN: &str = "/etc/ssl/certs/ca-certificates.crt";
    match std::env::var_os("PGSSLROOTCERT") {
        Some(_) => None,
        None if Path::new(DEBIAN).is_file() => Some(DEBIAN.to_owned()),
        None => Some("system".to_owned()),
    }
}
