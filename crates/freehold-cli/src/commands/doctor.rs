use freehold_control::{Diagnosis, Health, examine_pooler};

use crate::cli::Doctor;
use crate::deployment::{Deployment, parse_url};
use crate::failure::Outcome;
use crate::json::Document;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, doctor: Doctor) -> anyhow::Result<Outcome> {
    let diagnoses = match doctor.pooler {
        Some(url) => examine_pooler(&parse_url(&url, "--pooler")?).await,
        None => {
            let deployment = Deployment::open(settings).await?;
            let diagnoses = deployment.control().doctor().await;
            deployment.close().await?;
            diagnoses
        }
    };
    settings.output.print(&Document::Diagnoses(&diagnoses), || diagnoses.iter().map(text).collect())?;
    let sound = diagnoses.iter().all(|diagnosis| diagnosis.health < Health::Bad);
    Ok(if sound { Outcome::Done } else { Outcome::ProblemsFound })
}

fn text(diagnosis: &Diagnosis) -> String {
    let word = match diagnosis.health {
        Health::Good => "good",
        Health::Warning => "warning",
        Health::Bad => "bad",
    };
    let cure = diagnosis.cure.as_ref().map(|cure| format!("  cure: {cure}\n")).unwrap_or_default();
    format!("{word}: {}: {}\n{cure}", diagnosis.subject, diagnosis.finding)
}
