use freehold::login::Login;
use tokio_postgres::Client;

use crate::ControlError;

/// Connects, with the connection's own work in the background. It ends when the client is dropped.
pub(crate) async fn connect(login: &Login) -> Result<Client, ControlError> {
    let (client, connection) = login.connect().await.map_err(|source| ControlError::Connect {
        database: login.config().get_dbname().unwrap_or_default().to_owned(),
        user: login.config().get_user().unwrap_or_default().to_owned(),
        source,
    })?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection of the control plane ended");
        }
    });
    Ok(client)
}

/// Reads what `env:NAME` or `file:PATH` refers to.
pub(crate) fn password(reference: &str) -> Result<String, ControlError> {
    let absent = |source| ControlError::Password { reference: reference.to_owned(), source };
    match reference.split_once(':') {
        Some(("env", name)) => std::env::var(name).map_err(|error| absent(error.into())),
        Some(("file", path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| absent(error.into()))?;
            Ok(text.trim_end().to_owned())
        }
        _ => Err(ControlError::PasswordGiven),
    }
}
