use tokio_postgres::Client;

use crate::ControlError;

pub(super) const ROLES: &str = include_str!("../../sql/cluster/roles.sql");
const CATALOG: &[&str] = &[include_str!("../../sql/catalog/0001_catalog.sql")];
const DATA: &[&str] = &[include_str!("../../sql/data/0001_freehold.sql"), include_str!("../../sql/data/0002_tables.sql")];
const HARDENED: &str = include_str!("../../sql/data/hardened.sql");

pub(super) async fn install_catalog(catalog: &mut Client) -> Result<(), ControlError> {
    apply(catalog, "catalog.installation", CATALOG).await
}

/// Schema `freehold`, and what the administrator's rights allow to close.
pub(super) async fn install_data(data: &mut Client) -> Result<(), ControlError> {
    apply(data, "freehold.installation", DATA).await?;
    let failed = ControlError::doing("hardening a database");
    let superuser = data.query_one("select rolsuper from pg_roles where rolname = current_user", &[]).await.map_err(&failed)?;
    if superuser.get(0) {
        data.batch_execute(HARDENED).await.map_err(&failed)?;
    }
    Ok(())
}

/// Runs the scripts in one transaction, unless the table they begin with is there.
async fn apply(client: &mut Client, marker: &str, scripts: &[&str]) -> Result<(), ControlError> {
    let failed = ControlError::doing("installing a schema of Freehold");
    let transaction = client.transaction().await.map_err(&failed)?;
    let installed = transaction.query_one("select to_regclass($1) is not null", &[&marker]).await.map_err(&failed)?;
    if installed.get::<_, bool>(0) {
        return Ok(());
    }
    for script in scripts {
        transaction.batch_execute(script).await.map_err(&failed)?;
    }
    transaction.commit().await.map_err(&failed)
}
