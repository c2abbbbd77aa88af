use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use freehold::isolation::{Driver, PoolOptions, PoolStatus, TenantDb};

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The migrations of one table, `notes`.
pub(crate) fn migrations() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/small")
}

/// A pool of `capacity`, all of which one tenant may use.
pub(crate) fn pool(capacity: usize) -> PoolOptions {
    let mut options = PoolOptions::default();
    options.capacity = capacity;
    options.tenant_share = Some(capacity);
    options
}

/// Polls a future at most `polls` times, then drops it. `None`: it was not done by then.
pub(crate) async fn cut_off<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Waits until `condition` holds, looking often.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let looked = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("it never happened that {what}"));
}

/// Waits until every connection of the pool is back in it, and returns how full it is.
pub(crate) async fn at_rest<D: Driver>(db: &TenantDb<D>) -> PoolStatus {
    until("all connections came back", || async {
        let status = db.pool_status();
        status.idle == status.open && status.waiting == 0
    })
    .await;
    db.pool_status()
}
