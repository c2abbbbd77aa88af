//! Setting up a deployment: roles, catalog, a cluster with its data database, and the template of tenant databases.
//!
//! Needs an administrator's login, once, and again for an upgrade. Running it twice changes nothing.

mod schema;

use std::sync::Arc;

use freehold::isolation::MasterKey;
use freehold::login::Login;
use freehold::tenant::PlacementId;
use tokio_postgres::Client;

pub(crate) use self::schema::CATALOG_VERSION;
use crate::connection::{connect, password};
use crate::{ControlError, seal};

/// What to set up, and where.
#[derive(Debug)]
pub struct Installer {
    /// The server, and an administrator's login: a superuser, or whatever a service gives. The database is not used.
    pub admin: Login,
    /// How applications and workers reach the server: a host name, an address or a socket's directory.
    pub host: String,
    /// And the port.
    pub port: u16,
    /// The name of the catalog's database.
    pub catalog: String,
    /// The name of the data database; its template is named after it.
    pub data: String,
    /// The cluster's name in the catalog.
    pub cluster: String,
    /// What contexts are sealed with.
    pub master_key: Arc<MasterKey>,
    /// For a server that asks its logins for passwords.
    pub passwords: Passwords,
}

/// Where the passwords of Freehold's logins are: `env:NAME` or `file:PATH`, as the processes that log in find them. What is
/// `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    /// That of `freehold_app`, by which applications reach data.
    pub app: Option<String>,
    /// That of `freehold_control`, by which the control plane reaches catalog and data.
    pub control: Option<String>,
    /// That of `freehold_reader`, by which applications reach the catalog.
    pub reader: Option<String>,
}

impl Installer {
    /// Sets up everything that is missing.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or refuses; what was done stays, and running it again goes on.
    /// [`ControlError::Occupied`] when a database of that name is somebody else's, [`ControlError::WrongKey`] when it is of
    /// another deployment.
    pub async fn install(&self) -> Result<(), ControlError> {
        let failed = ControlError::doing("setting up the server");
        let server = connect(&self.admin.to_database("postgres")).await?;
        let one_at_a_time = "select pg_advisory_lock(hashtext('freehold install'))";
        server.batch_execute(one_at_a_time).await.map_err(&failed)?;
        refuse_old(&server).await?;
        server.batch_execute(schema::ROLES).await.map_err(&failed)?;
        self.passwords.set(&server).await?;

        let template = template_of(&self.data);
        for database in [&self.catalog, &self.data, &template] {
            create_database(&server, database).await?;
        }
        let control = format!(
            "grant connect, create on database {catalog} to freehold_control; \
             alter database {template} owner to freehold_control",
            catalog = quoted(&self.catalog),
            template = quoted(&template)
        );
        server.batch_execute(&control).await.map_err(&failed)?;

        for database in [&self.data, &template] {
            schema::install_data(&mut connect(&self.admin.to_database(database)).await?).await?;
        }
        // The control plane lets guests in, each by a login of its own.
        let application = format!(
            "grant connect on database {data} to freehold_app; \
             grant connect on database {data} to freehold_control with grant option",
            data = quoted(&self.data)
        );
        server.batch_execute(&application).await.map_err(&failed)?;

        let mut catalog = connect(&self.admin.to_database(&self.catalog)).await?;
        schema::install_catalog(&mut catalog).await?;
        let data = connect(&self.admin.to_database(&self.data)).await?;
        seal::seal_database(&data, &self.master_key).await?;
        self.register(&catalog, &data).await
    }

    /// Enters the cluster, and its shared placement in the catalog and in the data database.
    async fn register(&self, catalog: &Client, data: &Client) -> Result<(), ControlError> {
        let failed = ControlError::doing("registering the cluster");
        catalog
            .execute(
                "insert into catalog.clusters as known (id, host, port, database, app_password, control_password) \
                 values ($1, $2, $3, $4, $5, $6) \
                 on conflict (id) do update set host = excluded.host, port = excluded.port, \
                     app_password = coalesce(excluded.app_password, known.app_password), \
                     control_password = coalesce(excluded.control_password, known.control_password) \
                 where (known.host, known.port) is distinct from (excluded.host, excluded.port) \
                     or excluded.app_password is distinct from known.app_password \
                     or excluded.control_password is distinct from known.control_password",
                &[
                    &self.cluster,
                    &self.host,
                    &i32::from(self.port),
                    &self.data,
                    &self.passwords.app,
                    &self.passwords.control,
                ],
            )
            .await
            .map_err(&failed)?;
        let fresh = PlacementId::generate();
        catalog
            .execute(
                "insert into catalog.placements (id, cluster, model, database) select $1, $2, 'shared', $3 \
                 where not exists (select from catalog.placements where cluster = $2 and model = 'shared' and dropped_at is null)",
                &[&fresh.as_str(), &self.cluster, &self.data],
            )
            .await
            .map_err(&failed)?;
        let shared = catalog
            .query_one(
                "select id from catalog.placements where cluster = $1 and model = 'shared' and dropped_at is null",
                &[&self.cluster],
            )
            .await
            .map_err(&failed)?;
        create_schema(data, &shared.get::<_, &str>(0).parse()?, "shared").await
    }
}

impl Passwords {
    /// Gives the logins these passwords. Only what a server stores of a password, its SCRAM verifier (RFC 5802), is sent.
    async fn set(&self, server: &Client) -> Result<(), ControlError> {
        let logins =
            [("freehold_app", &self.app), ("freehold_control", &self.control), ("freehold_reader", &self.reader)];
        for (login, reference) in logins {
            let Some(reference) = reference else { continue };
            let verifier = postgres_protocol::password::scram_sha_256(password(reference)?.as_bytes());
            let alter = format!("alter role {login} password '{verifier}'");
            server.batch_execute(&alter).await.map_err(ControlError::doing("setting the password of a login"))?;
        }
        Ok(())
    }
}

/// The database that tenant databases of a cluster are cloned from.
pub(crate) fn template_of(data: &str) -> String {
    format!("{data}_template")
}

/// An identifier for SQL (PostgreSQL: Lexical Structure).
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Creates the schema of a placement and notes the placement, both or neither. Nothing happens if it is there.
pub(crate) async fn create_schema(data: &Client, placement: &PlacementId, model: &str) -> Result<(), ControlError> {
    // A placement id needs no quoting, and a model is one of three words.
    let statements = format!(
        "begin; \
         create schema if not exists {placement} authorization freehold_owner; \
         grant usage on schema {placement} to freehold_app, freehold_tenant; \
         insert into freehold.placements (id, model) values ('{placement}', '{model}') on conflict do nothing; \
         commit"
    );
    data.batch_execute(&statements).await.map_err(ControlError::doing("creating the schema of a placement"))
}

async fn refuse_old(server: &Client) -> Result<(), ControlError> {
    let settings = "select current_setting('server_version_num')::int, current_setting('server_version')";
    let row = server.query_one(settings, &[]).await.map_err(ControlError::doing("asking for the server's version"))?;
    if row.get::<_, i32>(0) < 150_000 { Err(ControlError::TooOld { version: row.get(1) }) } else { Ok(()) }
}

async fn create_database(server: &Client, name: &str) -> Result<(), ControlError> {
    let failed = ControlError::doing("creating a database");
    let exists = server.query_opt("select from pg_database where datname = $1", &[&name]).await.map_err(&failed)?;
    if exists.is_none() {
        let create = format!("create database {} template template0 encoding 'UTF8' strategy wal_log", quoted(name));
        server.batch_execute(&create).await.map_err(&failed)?;
    }
    Ok(())
}
