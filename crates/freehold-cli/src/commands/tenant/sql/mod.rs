//! SQL inside a tenant's scope: what the tenant itself could do, and no more.

mod numeric;
mod statements;
mod value;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use anyhow::Context;
use freehold::isolation::{ScopeError, TenantDb, TokioPostgres};
use freehold::tenant::Tenant;
use freehold::{Config, Freehold};
use freehold_control::{ControlPlane, Statement, split};
use serde_json::{Map, Value as Json};
use tokio_postgres::Row;

use self::statements::Statements;
use self::value::Value;
use super::actor;
use crate::cli::Sql;
use crate::deployment::{Deployment, parse_url};
use crate::failure::{self, Advised, chain};
use crate::input::Lines;
use crate::json::Document;
use crate::output::table;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings, deployment: &Deployment, sql: Sql) -> anyhow::Result<()> {
    let session =
        Session { settings, control: deployment.control(), db: open(settings, deployment, &sql).await?, sql: &sql };
    match &sql.statement {
        Some(text) => session.run_all(split(text).iter().map(|statement| statement.text)).await,
        None if io::stdin().is_terminal() => session.converse().await,
        None => session.read().await,
    }
}

/// The tenant's database, by the same way an application takes.
async fn open(settings: &Settings, deployment: &Deployment, sql: &Sql) -> anyhow::Result<TenantDb<TokioPostgres>> {
    let slug = &sql.change.slug;
    let id = deployment.control().tenant(slug).await?.id;
    let catalog = parse_url(deployment.reader_url()?, "FREEHOLD_CATALOG_URL")?;
    let freehold = Freehold::connect(Config::new(catalog, settings.master_key()?)).await?;
    let tenant: Arc<Tenant> =
        freehold.directory().get(id).with_context(|| format!("tenant {slug} was just deleted"))?;
    Ok(freehold.tenant_db(&tenant))
}

/// Statements of one person for one tenant.
struct Session<'a> {
    settings: &'a Settings,
    control: &'a ControlPlane,
    db: TenantDb<TokioPostgres>,
    sql: &'a Sql,
}

impl Session<'_> {
    /// Statements from a file or a pipe. The first that fails ends it.
    async fn read(&self) -> anyhow::Result<()> {
        let mut statements = Statements::default();
        let mut lines = Lines::read();
        while let Some(line) = lines.next().await? {
            self.run_all(&statements.push(&line)).await?;
        }
        match statements.rest() {
            Some(statement) => self.run(&statement).await,
            None => Ok(()),
        }
    }

    /// Statements from a person, who reads about one that fails and types another.
    async fn converse(&self) -> anyhow::Result<()> {
        let mut statements = Statements::default();
        let mode = if self.sql.write { "write" } else { "read" };
        self.settings.output.note("statements end with a semicolon; Ctrl-D ends the session");
        let mut lines = Lines::read();
        loop {
            let prompt = if statements.is_empty() { "=>" } else { "->" };
            write!(io::stderr(), "{} ({mode}) {prompt} ", self.sql.change.slug)?;
            let Some(line) = lines.next().await? else {
                writeln!(io::stderr())?;
                return Ok(());
            };
            if let Err(error) = self.run_all(&statements.push(&line)).await {
                writeln!(io::stderr(), "{}", failure::render(&error))?;
            }
        }
    }

    /// One after the other, until one fails.
    async fn run_all(&self, statements: impl IntoIterator<Item = impl AsRef<str>>) -> anyhow::Result<()> {
        for statement in statements {
            self.run(statement.as_ref()).await?;
        }
        Ok(())
    }

    /// One statement in a scope of its own. What is about to be run is in the audit before it is run.
    async fn run(&self, statement: &str) -> anyhow::Result<()> {
        if split(statement).iter().any(Statement::controls_transaction) {
            let advice = "leave it out; a `with` query can do several things in one statement";
            return Err(Advised::new("each statement runs in a transaction of its own", advice).into());
        }
        let action = if self.sql.write { "sql, writing" } else { "sql, reading" };
        let detail = serde_json::json!({ "statement": statement });
        let change = &self.sql.change;
        self.control.audit(&change.slug, &actor(), action, &change.reason, &detail).await?;
        let rows = if self.sql.write {
            let mut scope = self.db.write();
            match scope.ad_hoc(statement, &[]).await {
                Ok(rows) => scope.commit().await.map(|()| rows),
                Err(error) => Err(error),
            }
        } else {
            self.db.read().ad_hoc(statement, &[]).await
        };
        let rows = rows.map_err(|error| self.explain(error))?;
        self.print(&rows)
    }

    fn explain(&self, error: ScopeError) -> anyhow::Error {
        match error {
            ScopeError::ReadOnly { .. } if !self.sql.write => {
                Advised::new("this session is for reading, and the statement writes", "say --write to let it").into()
            }
            error if error.sqlstate() == Some("42501") => {
                let hint = "a table that tenants use needs `select freehold.tenant_table('...')` in a migration";
                Advised::new(chain(&error), hint).into()
            }
            error => error.into(),
        }
    }

    fn print(&self, rows: &[Row]) -> anyhow::Result<()> {
        let columns: Vec<&str> =
            rows.first().map_or_else(Vec::new, |row| row.columns().iter().map(|c| c.name()).collect());
        let values = rows
            .iter()
            .map(|row| (0..row.len()).map(|column| row.try_get(column)).collect())
            .collect::<Result<Vec<Vec<Value>>, _>>()?;
        let objects: Vec<Map<String, Json>> = values
            .iter()
            .map(|row| columns.iter().map(|name| (*name).to_owned()).zip(row.iter().map(Value::to_json)).collect())
            .collect();
        self.settings.output.print(&Document::Rows(&objects), || {
            let count = match rows.len() {
                0 => return "no rows".to_owned(),
                1 => "1 row".to_owned(),
                many => format!("{many} rows"),
            };
            format!("{}\n({count})", table(&columns, values.iter().map(|row| row.iter().map(Value::to_string))))
        })
    }
}
