use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::fleet::Fleet;

/// What befalls the server while requests run: every now and then a backend is terminated, and in the middle of it all
/// the server restarts.
pub(super) struct Weather {
    requests: usize,
    ended: AtomicUsize,
    terminated: AtomicUsize,
    restarts: AtomicUsize,
}

impl Weather {
    pub(super) fn new(requests: usize) -> Self {
        Self { requests, ended: AtomicUsize::new(0), terminated: AtomicUsize::new(0), restarts: AtomicUsize::new(0) }
    }

    /// A request ended.
    pub(super) fn one_more(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Goes on until all requests ended.
    pub(super) async fn happen(&self, fleet: &Fleet, seed: u64) -> anyhow::Result<()> {
        let mut chance = StdRng::seed_from_u64(!seed);
        let every = (self.requests / 100).max(1);
        let mut truth = fleet.truth("postgres").await?;
        let mut next = every;
        loop {
            let ended = self.ended.load(Ordering::Relaxed);
            if ended >= self.requests {
                return Ok(());
            }
            if ended > self.requests / 2 && self.restarts.load(Ordering::Relaxed) == 0 {
                fleet.restart().await?;
                self.restarts.fetch_add(1, Ordering::Relaxed);
                truth = fleet.truth("postgres").await?;
            } else if ended >= next {
                next = ended + every;
                let terminated = truth
                    .execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity \
                         where application_name = 'freehold' and usename <> 'freehold_reader' \
                         order by md5(pid::text || $1::text) limit 1",
                        &[&chance.random::<u32>().to_string()],
                    )
                    .await?;
                self.terminated.fetch_add(terminated as usize, Ordering::Relaxed);
            } else {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (terminated, restarts) = (self.terminated.load(Ordering::Relaxed), self.restarts.load(Ordering::Relaxed));
        write!(f, "{terminated} backends terminated, {restarts} restart of the server")
    }
}
