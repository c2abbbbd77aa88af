//! The load generator: wrk, with a tenant chosen uniformly per request.

use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

const SCRIPT: &str = include_str!("hosts.lua");

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) port: u16,
    pub(super) path: &'static str,
    /// A tenant's host is the prefix, its number, the suffix.
    pub(super) prefix: &'static str,
    pub(super) suffix: &'static str,
    pub(super) tenants: usize,
}

/// How many requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) duration: Duration,
}

/// What wrk saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) failed: u64,
}

/// Whether wrk is there.
pub(super) fn check() -> anyhow::Result<()> {
    let found = std::process::Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.map(drop).context("the load generator wrk is missing: install it (Debian: apt-get install wrk)")
}

impl Load {
    pub(super) async fn run(self, target: &Target) -> anyhow::Result<Measured> {
        let script = tempfile::Builder::new().suffix(".lua").tempfile()?;
        std::fs::write(script.path(), SCRIPT)?;
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{}", self.connections), &format!("-d{}s", self.duration.as_secs())])
            .arg("-s")
            .arg(script.path())
            .arg(format!("http://127.0.0.1:{}{}", target.port, target.path))
            .args(["--", target.prefix, target.suffix, &target.tenants.to_string()])
            .output()
            .await?;
        parse(&output)
    }
}

/// Reads the line that `hosts.lua` writes at the end.
fn parse(output: &Output) -> anyhow::Result<Measured> {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let line =
        line.with_context(|| format!("wrk gave no result: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [per_second, p50_ms, p99_ms, failed] = numbers[..] else {
        anyhow::bail!("wrk gave {} numbers instead of 4: {line}", numbers.len());
    };
    Ok(Measured { per_second, p50_ms, p99_ms, failed: failed as u64 })
}
