use freehold_control::ControlError;
use serde_json::{Value, json};

use crate::cli::Seal;
use crate::deployment::Deployment;
use crate::failure::Outcome;
use crate::output::table;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: Seal) -> anyhow::Result<Outcome> {
    let Seal::Rotate { force } = command;
    let deployment = Deployment::open(settings).await?;
    let control = deployment.control();
    match control.verify_seal().await {
        // A copy gets keys of its own this way.
        Ok(()) | Err(ControlError::Copy { .. }) => {}
        // With the wrong file at hand, every application would be locked out.
        Err(ControlError::WrongKey { .. }) if force => {}
        Err(error) => return Err(error.into()),
    }
    let rotated = control.rotate_seal().await?;
    deployment.close().await?;
    let shown: Vec<Value> = rotated
        .iter()
        .map(|(database, generation)| json!({ "database": database, "generation": generation }))
        .collect();
    settings.output.print("rotated", &shown, || {
        table(
            &["DATABASE", "GENERATION"],
            rotated.iter().map(|(database, generation)| [database.clone(), generation.to_string()]),
        )
    })?;
    Ok(Outcome::Done)
}
