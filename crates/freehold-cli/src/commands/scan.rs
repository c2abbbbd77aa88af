use std::fmt::Write;
use std::fs;

use anyhow::Context;
use freehold_scan::{Options, Recipe, Report, scan};

use crate::cli::Scan;
use crate::failure::Outcome;
use crate::json::Document;
use crate::output::visible;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: Scan) -> anyhow::Result<Outcome> {
    let mut options = Options::new(command.url);
    options.openapi = command.openapi;
    options.only = command.only;
    if let Some(path) = &command.recipe {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        options.recipe = toml::from_str::<Recipe>(&text).with_context(|| format!("{} is no recipe", path.display()))?;
    }
    let report = scan(options).await?;
    if let Some(path) = &command.junit {
        fs::write(path, report.to_junit()?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    settings.output.print(&Document::Scan(&report), || text(&report))?;
    Ok(if report.findings.is_empty() { Outcome::Done } else { Outcome::ProblemsFound })
}

/// Findings by operation, what was not probed, and how much was.
fn text(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let _ = writeln!(text, "{}: {}", finding.operation, finding.probe);
        let _ = writeln!(text, "  {}", visible(&finding.what));
        let _ = writeln!(text, "  {}", visible(&finding.evidence));
    }
    for operation in &report.operations {
        if let Some(reason) = &operation.not_probed {
            let _ = writeln!(text, "not probed: {}: {}", operation.operation, visible(reason));
        }
    }
    let findings = match report.findings.len() {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        many => format!("{many} findings"),
    };
    let (probed, all) = (report.probed(), report.operations.len());
    let _ = write!(text, "{findings}; {probed} of {all} operations probed with {} requests", report.requests);
    text
}
