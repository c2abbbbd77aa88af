use crate::cli::Seal;
use crate::deployment::Deployment;
use crate::failure::{Outcome, render};
use crate::json::{Document, Rotated};
use crate::output::table;
use crate::settings::Settings;

/// Rotates where it can. Of what it could not, the first is the error, and the others are told.
pub(crate) async fn run(settings: &Settings, command: Seal) -> anyhow::Result<Outcome> {
    let Seal::Rotate { force } = command;
    let deployment = Deployment::open(settings).await?;
    let mut rotated = Vec::new();
    let mut failed = None;
    for (database, generation) in deployment.control().rotate_seal(force).await? {
        match generation.map_err(anyhow::Error::from) {
            Ok(generation) => rotated.push((database, generation)),
            Err(error) if failed.is_none() => failed = Some(error),
            Err(error) => settings.output.note(&render(&error)),
        }
    }
    deployment.close().await?;
    let shown: Vec<Rotated<'_>> =
        rotated.iter().map(|(database, generation)| Rotated { database, generation: *generation }).collect();
    settings.output.print(&Document::Rotated(&shown), || {
        table(
            &["DATABASE", "GENERATION"],
            rotated.iter().map(|(database, generation)| [database.clone(), generation.to_string()]),
        )
    })?;
    failed.map_or(Ok(Outcome::Done), Err)
}
