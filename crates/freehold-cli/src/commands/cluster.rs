use super::tenant::actor;
use crate::cli::Cluster;
use crate::deployment::Deployment;
use crate::failure::Outcome;
use crate::json::{Document, Reached};
use crate::settings::Settings;

/// Changes how a cluster is reached.
pub(crate) async fn run(settings: &Settings, command: Cluster) -> anyhow::Result<Outcome> {
    let Cluster::Pooler { cluster, pooler, direct: _, reason } = command;
    let deployment = Deployment::open(settings).await?;
    deployment.control().set_pooler(&cluster, pooler.as_ref(), &actor(), &reason).await?;
    deployment.close().await?;
    let pooler = pooler.map(|pooler| pooler.to_string());
    settings.output.print(
        &Document::Cluster(Reached { id: &cluster, pooler: pooler.as_deref() }),
        || match &pooler {
            Some(pooler) => format!("applications reach {cluster} through the pooler at {pooler}"),
            None => format!("applications reach {cluster} without a pooler"),
        },
    )?;
    Ok(Outcome::Done)
}
