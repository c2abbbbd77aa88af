use std::env;
use std::fs;
use std::path::PathBuf;

use crate::isolation::{MasterKey, MasterKeyError, PoolOptions};
use crate::login::{Login, RootsError, TrustedRoots};

/// What an application needs to know to use Freehold.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// How to reach the catalog, as `freehold_reader`. Who is trusted to vouch for its server is trusted for all clusters.
    pub catalog: Login,
    /// The key that contexts are sealed with.
    pub master_key: MasterKey,
    /// Connections to tenants' data.
    pub pool: PoolOptions,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A variable is not set.
    #[error("{variable} is not set: {advice}")]
    Missing {
        /// Its name.
        variable: &'static str,
        /// What to set it to.
        advice: &'static str,
    },
    /// The URL of the catalog cannot be read.
    #[error("FREEHOLD_CATALOG_URL is no PostgreSQL URL: use postgres://freehold_reader@host/freehold_catalog")]
    CatalogUrl(#[source] tokio_postgres::Error),
    /// The file that `PGSSLROOTCERT` names cannot be used.
    #[error("PGSSLROOTCERT is of no use")]
    Roots(#[from] RootsError),
    /// The file of the master key cannot be read.
    #[error("cannot read the master key from {path}", path = path.display())]
    MasterKeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The master key is malformed.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
}

impl Config {
    /// A configuration with default pool options.
    pub fn new(catalog: Login, master_key: MasterKey) -> Self {
        Self { catalog, master_key, pool: PoolOptions::default() }
    }

    /// Reads `FREEHOLD_CATALOG_URL`, and `FREEHOLD_MASTER_KEY` or the file named by `FREEHOLD_MASTER_KEY_FILE`. Where
    /// servers are on other machines, `PGSSLROOTCERT` names the authorities that vouch for them, if not the system's.
    ///
    /// # Errors
    ///
    /// When one is missing or cannot be read. The message names the variable, never the key.
    pub fn from_env() -> Result<Self, ConfigError> {
        let url = env::var("FREEHOLD_CATALOG_URL").map_err(|_| ConfigError::Missing {
            variable: "FREEHOLD_CATALOG_URL",
            advice: "`freehold up` prints it",
        })?;
        let catalog: Login = url.parse().map_err(ConfigError::CatalogUrl)?;
        Ok(Self::new(catalog.trusting(TrustedRoots::from_env()?), master_key_from_env()?))
    }
}

fn master_key_from_env() -> Result<MasterKey, ConfigError> {
    if let Ok(key) = env::var("FREEHOLD_MASTER_KEY") {
        return Ok(key.parse()?);
    }
    let path = env::var_os("FREEHOLD_MASTER_KEY_FILE").map(PathBuf::from).ok_or(ConfigError::Missing {
        variable: "FREEHOLD_MASTER_KEY_FILE",
        advice: "name the file `freehold init` wrote, or set FREEHOLD_MASTER_KEY",
    })?;
    let text = fs::read_to_string(&path).map_err(|source| ConfigError::MasterKeyFile { path, source })?;
    Ok(text.parse()?)
}
