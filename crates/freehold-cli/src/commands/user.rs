use freehold::isolation::ExposeSecret;
use freehold_control::NewOperator;

use super::tenant::actor;
use crate::cli::User;
use crate::deployment::Deployment;
use crate::failure::Outcome;
use crate::json::{Document, NewUser};
use crate::output::table;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: User) -> anyhow::Result<Outcome> {
    let deployment = Deployment::open(settings).await?;
    let control = deployment.control();
    match command {
        User::Create { name, superuser: _, password, reason } => {
            let new = NewOperator { name, password };
            let made = control.create_operator(&new, &actor(), &reason).await?;
            let password = made.as_ref().map(|made| made.expose_secret());
            settings.output.print(&Document::User(NewUser { name: &new.name, password }), || match password {
                Some(password) => format!("{} may log in with {password}, which is not shown again", new.name),
                None => format!("{} may log in", new.name),
            })?;
        }
        User::List => {
            let operators = control.operators().await?;
            settings.output.print(&Document::Users(&operators), || {
                let rows = operators.iter().map(|operator| [operator.name.clone(), operator.created_at.clone()]);
                table(&["NAME", "SINCE"], rows)
            })?;
        }
        User::Remove { name, reason } => {
            control.remove_operator(&name, &actor(), &reason).await?;
            settings.output.note(&format!("{name} is no operator any more"));
        }
    }
    deployment.close().await?;
    Ok(Outcome::Done)
}
