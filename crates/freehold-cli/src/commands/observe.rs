use freehold::login::Login;
use freehold_control::{CheckOptions, Observation, ObserveOptions, observations, observe, stop_observing};

use crate::cli::Observe;
use crate::deployment::parse_url;
use crate::failure::Outcome;
use crate::json::Document;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: Observe) -> anyhow::Result<Outcome> {
    let login = |url: &str| parse_url(url, "--database-url");
    match command {
        Observe::Start { database, tenant_column, schema, setting, without_owners } => {
            let configured = settings.check.clone();
            let pick = |given: Vec<String>, configured| if given.is_empty() { configured } else { given };
            let mut options = ObserveOptions::default();
            options.tables = CheckOptions {
                tenant_columns: pick(tenant_column, configured.tenant_columns),
                schemas: pick(schema, configured.schemas),
                ..CheckOptions::default()
            };
            options.setting = setting;
            options.without_owners = without_owners;
            start(settings, &login(&database.database_url)?, &options).await
        }
        Observe::Report { database } => report(settings, &login(&database.database_url)?).await,
        Observe::Stop { database } => stop(settings, &login(&database.database_url)?).await,
    }
}

async fn start(settings: &Settings, database: &Login, options: &ObserveOptions) -> anyhow::Result<Outcome> {
    let observed = observe(database, options).await?;
    for table in &observed.enforced {
        settings.output.note(&format!("{table} is left alone: row-level security is on there"));
    }
    settings
        .output
        .print(&Document::Observed(&observed), || observed.tables.iter().map(|table| format!("{table}\n")).collect())?;
    settings.output.note("nothing is enforced; `freehold observe report` shows what would be hidden or refused");
    Ok(Outcome::Done)
}

async fn report(settings: &Settings, database: &Login) -> anyhow::Result<Outcome> {
    let seen = observations(database).await?;
    settings.output.print(&Document::Observations(&seen), || {
        if seen.is_empty() {
            "nothing would be hidden or refused so far".to_owned()
        } else {
            seen.iter().map(text).collect()
        }
    })?;
    Ok(if seen.is_empty() { Outcome::Done } else { Outcome::ProblemsFound })
}

fn text(seen: &Observation) -> String {
    let Observation { relation, command, outcome, reason, login, application, statement, sessions, last, .. } = seen;
    let by = if application.is_empty() { login.clone() } else { format!("{login} ({application})") };
    let noun = if *sessions == 1 { "session" } else { "sessions" };
    let what = if *outcome == "hidden" { "rows would be hidden from" } else { "would be refused:" };
    format!(
        "{relation}: {what} {command}: {reason}\n  by {by}, in {sessions} {noun}, last at {last}\n  {}\n",
        statement.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

async fn stop(settings: &Settings, database: &Login) -> anyhow::Result<Outcome> {
    let ended = stop_observing(database).await?;
    settings.output.print(&Document::Ended(&ended), || ended.iter().map(|table| format!("{table}\n")).collect())?;
    Ok(Outcome::Done)
}
