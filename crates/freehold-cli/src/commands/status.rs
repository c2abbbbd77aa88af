use freehold_control::Overview;

use crate::deployment::Deployment;
use crate::failure::Outcome;
use crate::json::{self, Document};
use crate::output::table;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let deployment = Deployment::open(settings).await?;
    let control = deployment.control();
    let overview = control.overview().await?;
    let plans = control.migration_status().await?;
    let pending = plans.iter().map(|(_, plan)| plan.pending.len()).sum::<usize>();
    // One that only this command started is gone with it.
    let server = deployment.server().filter(|server| !server.is_owner()).map(|server| server.state_dir().to_owned());
    deployment.close().await?;
    let shown = json::Status { overview: &overview, behind: pending, postgres: server.as_deref() };
    settings.output.print(&Document::Status(shown), || {
        let server = match (&settings.catalog_url, &server) {
            (Some(_), _) => "configured".to_owned(),
            (None, Some(directory)) => format!("private, running in {}", directory.display()),
            (None, None) => "private, not running".to_owned(),
        };
        let migrations = match pending {
            0 => "every placement is current".to_owned(),
            1 => "1 placement is behind: `freehold migrate`".to_owned(),
            many => format!("{many} placements are behind: `freehold migrate`"),
        };
        format!("PostgreSQL   {server}\nmigrations   {migrations}\n\n{}", text(&overview))
    })?;
    Ok(Outcome::Done)
}

fn text(overview: &Overview) -> String {
    let clusters = overview.clusters.iter().map(|cluster| {
        let takes = if cluster.draining { "draining" } else { "takes tenants" };
        let pooler = cluster.pooler.clone().unwrap_or_else(|| "-".to_owned());
        [
            cluster.id.clone(),
            cluster.host.clone(),
            cluster.port.to_string(),
            pooler,
            cluster.database.clone(),
            takes.to_owned(),
        ]
    });
    let tenants = overview
        .tenants
        .iter()
        .map(|tenants| [tenants.status.clone(), tenants.model.clone().unwrap_or_default(), tenants.count.to_string()]);
    let mut parts = vec![table(&["CLUSTER", "HOST", "PORT", "POOLER", "DATABASE", "STATE"], clusters)];
    if overview.tenants.is_empty() {
        parts.push("no tenants: `freehold tenant create SLUG`".to_owned());
    } else {
        parts.push(table(&["TENANTS", "MODEL", "COUNT"], tenants));
    }
    if !overview.operations.is_empty() {
        let operations = overview.operations.iter().map(|operation| {
            let error = operation.last_error.clone().unwrap_or_default();
            [
                operation.kind.clone(),
                operation.slug.clone(),
                operation.state.clone(),
                operation.attempts.to_string(),
                error,
            ]
        });
        parts.push(table(&["OPERATION", "TENANT", "STATE", "ATTEMPTS", "LAST ERROR"], operations));
    }
    parts.join("\n\n")
}
