//! Watching what row-level security would hide or refuse, before it is switched on.
//!
//! Policies that let every row through write down which rows are not of the transaction's tenant. So what is seen is what
//! a statement looks at, as enforcement would judge it, also where the statement filters by something that PostgreSQL only
//! does behind policies (see "Row Security Policies" and the attribute LEAKPROOF in its documentation).

use freehold::login::Login;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::{Client, Row, Transaction};

use crate::check::{aim, tenant_tables};
use crate::connection::connect;
use crate::{CheckOptions, ControlError};

const INSTALL: &str = include_str!("../sql/observe/install.sql");

/// How long one table may keep `start` and `stop` waiting.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '5s'";

/// What to watch, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObserveOptions {
    /// Which tables have tenants in them, as `check` knows them.
    pub tables: CheckOptions,
    /// The setting in which the application says which tenant a transaction is for, such as `app.tenant_id`. Without one, the first
    /// row that a transaction touches says it.
    pub setting: Option<String>,
    /// Leave out what the owners of tables do. Otherwise they are watched like everybody but superusers and roles with BYPASSRLS.
    pub without_owners: bool,
}

/// What is watched now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Observed {
    /// Tables that are watched.
    pub tables: Vec<String>,
    /// Tables that are not, because row-level security is switched on there already.
    pub enforced: Vec<String>,
}

/// What enforcement would have done to a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Observation {
    /// The table.
    pub relation: String,
    /// `select`, `insert`, `update`, `update, new row` or `delete`.
    pub command: String,
    /// Whether rows would be hidden from it, or it would be refused.
    pub outcome: &'static str,
    /// Why.
    pub reason: String,
    /// Who ran it.
    pub login: String,
    /// What it said it was (`application_name`).
    pub application: String,
    /// Its text, with question marks in the place of values.
    pub statement: String,
    /// In how many sessions it was seen. A session tells of a statement once, and forgets if its transaction is rolled back.
    pub sessions: i64,
    /// When it was seen last, in RFC 3339.
    pub last: String,
}

/// Watches every table with tenants in it. Rows and errors stay what they are, but for what PostgreSQL refuses wherever row-level
/// security is on: `COPY ... FROM`, and `row_security = off`, which `pg_dump` uses. Superusers and roles with BYPASSRLS may do
/// both; owners of tables may with [`ObserveOptions::without_owners`].
///
/// A table at a time, each in a transaction of its own, so it can be cut off anywhere and run again.
///
/// # Errors
///
/// When the database cannot be changed; for instance because a table stays locked for five seconds.
/// [`ControlError::NoTenantTables`] when there is nothing to watch.
pub async fn observe(database: &Login, options: &ObserveOptions) -> Result<Observed, ControlError> {
    let failed = ControlError::doing("watching a database");
    let mut client = connect(database).await?;
    let transaction = client.transaction().await.map_err(&failed)?;
    aim(&transaction, &options.tables).await.map_err(&failed)?;
    let tables = tenant_tables(&transaction).await.map_err(&failed)?;
    transaction.commit().await.map_err(&failed)?;
    if tables.is_empty() {
        return Err(ControlError::NoTenantTables { columns: options.tables.tenant_columns.join(", ") });
    }
    let transaction = client.transaction().await.map_err(&failed)?;
    transaction.batch_execute(INSTALL).await.map_err(&failed)?;
    let note_setting = "insert into freehold_observe.options (setting) values ($1) \
                        on conflict (only_row) do update set setting = excluded.setting";
    transaction.execute(note_setting, &[&options.setting]).await.map_err(&failed)?;
    transaction.commit().await.map_err(&failed)?;
    let mut observed = Observed::default();
    for (table, column) in tables {
        let transaction = client.transaction().await.map_err(&failed)?;
        let watched = watch(&transaction, &table, &column, options).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        if watched { observed.tables.push(table) } else { observed.enforced.push(table) }
    }
    Ok(observed)
}

/// False where row-level security is on for another reason.
async fn watch(
    transaction: &Transaction<'_>,
    table: &str,
    column: &str,
    options: &ObserveOptions,
) -> Result<bool, tokio_postgres::Error> {
    transaction.batch_execute(LOCK_TIMEOUT).await?;
    let row = transaction
        .query_one(
            "select c.relrowsecurity, w.relation is not null, quote_literal($1), \
                    quote_ident($2), quote_literal(coalesce($3, 'freehold_observe.tenant')) \
             from pg_class c left join freehold_observe.tables w on w.relation = c.oid where c.oid = to_regclass($1)",
            &[&table, &column, &options.setting],
        )
        .await?;
    let (enabled, watched): (bool, bool) = (row.get(0), row.get(1));
    if enabled && !watched {
        return Ok(false);
    }
    let (name, column, setting): (String, String, String) = (row.get(2), row.get(3), row.get(4));
    let force = if options.without_owners { "no force" } else { "force" };
    let mut script = format!("alter table {table} enable row level security, {force} row level security;");
    let judged = |command: &str| {
        format!(
            "(case when {column}::text = current_setting({setting}, true) then true \
              else freehold_observe.note({name}, '{command}', {column}::text) end)"
        )
    };
    for (command, clauses) in [
        ("select", format!("using {}", judged("select"))),
        ("insert", format!("with check {}", judged("insert"))),
        ("update", format!("using {} with check {}", judged("update"), judged("update, new row"))),
        ("delete", format!("using {}", judged("delete"))),
    ] {
        script.push_str(&format!(
            "drop policy if exists freehold_observe_{command} on {table}; \
             create policy freehold_observe_{command} on {table} for {command} {clauses};"
        ));
    }
    transaction.batch_execute(&script).await?;
    let remember = "insert into freehold_observe.tables (relation, owners) values (to_regclass($1), $2) \
                    on conflict (relation) do update set owners = excluded.owners";
    transaction.execute(remember, &[&table, &!options.without_owners]).await?;
    Ok(true)
}

/// What enforcement would have hidden or refused so far, the most frequent first.
///
/// # Errors
///
/// [`ControlError::NotObserved`], or when the database cannot be read.
pub async fn observations(database: &Login) -> Result<Vec<Observation>, ControlError> {
    let client = connect(database).await?;
    ensure_observed(&client).await?;
    let rows = client
        .query(
            "select relation, command, reason, login, application, statement, count(*), \
                    to_char(max(at) at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
             from freehold_observe.seen group by 1, 2, 3, 4, 5, 6 order by count(*) desc, 1, 2, 6",
            &[],
        )
        .await
        .map_err(ControlError::doing("reading what was observed"))?;
    Ok(rows.iter().map(Observation::read).collect())
}

/// Stops watching, and forgets what was seen. Row-level security is off again where it was.
///
/// # Errors
///
/// [`ControlError::NotObserved`], or when a table stays locked for five seconds; run again, it goes on.
pub async fn stop_observing(database: &Login) -> Result<Vec<String>, ControlError> {
    let failed = ControlError::doing("ending to watch a database");
    let mut client = connect(database).await?;
    ensure_observed(&client).await?;
    let watched = "select w.relation, c.oid::regclass::text from freehold_observe.tables w \
                   left join pg_class c on c.oid = w.relation order by 2";
    let mut ended = Vec::new();
    for row in client.query(watched, &[]).await.map_err(&failed)? {
        let (relation, table): (u32, Option<String>) = (row.get(0), row.get(1));
        let transaction = client.transaction().await.map_err(&failed)?;
        if let Some(table) = table {
            let policies: String = ["select", "insert", "update", "delete"]
                .map(|command| format!("drop policy if exists freehold_observe_{command} on {table};"))
                .concat();
            let off = format!(
                "{LOCK_TIMEOUT}; {policies} alter table {table} disable row level security, no force row level security"
            );
            transaction.batch_execute(&off).await.map_err(&failed)?;
            ended.push(table);
        }
        let forget = "delete from freehold_observe.tables where relation = $1";
        transaction.execute(forget, &[&relation]).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
    }
    client.batch_execute("drop schema freehold_observe cascade").await.map_err(&failed)?;
    Ok(ended)
}

async fn ensure_observed(client: &Client) -> Result<(), ControlError> {
    let row = client
        .query_one("select to_regclass('freehold_observe.seen') is not null, current_database()::text", &[])
        .await
        .map_err(ControlError::doing("looking for what was observed"))?;
    if row.get(0) { Ok(()) } else { Err(ControlError::NotObserved { database: row.get(1) }) }
}

impl Observation {
    fn read(row: &Row) -> Self {
        let (command, reason): (String, String) = (row.get(1), row.get(2));
        // Without a context policies raise, and a row that may not be written is an error.
        let refused = reason == "no tenant is set" || matches!(&*command, "insert" | "update, new row");
        Self {
            relation: row.get(0),
            outcome: if refused { "refused" } else { "hidden" },
            command,
            reason,
            login: row.get(3),
            application: row.get(4),
            statement: row.get(5),
            sessions: row.get(6),
            last: row.get(7),
        }
    }
}
