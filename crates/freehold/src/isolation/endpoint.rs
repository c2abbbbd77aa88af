//! How to reach a placement: server, database, login, and the settings every connection starts with.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use secrecy::SecretString;

use super::error::{ScopeError, Source};
use super::pool::PoolOptions;
use super::seal::MasterKey;
use crate::login::{self, TrustedRoots};
use crate::tenant::{ClusterId, Model, Placement, PlacementId};

/// Settings that matter for safety, sent in the start-up packet. They become the session's defaults: neither RESET nor
/// `alter role ... set` (which any role may do to itself) changes them.
///
/// `client_connection_check_interval` makes the server end a statement whose client has gone, so closing a connection is
/// enough to stop what it runs.
pub(crate) const STARTUP: &[(&str, &str)] = &[
    ("search_path", "pg_catalog"),
    ("row_security", "on"),
    // What a tenant's commit was said to be, it is; a scope that can do with less says `set local`.
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("default_transaction_deferrable", "off"),
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
    ("escape_string_warning", "on"),
    ("transform_null_equals", "off"),
    ("array_nulls", "on"),
    ("xmlbinary", "base64"),
    ("xmloption", "content"),
    ("gin_fuzzy_search_limit", "0"),
    ("check_function_bodies", "on"),
    ("quote_all_identifiers", "off"),
    ("exit_on_error", "off"),
    ("TimeZone", "UTC"),
    ("timezone_abbreviations", "Default"),
    ("DateStyle", "ISO,YMD"),
    ("IntervalStyle", "iso_8601"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "1"),
    ("client_min_messages", "error"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("default_tablespace", ""),
    ("temp_tablespaces", ""),
    ("local_preload_libraries", ""),
    ("client_connection_check_interval", "500ms"),
];

/// A PostgreSQL server, as the catalog describes it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// A host name, an address, or the directory of a Unix socket.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether a pooler is there, which gives each transaction whatever backend it likes.
    pub(crate) pooled: bool,
    /// Where the password of the application's login is; `None` where the server asks for none.
    pub(crate) app_password: Option<String>,
}

/// The clusters this process knows. Reading takes no lock.
#[derive(Debug)]
pub(crate) struct Endpoints {
    clusters: ArcSwap<HashMap<ClusterId, Endpoint>>,
    roots: TrustedRoots,
}

impl Endpoints {
    pub(crate) fn new(roots: TrustedRoots) -> Self {
        Self { clusters: ArcSwap::default(), roots }
    }

    pub(crate) fn replace(&self, endpoints: HashMap<ClusterId, Endpoint>) {
        self.clusters.store(Arc::new(endpoints));
    }
}

/// What a connection can be used for: connections to one target are interchangeable once they are clean.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) cluster: ClusterId,
    pub(crate) database: Arc<str>,
    /// The login of a tenant that has one to itself; else the application's.
    own_login: Option<PlacementId>,
}

impl Target {
    pub(crate) fn of(placement: &Placement) -> Self {
        Self {
            cluster: placement.cluster.clone(),
            database: placement.database.clone(),
            own_login: (placement.model == Model::Database).then(|| placement.id.clone()),
        }
    }

    /// Why there is no connection to this target.
    pub(crate) fn unreachable(&self, source: Source) -> ScopeError {
        ScopeError::Connect { cluster: self.cluster.clone(), database: self.database.clone(), source }
    }

    /// Whether a connection to this target serves `placement`.
    pub(crate) fn serves(&self, placement: &Placement) -> bool {
        self.database == placement.database
            && self.cluster == placement.cluster
            && self.own_login.as_ref() == (placement.model == Model::Database).then_some(&placement.id)
    }
}

/// Everything a driver needs to connect.
#[derive(Debug)]
pub(crate) struct ConnectInfo {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether a pooler is there. It gets no settings in the start-up packet, which few let through.
    pub(crate) pooled: bool,
    /// Who may vouch for the server; `None` where no network is crossed.
    pub(crate) tls: Option<TrustedRoots>,
    pub(crate) database: Arc<str>,
    pub(crate) user: String,
    pub(crate) password: Option<SecretString>,
    plan_cache_mode: &'static str,
}

impl ConnectInfo {
    /// The settings of the start-up packet. A pooler lets few of them through: behind one each transaction sets them itself.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        STARTUP.iter().copied().chain([("plan_cache_mode", self.plan_cache_mode)])
    }

    /// The settings as the value of the start-up packet's `options`, in which a backslash keeps a space.
    #[cfg(feature = "tokio-postgres")]
    pub(crate) fn options(&self) -> String {
        let setting = |(name, value): (&str, &str)| format!("-c {name}={}", value.replace(' ', "\\ "));
        self.settings().map(setting).collect::<Vec<_>>().join(" ")
    }
}

impl Endpoints {
    pub(crate) fn connect_info(
        &self,
        target: &Target,
        master: &MasterKey,
        options: &PoolOptions,
    ) -> Result<ConnectInfo, ScopeError> {
        let endpoints = self.clusters.load();
        let endpoint = endpoints
            .get(&target.cluster)
            .ok_or_else(|| ScopeError::UnknownCluster { cluster: target.cluster.clone() })?;
        let (user, password) = match &target.own_login {
            Some(login) => (login.to_string(), Some(master.login_password(login))),
            None => ("freehold_app".to_owned(), read_password(&target.cluster, endpoint.app_password.as_deref())?),
        };
        Ok(ConnectInfo {
            host: endpoint.host.clone(),
            port: endpoint.port,
            pooled: endpoint.pooled,
            tls: (!login::is_local(&endpoint.host)).then(|| self.roots.clone()),
            database: target.database.clone(),
            user,
            password,
            plan_cache_mode: if options.generic_plans { "force_generic_plan" } else { "auto" },
        })
    }
}

fn read_password(cluster: &ClusterId, reference: Option<&str>) -> Result<Option<SecretString>, ScopeError> {
    let Some(reference) = reference else {
        return Ok(None);
    };
    let password = match reference.split_once(':') {
        Some(("env", name)) => std::env::var(name).ok(),
        Some(("file", path)) => std::fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned()),
        _ => None,
    };
    match password {
        Some(password) => Ok(Some(password.into())),
        None => Err(ScopeError::Password { cluster: cluster.clone(), reference: reference.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_in_a_setting_is_kept_by_a_backslash() {
        let info = ConnectInfo {
            host: String::new(),
            port: 1,
            pooled: false,
            tls: None,
            database: "d".into(),
            user: String::new(),
            password: None,
            plan_cache_mode: "auto",
        };
        let options = info.options();
        assert!(options.contains(" -c default_transaction_isolation=read\\ committed -c "), "{options}");
        assert!(options.ends_with(" -c plan_cache_mode=auto"), "{options}");
    }
}
