use std::sync::{Arc, Weak};
use std::time::Duration;

use metrics::gauge;

use super::Inner;
use crate::metrics::{DIRECTORY_AGE, DIRECTORY_TENANTS, DIRECTORY_VERSION};

/// How often is told what is now: more often than anybody asks.
const EVERY: Duration = Duration::from_secs(1);

/// Tells the recorder how full the pools are and how old the directory is, for as long as somebody has them. In a task of its
/// own, so that no request does.
pub(super) async fn report(inner: Weak<Inner>) {
    let (tenants, version, age) = (gauge!(DIRECTORY_TENANTS), gauge!(DIRECTORY_VERSION), gauge!(DIRECTORY_AGE));
    while let Some(inner) = inner.upgrade() {
        tenants.set(inner.directory.len() as f64);
        version.set(inner.directory.version() as f64);
        age.set(inner.directory.age().as_secs_f64());
        inner.pools.report();
        drop::<Arc<Inner>>(inner);
        tokio::time::sleep(EVERY).await;
    }
}
