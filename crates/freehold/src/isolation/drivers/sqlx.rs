use std::future::{Future, ready};

use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection as _, PgConnection, Row};

use super::super::driver::{self, BIND, Inspection};
use super::super::endpoint::ConnectInfo;
use super::super::error::Source;
use super::super::session::{HELLO, Hello, Opening};

/// An sqlx connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) client: PgConnection,
    /// Text made at run time was sent since the last reset. What is prepared behind it may be read otherwise than it is
    /// written, so it is not kept.
    pub(crate) ran_ad_hoc: bool,
}

impl Connection {
    /// Begins a transaction and binds its context: two round trips, since sqlx does not pipeline. A third one proves the
    /// context where it may have lost its validity.
    pub(crate) async fn begin(&mut self, opening: &Opening, prove: bool) -> Result<(), sqlx::Error> {
        self.control(opening.begin).await?;
        sqlx::query(BIND).bind(opening.path.path()).bind(opening.token.as_str()).execute(&mut self.client).await?;
        if prove {
            sqlx::query("select tenant from freehold.context").execute(&mut self.client).await?;
        }
        Ok(())
    }

    /// Reads the answers of a statement whose stream was dropped, to the end. The error is what is left of them.
    pub(crate) async fn drain(&mut self) -> Result<(), sqlx::Error> {
        let mut failed = None;
        loop {
            match sqlx::Connection::flush(&mut self.client).await {
                Ok(()) => return failed.map_or(Ok(()), Err),
                Err(error @ sqlx::Error::Database(_)) if failed.is_none() => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
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
        Ok((Self { client, ran_ad_hoc: false }, hello))
    }

    async fn reset(&mut self, roll_back: bool) -> Result<Inspection, Source> {
        match self.drain().await {
            // Nobody is left to be told.
            Ok(()) | Err(sqlx::Error::Database(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let prepared = self.client.cached_statements_size();
        let reset = driver::reset(roll_back, prepared, std::mem::take(&mut self.ran_ad_hoc));
        let row = sqlx::raw_sql(sqlx::AssertSqlSafe(reset)).fetch_one(&mut self.client).await?;
        Ok(Inspection { clock: row.try_get(2)?, hijacked: row.try_get(3)? })
    }

    /// Not known without a round trip; the first statement finds out.
    fn is_closed(&self) -> bool {
        false
    }

    /// sqlx has no cancel request. Closing the connection ends the statement within
    /// `client_connection_check_interval`.
    fn cancel(&self) -> impl Future<Output = ()> + Send + 'static {
        ready(())
    }

    async fn close(self) {
        // An error means that it is closed already.
        let _ = sqlx::Connection::close(self.client).await;
    }
}
