mod report;
mod sarif;

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use freehold_control::{Baseline, CheckOptions, Drift, Finding, Rule, SelfTest, check_database, fix, self_test};
use freehold_postgres::Server;

use crate::cli::{Check, ReportFormat};
use crate::deployment::{Deployment, blocking, parse_url, start_or_install};
use crate::failure::{Advised, Outcome};
use crate::json::{Document, Fixes, Refused};
use crate::output::line;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, check: Check) -> anyhow::Result<Outcome> {
    if check.self_test {
        return run_self_test(settings).await;
    }
    if check.rules {
        settings.output.print(&Document::Rules(Rule::all()), || report::rules(Rule::all()))?;
        return Ok(Outcome::Done);
    }
    let options = options(settings, &check);
    let findings = look(settings, &check, &options).await?;
    if check.write_baseline {
        let path = check.baseline.as_deref().context("--write-baseline needs --baseline")?;
        return write_baseline(settings, path, &findings);
    }
    let drift = match &check.baseline {
        Some(path) => read_baseline(path)?.compare(findings),
        None => Drift { new: findings, ..Drift::default() },
    };
    if check.fix {
        return mend(settings, &check, &drift.new).await;
    }
    match check.format {
        ReportFormat::Sarif => line(&serde_json::to_string_pretty(&sarif::log(&drift.new))?)?,
        ReportFormat::Text => settings.output.print(&Document::Findings(&drift.new), || report::findings(&drift))?,
    }
    Ok(if drift.new.is_empty() { Outcome::Done } else { Outcome::ProblemsFound })
}

/// Flags go before the configuration file.
fn options(settings: &Settings, check: &Check) -> CheckOptions {
    let configured = settings.check.clone();
    let pick = |given: &[String], configured| if given.is_empty() { configured } else { given.to_vec() };
    CheckOptions {
        tenant_columns: pick(&check.tenant_column, configured.tenant_columns),
        roles: pick(&check.role, configured.roles),
        schemas: pick(&check.schema, configured.schemas),
        ignore: configured.ignore.into_iter().chain(check.ignore.clone()).collect(),
    }
}

async fn look(settings: &Settings, check: &Check, options: &CheckOptions) -> anyhow::Result<Vec<Finding>> {
    if let Some(url) = &check.database_url {
        let database = parse_url(url, "--database-url")?;
        return Ok(check_database(&database, options).await?);
    }
    let deployment = Deployment::open(settings).await?;
    let findings = deployment.control().check(options).await;
    deployment.close().await?;
    Ok(findings?)
}

/// Prints what would be run, or runs it.
async fn mend(settings: &Settings, check: &Check, findings: &[Finding]) -> anyhow::Result<Outcome> {
    if check.dry_run {
        let script = report::script(findings);
        settings.output.print(&Document::Script(&script), || script.clone())?;
        return Ok(if findings.is_empty() { Outcome::Done } else { Outcome::ProblemsFound });
    }
    let url = check.database_url.as_deref().ok_or_else(|| {
        Advised::new(
            "a deployment's databases are mended by migrations",
            "`--fix --dry-run` prints what to put into one; with --database-url one database is mended in place",
        )
    })?;
    let report = fix(&parse_url(url, "--database-url")?, findings).await?;
    let refused = report.refused.iter().map(|(statement, reason)| Refused { statement, reason }).collect();
    settings.output.print(&Document::Fixes(Fixes { done: &report.done, refused }), || report::fixes(&report))?;
    let decide = findings.iter().any(|finding| finding.statement().is_none());
    Ok(if decide || !report.refused.is_empty() { Outcome::ProblemsFound } else { Outcome::Done })
}

fn read_baseline(path: &Path) -> anyhow::Result<Baseline> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Advised::new(
                format!("there is no baseline in {}", path.display()),
                "write one with --write-baseline, look at it, and commit it",
            )
            .into());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    serde_json::from_str(&text).with_context(|| format!("{} holds no baseline", path.display()))
}

fn write_baseline(settings: &Settings, path: &Path, findings: &[Finding]) -> anyhow::Result<Outcome> {
    let baseline = Baseline::of(findings);
    let text = serde_json::to_string_pretty(&baseline)? + "\n";
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    settings.output.note(&format!("{} findings are known from now on: {}", baseline.len(), path.display()));
    Ok(Outcome::Done)
}

/// On a PostgreSQL of its own, which is gone afterwards.
async fn run_self_test(settings: &Settings) -> anyhow::Result<Outcome> {
    // PostgreSQL does not run as root, and its account must get in.
    let place = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir()?;
    let builder = Server::builder(place.path().join("postgres")).durable(false);
    let server = blocking(move || start_or_install(builder)).await.context("cannot start a PostgreSQL to test on")?;
    let report = self_test(&parse_url(&server.url("postgres"), "the private server's URL")?).await;
    blocking(move || server.stop()).await?;
    let report: SelfTest = report?;
    settings.output.print(&Document::SelfTest(&report), || report::self_test(&report))?;
    Ok(if report.problems.is_empty() { Outcome::Done } else { Outcome::ProblemsFound })
}
