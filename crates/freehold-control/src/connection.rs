use tokio_postgres::{Client, Config, NoTls};

use crate::ControlError;

/// Connects, with the connection's own work in the background. It ends when the client is dropped.
pub(crate) async fn connect(config: &Config) -> Result<Client, ControlError> {
    let (client, connection) = config.connect(NoTls).await.map_err(|source| ControlError::Connect {
        database: config.get_dbname().unwrap_or_default().to_owned(),
        user: config.get_user().unwrap_or_default().to_owned(),
        source,
    })?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection of the control plane ended");
        }
    });
    Ok(client)
}

/// The same server and login, another database.
pub(crate) fn with_database(config: &Config, database: &str) -> Config {
    let mut config = config.clone();
    config.dbname(database);
    config
}

/// Reads what `env:NAME` or `file:PATH` refers to.
pub(crate) fn password(reference: &str) -> Result<String, ControlError> {
    let found = match reference.split_once(':') {
        Some(("env", name)) => std::env::var(name).ok(),
        Some(("file", path)) => std::fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned()),
        _ => None,
    };
    found.ok_or_else(|| ControlError::Password { reference: reference.to_owned() })
}
