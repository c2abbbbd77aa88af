use std::error::Error;
use std::fmt::Write;

use anyhow::anyhow;
use freehold_control::{ControlError, MigrateReport, Migrations, Plan, Verification};

use crate::cli::{Migrate, MigrateCommand};
use crate::deployment::Deployment;
use crate::failure::{Outcome, chain};
use crate::json::{Document, Lacking, Migrated, Pending, Unmigrated};
use crate::output::{table, visible};
use crate::progress::Progress;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, migrate: Migrate) -> anyhow::Result<Outcome> {
    match migrate.command {
        Some(MigrateCommand::New { name }) => {
            let path = Migrations::create(&settings.migrations, &name)?;
            settings.output.print(&Document::Created(&path), || path.display().to_string())?;
            Ok(Outcome::Done)
        }
        Some(MigrateCommand::Status) => {
            let deployment = Deployment::open(settings).await?;
            let plans = deployment.control().migration_status().await?;
            print_plans(settings, &plans)?;
            deployment.close().await?;
            Ok(Outcome::Done)
        }
        Some(MigrateCommand::Verify) => {
            let deployment = Deployment::open(settings).await?;
            let progress = Progress::new(settings.output, "verifying");
            let verification = deployment.control().verify_migrations(&progress).await?;
            drop(progress);
            deployment.close().await?;
            settings.output.print(&Document::Verification(&verification), || drift(&verification))?;
            Ok(if verification.drifted.is_empty() { Outcome::Done } else { Outcome::ProblemsFound })
        }
        None => {
            let deployment = Deployment::open(settings).await?;
            let control = deployment.control();
            let report = match &migrate.tenant {
                Some(slug) => control.migrate_tenant(slug).await?,
                None => control.migrate_observed(&Progress::new(settings.output, "migrating")).await?,
            };
            deployment.close().await?;
            print_report(settings, &report)?;
            if report.failures.is_empty() { Ok(Outcome::Done) } else { Err(failed(settings, &report)) }
        }
    }
}

/// How many failures are told in full: a migration that fails for one tenant may fail for thousands.
const TOLD: usize = 20;

/// What could not be migrated, why, and how to try again.
pub(crate) fn failed(settings: &Settings, report: &MigrateReport) -> anyhow::Error {
    let details = report.failures.iter().take(TOLD).map(|failure| {
        let cause = match (&failure.error, failure.error.source()) {
            (ControlError::Migration { .. }, _) | (_, None) => String::new(),
            (_, Some(cause)) => format!("\nbecause: {}", chain(cause)),
        };
        format!("\n\n{failure}{cause}\nretry: {} {}", settings.program(), failure.retry())
    });
    let count = report.failures.len();
    let noun = if count == 1 { "place" } else { "places" };
    let more = match count.saturating_sub(TOLD) {
        0 => String::new(),
        more => format!("\n\nand {more} more: `freehold --json migrate` lists all"),
    };
    anyhow!("{count} {noun} could not be migrated{}{more}", details.collect::<String>())
}

/// The error with its causes; that of a migration says itself all that the database said.
fn whole(error: &ControlError) -> String {
    match error {
        ControlError::Migration { .. } => error.to_string(),
        error => chain(error),
    }
}

fn print_report(settings: &Settings, report: &MigrateReport) -> anyhow::Result<()> {
    let failures = report
        .failures
        .iter()
        .map(|failure| Unmigrated {
            database: &failure.database,
            placement: &failure.placement,
            tenant: failure.tenant.as_deref(),
            error: whole(&failure.error),
            retry: format!("{} {}", settings.program(), failure.retry()),
        })
        .collect();
    let migrated = Migrated { applied: report.applied, current: report.current, failures };
    settings.output.print(&Document::Migrate(migrated), || {
        format!(
            "{} applied, {} placements were current, {} failed",
            report.applied,
            report.current,
            report.failures.len()
        )
    })
}

/// What differs, by placement, and how many were compared.
fn drift(verification: &Verification) -> String {
    let mut text = String::new();
    for drifted in &verification.drifted {
        let whose = drifted.tenant.as_ref().map_or_else(String::new, |tenant| format!(" of {tenant}"));
        let _ = writeln!(text, "{}{whose} in {}:", drifted.placement, drifted.database);
        for difference in &drifted.differences {
            let as_text = |definition: &Option<String>| definition.as_deref().map_or("nothing".to_owned(), visible);
            let _ = writeln!(text, "  {}", visible(&difference.object));
            let _ = writeln!(text, "    most have  {}", as_text(&difference.expected));
            let _ = writeln!(text, "    it has     {}", as_text(&difference.found));
        }
    }
    let (compared, drifted, behind) = (verification.compared, verification.drifted.len(), verification.behind);
    let _ = write!(text, "{compared} placements compared, {drifted} differ");
    if behind > 0 {
        let _ = write!(text, "; {behind} lack migrations and were not: `freehold migrate`");
    }
    text
}

fn print_plans(settings: &Settings, plans: &[(String, Plan)]) -> anyhow::Result<()> {
    let databases: Vec<Lacking<'_>> = plans
        .iter()
        .map(|(database, plan)| {
            let pending = plan
                .pending
                .iter()
                .map(|pending| {
                    let migrations = pending.migrations.iter().map(|migration| migration.file_name()).collect();
                    Pending { placement: &pending.placement, migrations }
                })
                .collect();
            Lacking { database, current: plan.current, pending }
        })
        .collect();
    settings.output.print(&Document::Databases(&databases), || {
        let rows = plans.iter().flat_map(|(database, plan)| {
            let current = (plan.pending.is_empty() || plan.current > 0)
                .then(|| [database.clone(), format!("{} placements", plan.current), "nothing pending".to_owned()]);
            let pending = plan.pending.iter().map(|pending| {
                let place = if pending.placement.is_empty() { "the database itself" } else { &pending.placement };
                let files: Vec<String> = pending.migrations.iter().map(|migration| migration.file_name()).collect();
                [database.clone(), place.to_owned(), files.join(", ")]
            });
            current.into_iter().chain(pending).collect::<Vec<_>>()
        });
        table(&["DATABASE", "PLACE", "PENDING"], rows)
    })
}
