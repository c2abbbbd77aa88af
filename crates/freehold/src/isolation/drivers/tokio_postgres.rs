use std::collections::HashMap;
use std::fmt;
use std::future::Future;

use futures_util::TryStreamExt;
use futures_util::future::{try_join, try_join3};
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, Config, Error, NoTls, Row, SimpleQueryMessage, Statement};

use super::super::driver::{self, BIND, Inspection};
use super::super::endpoint::ConnectInfo;
use super::super::error::Source;
use super::super::session::{HELLO, Hello, Opening, Token};

/// Statements kept prepared on a connection. More distinct texts than this would mean that texts are made up at run time.
const STATEMENTS: usize = 1_000;

/// A tokio-postgres connection and its prepared statements.
pub struct Connection {
    client: Client,
    bind: Statement,
    statements: HashMap<&'static str, Statement>,
    /// Text made at run time was sent since the last reset. What is prepared behind it may be read otherwise than it is
    /// written, so it is not kept.
    ran_ad_hoc: bool,
    /// Reads and writes the socket. tokio-postgres would let it go on until the last statement is answered.
    socket: JoinHandle<()>,
}

/// A statement to run.
#[derive(Clone, Copy)]
pub(crate) enum Text<'a> {
    /// Part of the program: prepared once and kept.
    Static(&'static str, &'a [&'a (dyn ToSql + Sync)]),
    /// Made at run time: never named on the server, where the next tenant could read it.
    AdHoc(&'a str, &'a [(&'a (dyn ToSql + Sync), Type)]),
    /// Transaction control: text of this crate, with nothing from outside in it. Empty: nothing but what goes around it.
    Control(&'a str),
}

/// What a statement returned.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) affected: u64,
}

impl Connection {
    /// Runs a statement. What has to come before and behind it travels in the same message where possible.
    ///
    /// A statement that is not prepared yet has to wait for the opening: prepared late, it would run after a commit that
    /// was sent behind it, and it cannot be prepared early, because only the opening sets the path.
    pub(crate) async fn run(
        &mut self,
        opening: Option<Opening>,
        unwind: Option<String>,
        text: Text<'_>,
        commit: bool,
    ) -> Result<Answer, Error> {
        // The futures send in this order when they are first polled, and none is polled behind one that failed: a statement
        // whose parameters do not encode is not followed by a commit.
        self.ran_ad_hoc |= matches!(text, Text::AdHoc(..));
        let before = self.before(opening, unwind);
        let after = async { if commit { self.client.batch_execute("commit").await } else { Ok(()) } };
        let ((), answer, ()) = match text {
            Text::Control(statements) => try_join3(before, self.control(statements), after).await?,
            Text::AdHoc(sql, parameters) => {
                let parameters = parameters.iter().map(|(value, kind)| (*value, kind.clone()));
                let answer = async { collect(self.client.query_typed_raw(sql, parameters).await?).await };
                try_join3(before, answer, after).await?
            }
            Text::Static(sql, parameters) => match self.statements.get(sql) {
                Some(statement) => try_join3(before, self.execute(statement, parameters), after).await?,
                None => {
                    before.await?;
                    let statement = self.client.prepare(sql).await?;
                    let answered = try_join(self.execute(&statement, parameters), after).await;
                    if !self.ran_ad_hoc {
                        self.keep(sql, statement);
                    }
                    ((), answered?.0, ())
                }
            },
        };
        Ok(answer)
    }

    /// Forgets a statement whose plan no longer fits.
    pub(crate) fn forget(&mut self, sql: &str) {
        self.statements.remove(sql);
    }

    fn keep(&mut self, sql: &'static str, statement: Statement) {
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(sql, statement);
    }

    async fn before(&self, opening: Option<Opening>, unwind: Option<String>) -> Result<(), Error> {
        let open = async {
            let Some(Opening { begin, path, token }) = opening else { return Ok(()) };
            let path = path.path();
            let parameters: [&(dyn ToSql + Sync); 2] = [&path, &token];
            try_join(self.client.batch_execute(begin), self.client.execute(&self.bind, &parameters)).await.map(drop)
        };
        let unwind = async {
            match &unwind {
                Some(unwind) => self.client.batch_execute(unwind).await,
                None => Ok(()),
            }
        };
        try_join(open, unwind).await.map(drop)
    }

    async fn control(&self, statements: &str) -> Result<Answer, Error> {
        if !statements.is_empty() {
            self.client.batch_execute(statements).await?;
        }
        Ok(Answer { rows: Vec::new(), affected: 0 })
    }

    async fn execute(&self, statement: &Statement, parameters: &[&(dyn ToSql + Sync)]) -> Result<Answer, Error> {
        collect(self.client.query_raw(statement, parameters.iter().copied()).await?).await
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
    async fn open(info: ConnectInfo) -> Result<(Self, Hello), Source> {
        let mut config = Config::new();
        config.host(&info.host).port(info.port).dbname(&*info.database).user(&info.user).options(info.options());
        config.application_name("freehold");
        if let Some(password) = &info.password {
            config.password(password.expose_secret());
        }
        let (client, connection) = config.connect(NoTls).await?;
        let socket = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a database connection ended");
            }
        });
        let row = client.query_one(HELLO, &[]).await?;
        let key = match row.try_get::<_, Option<i32>>("generation")? {
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
        let bind = client.prepare(BIND).await?;
        Ok((Self { client, bind, statements: HashMap::new(), ran_ad_hoc: false, socket }, hello))
    }

    async fn reset(&mut self, roll_back: bool) -> Result<Inspection, Source> {
        let prepared = 1 + self.statements.len();
        let ran_ad_hoc = std::mem::take(&mut self.ran_ad_hoc);
        let answers = self.client.simple_query(&driver::reset(roll_back, prepared, ran_ad_hoc)).await?;
        let found = answers.iter().rev().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = found.ok_or("the inspection of a connection was not answered")?;
        let clock = row.try_get(2)?.ok_or("the inspection of a connection tells no time")?.parse()?;
        Ok(Inspection { clock, hijacked: row.try_get(3)? != Some("f") })
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    fn cancel(&self) -> impl Future<Output = ()> + Send + 'static {
        let token = self.client.cancel_token();
        async move {
            if let Err(error) = token.cancel_query(NoTls).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a statement could not be cancelled");
            }
        }
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
        f.debug_struct("Connection").field("statements", &self.statements.len()).finish_non_exhaustive()
    }
}

impl ToSql for Token {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Source> {
        self.as_str().to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        <&str as FromSql<'_>>::accepts(kind)
    }

    to_sql_checked!();
}
