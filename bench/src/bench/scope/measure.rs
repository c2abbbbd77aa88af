//! Closed loops: every client sends its next request when the last one is answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::task::JoinSet;

use super::client::{Client, Work};
use super::variant::Variant;
use crate::bench::machine::Cpu;
use crate::bench::tenants::Picker;

/// What was seen of a variant.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// Nanoseconds of each request.
    pub(super) latencies: Vec<u64>,
    pub(super) elapsed: Duration,
    pub(super) cpu: Cpu,
}

impl Sample {
    /// Requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that a share of the requests does not exceed, in microseconds. The sample must be sorted.
    pub(super) fn percentile(&self, share: f64) -> f64 {
        let index = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(index).map_or(f64::NAN, |nanoseconds| *nanoseconds as f64 / 1_000.0)
    }

    /// Microseconds of processor time per request.
    pub(super) fn cpu_per_request(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.latencies.len().max(1) as f64
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.elapsed += other.elapsed;
        self.cpu += other.cpu;
    }
}

/// How a variant is put to work.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) work: Work,
    pub(super) clients: usize,
    pub(super) picker: Arc<Picker>,
    pub(super) duration: Duration,
    pub(super) seed: u64,
    /// The server's process id.
    pub(super) server: u32,
}

/// Runs the first clients of a variant for a while.
pub(super) async fn run(variant: &mut Variant, load: &Load) -> anyhow::Result<Sample> {
    let idle = variant.clients.split_off(load.clients.min(variant.clients.len()));
    let before = Cpu::read(load.server);
    let start = Instant::now();
    let mut running = JoinSet::new();
    for (number, client) in std::mem::replace(&mut variant.clients, idle).into_iter().enumerate() {
        running.spawn(serve(client, load.clone(), start + load.duration, load.seed + number as u64));
    }
    let mut sample = Sample::default();
    while let Some(ended) = running.join_next().await {
        let (client, latencies) = ended??;
        variant.clients.push(client);
        sample.latencies.extend(latencies);
    }
    sample.elapsed = start.elapsed();
    sample.cpu = Cpu::read(load.server).since(before);
    Ok(sample)
}

async fn serve(mut client: Client, load: Load, end: Instant, seed: u64) -> anyhow::Result<(Client, Vec<u64>)> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut latencies = Vec::with_capacity(16 * 1024);
    let mut now = Instant::now();
    while now < end {
        let tenant = load.picker.pick(&mut random);
        client.serve(load.work, tenant, &mut random).await?;
        let then = Instant::now();
        latencies.push((then - now).as_nanos() as u64);
        now = then;
    }
    Ok((client, latencies))
}
