use std::collections::HashMap;
use std::fmt;

use futures_util::TryStreamExt;
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement};

use super::super::driver;
use super::super::endpoint::ConnectInfo;
use super::super::error::Source;
use super::super::wire::Wire;
use crate::tenant::PlacementId;

/// Statements kept prepared on a connection, over all spaces.
const STATEMENTS: usize = 500;

/// A tokio-postgres connection and its prepared statements.
pub struct Connection {
    client: Client,
    wire: Wire,
    /// By the schema they were read in, where tenants have schemas of their own.
    spaces: HashMap<Option<PlacementId>, Space>,
    /// How many statements there are in all spaces.
    kept: usize,
    /// Counts uses of spaces.
    clock: u64,
    /// Reads and writes the socket. tokio-postgres would let it go on until the last statement is answered.
    socket: JoinHandle<()>,
}

#[derive(Default)]
struct Space {
    statements: HashMap<&'static str, Statement>,
    used: u64,
}

/// A statement to run.
#[derive(Clone, Copy)]
pub(crate) enum Text<'a> {
    /// Part of the program: prepared once and kept.
    Static(&'static str, &'a [&'a (dyn ToSql + Sync)]),
    /// Made at run time: never named on the server, where the next tenant could read it.
    AdHoc(&'a str, &'a [(&'a (dyn ToSql + Sync), Type)]),
}

/// What a statement returned.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) affected: u64,
}

impl Connection {
    /// Runs a statement, and commits behind it if that is asked for. What the wire was told to send before it goes with the
    /// first message.
    pub(crate) async fn run(
        &mut self,
        space: Option<&PlacementId>,
        text: Text<'_>,
        commit: bool,
    ) -> Result<Answer, Error> {
        let ended = self.send(space, text, commit).await;
        if ended.is_err() {
            self.wire.distrust();
        }
        ended
    }

    async fn send(&mut self, space: Option<&PlacementId>, text: Text<'_>, commit: bool) -> Result<Answer, Error> {
        match text {
            Text::AdHoc(sql, parameters) => {
                self.wire.ran_ad_hoc();
                if commit {
                    self.wire.commit_behind();
                }
                let parameters = parameters.iter().map(|(value, kind)| (*value, kind.clone()));
                collect(self.client.query_typed_raw(sql, parameters).await?).await
            }
            Text::Static(sql, parameters) => {
                let statement = match self.find(space, sql) {
                    Some(kept) => kept,
                    None => {
                        let made = self.client.prepare(sql).await?;
                        // Behind text made at run time it may be read otherwise than it is written.
                        if !self.wire.has_run_ad_hoc() {
                            self.keep(space, sql, made.clone());
                        }
                        made
                    }
                };
                if commit {
                    self.wire.commit_behind();
                }
                collect(self.client.query_raw(&statement, parameters.iter().copied()).await?).await
            }
        }
    }

    fn find(&mut self, space: Option<&PlacementId>, sql: &str) -> Option<Statement> {
        self.clock += 1;
        let space = self.spaces.get_mut(&space.cloned())?;
        space.used = self.clock;
        space.statements.get(sql).cloned()
    }

    fn keep(&mut self, space: Option<&PlacementId>, sql: &'static str, statement: Statement) {
        if self.kept >= STATEMENTS
            && let Some(oldest) = self.spaces.iter().min_by_key(|(_, space)| space.used).map(|(name, _)| name.clone())
            && let Some(oldest) = self.spaces.remove(&oldest)
        {
            self.kept -= oldest.statements.len();
        }
        let space = self.spaces.entry(space.cloned()).or_default();
        space.used = self.clock;
        space.statements.insert(sql, statement);
        self.kept += 1;
    }

    /// Forgets a statement whose plan no longer fits.
    pub(crate) fn forget(&mut self, sql: &str) {
        for space in self.spaces.values_mut() {
            self.kept -= usize::from(space.statements.remove(sql).is_some());
        }
    }
}

async fn collect(stream: tokio_postgres::RowStream) -> Result<Answer, Error> {
    let mut stream = std::pin::pin!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    Ok(Answer { rows, affected: stream.rows_affected().unwrap_or(0) })
}

impl driver::Connection for Connection {
    const DRIVER: &'static str = "tokio-postgres";

    async fn open(info: ConnectInfo) -> Result<Self, Source> {
        let mut config = Config::new();
        config.dbname(&*info.database).user(&info.user).application_name("freehold");
        if !info.pooled {
            config.options(info.options());
        }
        if let Some(password) = &info.password {
            config.password(password.expose_secret());
        }
        let (wire, stream) = Wire::connect(&info, false).await?;
        let (client, connection) = config.connect_raw(stream, NoTls).await?;
        let socket = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a database connection ended");
            }
        });
        Ok(Self { client, wire, spaces: HashMap::new(), kept: 0, clock: 0, socket })
    }

    fn wire(&self) -> &Wire {
        &self.wire
    }

    async fn drain(&mut self) -> Result<(), Source> {
        // Requests are sent in the order in which they were made, dropped or not: this one is a Sync.
        Ok(self.client.check_connection().await?)
    }

    fn prepared(&self) -> usize {
        self.kept
    }

    async fn forget_names(&mut self) -> Result<(), Source> {
        // It remembers types by their numbers alone.
        Ok(())
    }

    async fn close(self) {
        // Dropping the connection closes its socket, which is all the server needs.
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.abort();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("statements", &self.kept).finish_non_exhaustive()
    }
}
