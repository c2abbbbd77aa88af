//! Installing what is missing, and migrating.

use anyhow::{Context, bail};
use freehold_control::{Installer, Passwords};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::cli::Up;
use crate::commands::migrate;
use crate::deployment::{CATALOG, Deployment, parse_url};
use crate::failure::Advised;
use crate::progress::Progress;
use crate::settings::Settings;

/// The name of the first cluster in the catalog.
const CLUSTER: &str = "main";
/// The database of shared tables and of schemas.
const DATA: &str = "freehold_data";

/// Sets up what the server lacks, and brings every placement up to the application's migrations.
pub(super) async fn set_up(settings: &Settings, deployment: &Deployment, up: &Up) -> anyhow::Result<()> {
    if let Some(installer) = installer(settings, deployment, up)? {
        installer.install().await.context("cannot set the server up")?;
    }
    let progress = Progress::new(settings.output, "migrating");
    let report = deployment.control().migrate_observed(&progress).await?;
    drop(progress);
    if !report.failures.is_empty() {
        return Err(migrate::failed(settings, &report));
    }
    if report.applied > 0 {
        let noun = if report.applied == 1 { "migration" } else { "migrations" };
        settings.output.note(&format!("applied {} {noun}", report.applied));
    }
    Ok(())
}

/// Nothing where a server is configured without an administrator's login: somebody else sets it up.
fn installer(settings: &Settings, deployment: &Deployment, up: &Up) -> anyhow::Result<Option<Installer>> {
    let (admin, catalog) = match (deployment.server(), up.admin_url.as_deref()) {
        (Some(_), Some(_)) => bail!(Advised::new(
            "an administrator's URL is given, but no catalog",
            "name it with --catalog-url, as freehold_control"
        )),
        (Some(server), None) => (parse_url(&server.url("postgres"), "the server's URL")?, CATALOG.to_owned()),
        (None, Some(url)) => (parse_url(url, "the administrator's URL")?, catalog_of(settings)?),
        (None, None) => return Ok(None),
    };
    let (host, port) = address(admin.config())?;
    Ok(Some(Installer {
        admin,
        host,
        port,
        catalog,
        data: DATA.to_owned(),
        cluster: CLUSTER.to_owned(),
        master_key: deployment.master_key().clone(),
        passwords: Passwords {
            app: up.app_password.clone(),
            control: up.control_password.clone(),
            reader: up.reader_password.clone(),
        },
    }))
}

fn catalog_of(settings: &Settings) -> anyhow::Result<String> {
    let url = settings.catalog_url.as_deref().unwrap_or_default();
    let catalog = parse_url(url, "the URL of the catalog")?;
    Ok(catalog.config().get_dbname().unwrap_or(CATALOG).to_owned())
}

/// Where the catalog says that the cluster is.
fn address(server: &Config) -> anyhow::Result<(String, u16)> {
    let host = match server.get_hosts() {
        [Host::Tcp(name)] => name.clone(),
        [Host::Unix(directory)] => directory.to_string_lossy().into_owned(),
        _ => bail!(Advised::new("the administrator's URL must name one host", "use postgres://LOGIN@HOST:PORT/")),
    };
    Ok((host, server.get_ports().first().copied().unwrap_or(5432)))
}
