use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection as _, PgConnection, Row};

use super::super::driver::{self, BIND, INSPECT, Inspection, RESET, ROLLBACK_AND_RESET};
use super::super::endpoint::ConnectInfo;
use super::super::error::Source;
use super::super::session::{HELLO, Hello, Opening};

/// An sqlx connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) client: PgConnection,
}

impl Connection {
    /// Begins a transaction and binds its context: two round trips, since sqlx does not pipeline.
    pub(crate) async fn begin(&mut self, opening: &Opening) -> Result<(), sqlx::Error> {
        self.control(opening.begin).await?;
        sqlx::query(BIND).bind(opening.path.path()).bind(opening.token.as_str()).execute(&mut self.client).await?;
        Ok(())
    }

    /// Transaction control: texts of this crate, without anything from outside in them.
    pub(crate) async fn control(&mut self, statements: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut self.client).await?;
        Ok(())
    }
}

impl driver::Connection for Connection {
    async fn open(info: ConnectInfo) -> Result<(Self, Hello), Source> {
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(info.port)
            .database(&info.database)
            .username(&info.user)
            .application_name("freehold")
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging();
        options = match info.host.strip_prefix('/') {
            Some(_) => options.socket(&info.host),
            None => options.host(&info.host),
        };
        if let Some(password) = &info.password {
            options = options.password(password.expose_secret());
        }
        options = options.options(info.settings.iter().copied());
        let mut client = PgConnection::connect_with(&options).await?;
        let row = sqlx::query(HELLO).persistent(false).fetch_one(&mut client).await?;
        let key = match row.try_get::<Option<i32>, _>("generation")? {
            Some(generation) => Some((generation, row.try_get("salt")?, row.try_get("fingerprint")?)),
            None => None,
        };
        let hello = Hello {
            pid: row.try_get("pid")?,
            clock: row.try_get("clock")?,
            system: row.try_get("system")?,
            database: row.try_get("database")?,
            schema_version: row.try_get("schema_version")?,
            compatible_from: row.try_get("compatible_from")?,
            key,
        };
        Ok((Self { client }, hello))
    }

    async fn reset(&mut self, roll_back: bool) -> Result<Inspection, Source> {
        let seed = rand::random::<f64>() * 2.0 - 1.0;
        self.control(if roll_back { ROLLBACK_AND_RESET } else { RESET }).await?;
        let row = sqlx::query(INSPECT).bind(seed).fetch_one(&mut self.client).await?;
        Ok(Inspection { clock: row.try_get(2)?, hijacked: row.try_get(3)? })
    }

    /// Not known without a round trip; the first statement finds out.
    fn is_closed(&self) -> bool {
        false
    }

    /// sqlx has no cancel request. Closing the connection ends the statement within
    /// `client_connection_check_interval`.
    fn cancel(&self) {}
}
