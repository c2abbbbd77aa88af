use crate::deployment::Deployment;
use crate::failure::Outcome;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let deployment = Deployment::open(settings).await?;
    let findings = deployment.control().check().await?;
    deployment.close().await?;
    settings.output.print("findings", &findings, || {
        let lines = findings.iter().map(|finding| {
            let severity = format!("{:?}", finding.severity).to_lowercase();
            format!(
                "{severity}[{}] {} in {}: {}\n  fix: {}\n",
                finding.rule, finding.object, finding.database, finding.why, finding.fix
            )
        });
        let count = match findings.len() {
            0 => "no findings".to_owned(),
            1 => "1 finding".to_owned(),
            many => format!("{many} findings"),
        };
        lines.chain([count]).collect()
    })?;
    Ok(if findings.is_empty() { Outcome::Done } else { Outcome::ProblemsFound })
}
