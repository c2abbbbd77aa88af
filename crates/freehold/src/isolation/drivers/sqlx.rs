use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection as _, PgConnection};

use super::super::driver;
use super::super::endpoint::ConnectInfo;
use super::super::error::Source;
use super::super::wire::{Relay, Wire};

/// Statements kept prepared on a connection.
const STATEMENTS: usize = 500;

/// An sqlx connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) client: PgConnection,
    wire: Wire,
    /// Carries what the connection sends and receives as long as it lives.
    _relay: Relay,
}

impl driver::Connection for Connection {
    const DRIVER: &'static str = "sqlx";

    async fn open(info: ConnectInfo) -> Result<Self, Source> {
        // sqlx asks by the simple protocol for types that it does not know, with a text that is made of numbers, and of names
        // that are part of the program.
        let (wire, stream) = Wire::connect(&info, true).await?;
        let (door, relay) = Relay::new(stream)?;
        let mut options = PgConnectOptions::new_without_pgpass()
            .socket(door.directory())
            .port(door.port())
            .database(&info.database)
            .username(&info.user)
            .application_name("freehold")
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging()
            .statement_cache_capacity(STATEMENTS);
        // What sqlx sends of its own accord a pooler refuses too.
        options = if info.pooled { options.extra_float_digits(None) } else { options.options(info.settings()) };
        if let Some(password) = &info.password {
            options = options.password(password.expose_secret());
        }
        Ok(Self { client: PgConnection::connect_with(&options).await?, wire, _relay: relay })
    }

    fn wire(&self) -> &Wire {
        &self.wire
    }

    async fn drain(&mut self) -> Result<(), Source> {
        loop {
            // A script of the wire that nobody waits for any more is none of the client's, which has to ask behind it.
            let drained = if self.wire.is_answered() { self.client.flush().await } else { self.client.ping().await };
            match drained {
                Ok(()) => return Ok(()),
                // How a statement ended whose stream was dropped.
                Err(sqlx::Error::Database(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn prepared(&self) -> usize {
        self.client.cached_statements_size()
    }

    async fn forget_names(&mut self) -> Result<(), Source> {
        // Types by name are forgotten with the statements.
        Ok(self.client.clear_cached_statements().await?)
    }

    async fn close(self) {
        // An error means that it is closed already.
        let _ = sqlx::Connection::close(self.client).await;
    }
}
