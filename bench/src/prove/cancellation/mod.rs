//! Requests that are dropped at any await, while backends are terminated and the server restarts, never meet another
//! tenant's rows, and leave no connection behind that is of no use.

mod fleet;
mod request;
mod weather;

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use freehold::isolation::{Driver, PoolOptions, PoolStatus, Sqlx, TenantDb, TokioPostgres};
use futures_util::{StreamExt, stream};
use rand::SeedableRng;
use rand::rngs::StdRng;

use fleet::Fleet;
use request::{Request, Tally};
use weather::Weather;

/// How long it may take until every connection is back after the last request.
const REST: Duration = Duration::from_secs(30);

/// How long a client waits after it was refused.
const BACK_OFF: Duration = Duration::from_millis(200);

#[derive(Args, Clone, Debug)]
pub(crate) struct Cancellation {
    /// Requests in all.
    #[arg(long, default_value_t = 10_000)]
    requests: usize,
    /// Tenants, spread over the three models.
    #[arg(long, default_value_t = 50)]
    tenants: usize,
    /// Connections of each driver's pool.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Requests at the same time.
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// What chance begins with; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
}

impl Cancellation {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let started = Instant::now();
        let seed = self.seed.unwrap_or_else(rand::random);
        println!(
            "seed {seed}: {} requests, {} tenants, {} connections a driver",
            self.requests, self.tenants, self.connections
        );
        let fleet = Fleet::start(self.tenants, self.pool()).await?;
        let version: String = fleet.truth("postgres").await?.query_one("show server_version", &[]).await?.get(0);
        println!("PostgreSQL {version}, deployment ready after {:.1?}", started.elapsed());

        let weather = Weather::new(self.requests);
        let (tally, ()) = tokio::try_join!(self.requests(&fleet, &weather, seed), weather.happen(&fleet, seed))?;
        println!("{tally}");
        println!("{weather}");
        self.judge(&fleet, &tally).await?;
        println!(
            "0 wrong-tenant rows, 0 half writes, 0 lost commits, 0 poisoned or stuck connections; {:.1?}",
            started.elapsed()
        );
        Ok(())
    }

    fn pool(&self) -> PoolOptions {
        let mut options = PoolOptions::default();
        options.capacity = self.connections;
        options.acquire_timeout = Duration::from_secs(20);
        options.deadline = Duration::from_secs(10);
        options.drain = Duration::from_millis(50);
        options
    }

    async fn requests(&self, fleet: &Fleet, weather: &Weather, seed: u64) -> anyhow::Result<Tally> {
        let requests = (0..self.requests).map(|number| {
            let mut chance = StdRng::seed_from_u64(seed.wrapping_add(number as u64));
            let request = Request::any(number as i64, fleet, &mut chance);
            async move {
                let outcome = request.run().await;
                if outcome.was_refused() {
                    // Else a restart would use up all requests.
                    tokio::time::sleep(BACK_OFF).await;
                }
                weather.one_more();
                outcome
            }
        });
        let mut outcomes = stream::iter(requests).buffer_unordered(self.clients);
        let mut tally = Tally::default();
        while let Some(outcome) = outcomes.next().await {
            tally.add(outcome);
        }
        Ok(tally)
    }

    async fn judge(&self, fleet: &Fleet, tally: &Tally) -> anyhow::Result<()> {
        ensure!(tally.wrong.is_empty(), "rows of another tenant were seen: {:?}", tally.wrong);
        ensure!(tally.done > 0 && tally.cut_off > 0, "the run shows nothing: no request was done, or none was cut off");
        fleet.verify_writes(tally).await?;
        for tenant in &fleet.tenants {
            // As often as there are connections, so that each of them is asked.
            for _ in 0..self.connections {
                request::look(fleet, tenant).await?;
            }
        }
        self.at_rest(&fleet.db::<TokioPostgres>(&fleet.tenants[0])).await?;
        self.at_rest(&fleet.db::<Sqlx>(&fleet.tenants[0])).await?;
        fleet.verify_backends(2 * self.connections).await
    }

    /// Waits until the pool has all its connections back, and they are no more than its capacity.
    async fn at_rest<D: Driver>(&self, db: &TenantDb<D>) -> anyhow::Result<()> {
        let rests = |status: PoolStatus| status.idle == status.open && status.waiting == 0;
        let deadline = Instant::now() + REST;
        while !rests(db.pool_status()) {
            ensure!(Instant::now() < deadline, "connections are stuck: {:?}", db.pool_status());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ensure!(db.pool_status().open <= self.connections, "too many connections: {:?}", db.pool_status());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Cancellation;

    #[tokio::test(flavor = "multi_thread")]
    async fn three_hundred_requests_in_bad_weather_meet_nobody_elses_rows() {
        let small = Cancellation { requests: 300, tenants: 6, connections: 4, clients: 16, seed: Some(4) };
        small.run().await.expect("the claim holds");
    }
}
