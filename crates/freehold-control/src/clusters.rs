//! Where applications reach a cluster.

use std::fmt;
use std::str::FromStr;

use serde_json::json;

use crate::audit::audit;
use crate::{ControlError, ControlPlane};

/// Where a connection pooler is: `HOST:PORT`, with an IPv6 address in brackets, or the directory of a Unix socket.
///
/// ```
/// let pooler: freehold_control::Pooler = "[::1]:6432".parse()?;
/// assert_eq!((pooler.host.as_str(), pooler.port), ("::1", 6432));
/// assert!("pooler".parse::<freehold_control::Pooler>().is_err());
/// # Ok::<(), freehold_control::InvalidPooler>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooler {
    /// A host name, an address or a socket's directory.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A text that names no host and port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no HOST:PORT of a pooler, such as pooler.internal:6432")]
pub struct InvalidPooler {
    text: String,
}

impl FromStr for Pooler {
    type Err = InvalidPooler;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPooler { text: text.to_owned() };
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(address) => address,
            None if host.contains(':') => return Err(invalid()),
            None => host,
        };
        let port = port.parse().ok().filter(|port| *port != 0);
        match port {
            Some(port) if !host.is_empty() => Ok(Self { host: host.to_owned(), port }),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Pooler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl ControlPlane {
    /// Makes applications connect to a cluster through a pooler, or to the server itself. They follow within a second or two;
    /// connections that are open stay as they are. The control plane always connects to the server itself.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownCluster`], [`ControlError::Unexplained`].
    pub async fn set_pooler(
        &self,
        cluster: &str,
        pooler: Option<&Pooler>,
        actor: &str,
        reason: &str,
    ) -> Result<(), ControlError> {
        let failed = ControlError::doing("changing a cluster");
        let mut catalog = self.catalog().await?;
        let transaction = catalog.transaction().await.map_err(&failed)?;
        let detail = json!({ "cluster": cluster, "pooler": pooler.map(ToString::to_string) });
        audit(&transaction, actor, "cluster given a pooler", None, reason, &detail).await?;
        let (host, port) = (pooler.map(|pooler| &pooler.host), pooler.map(|pooler| i32::from(pooler.port)));
        let changed = transaction
            .execute(
                "update catalog.clusters set pooler_host = $2, pooler_port = $3 where id = $1",
                &[&cluster, &host, &port],
            )
            .await
            .map_err(&failed)?;
        if changed == 0 {
            return Err(ControlError::UnknownCluster { cluster: cluster.to_owned() });
        }
        transaction.commit().await.map_err(&failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_pooler_is_written_as_it_is_read() {
        for text in ["pooler:6432", "127.0.0.1:6432", "[::1]:6432", "/run/pgbouncer:6432"] {
            assert_eq!(text.parse::<Pooler>().unwrap().to_string(), text);
        }
        for text in ["", "pooler", ":6432", "pooler:", "pooler:0", "pooler:65536", "::1:6432", "postgres://pooler:x"] {
            assert!(text.parse::<Pooler>().is_err(), "{text}");
        }
    }
}
