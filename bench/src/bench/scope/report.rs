//! The report as Markdown.

use std::fmt::Write;
use std::time::Duration;

use super::client::Work;
use super::measure::Sample;
use super::variant::Variant;
use crate::bench::deployment::Population;
use crate::bench::machine::{self, Cpu};
use crate::bench::tenants::Spread;

/// All that was measured.
pub(super) struct Report {
    server: String,
    population: Population,
    seed: u64,
    pub(super) took: Duration,
    pub(super) groups: Vec<Group>,
}

/// One table: the variants under one network, work and number of clients, with a column per spread of tenants.
pub(super) struct Group {
    network: &'static str,
    work: Work,
    clients: usize,
    rows: Vec<(String, [Sample; Spread::ALL.len()])>,
}

impl Group {
    pub(super) fn new(network: &'static str, work: Work, clients: usize, variants: &[Variant]) -> Self {
        let rows = variants.iter().map(|variant| (variant.name.clone(), Default::default())).collect();
        Self { network, work, clients, rows }
    }

    pub(super) fn add(&mut self, variant: usize, column: usize, sample: Sample) {
        self.rows[variant].1[column].merge(sample);
    }

    pub(super) fn finished(mut self) -> Self {
        for sample in self.rows.iter_mut().flat_map(|(_, samples)| samples) {
            sample.latencies.sort_unstable();
        }
        self
    }

    fn write(&self, population: Population, out: &mut String) -> std::fmt::Result {
        let plural = if self.clients == 1 { "client" } else { "clients" };
        writeln!(out, "\n## {}, {} {plural}, {}\n", self.work.name(), self.clients, self.network)?;
        write!(out, "| |")?;
        for spread in Spread::ALL {
            let name = spread.name(population.shared);
            write!(out, " tenants: {name} | p50 us | p99 us |")?;
        }
        writeln!(out, " CPU us: clients | server |")?;
        writeln!(out, "|---|{}", "---:|".repeat(Spread::ALL.len() * 3 + 2))?;
        for (name, samples) in &self.rows {
            write!(out, "| {name} |")?;
            for (column, sample) in samples.iter().enumerate() {
                let (p50, p99) = (sample.percentile(0.5), sample.percentile(0.99));
                let raw = self.rows.first().map_or(f64::NAN, |(_, raw)| raw[column].rate());
                write!(out, " {:.2} ({:.0}/s) | {p50:.0} | {p99:.0} |", sample.rate() / raw, sample.rate())?;
            }
            let uniform = &samples[1];
            let Cpu { clients, server, .. } = uniform.cpu;
            writeln!(out, " {:.0} | {:.0} |", uniform.cpu_per_request(clients), uniform.cpu_per_request(server))?;
        }
        Ok(())
    }
}

impl Report {
    pub(super) fn new(server: &str, population: Population, seed: u64) -> Self {
        Self { server: server.to_owned(), population, seed, took: Duration::ZERO, groups: Vec::new() }
    }

    /// The processor time that went to others while variants ran, as a share of the whole machine's.
    fn foreign(&self) -> f64 {
        let mut cpu = Cpu::default();
        let mut elapsed = 0.0;
        for sample in self.groups.iter().flat_map(|group| &group.rows).flat_map(|(_, samples)| samples) {
            cpu += sample.cpu;
            elapsed += sample.elapsed.as_secs_f64();
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        cpu.foreign() / (elapsed * cores as f64)
    }

    pub(super) fn to_markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Population { shared, schema, database } = self.population;
        writeln!(
            out,
            "# What a scope costs\n\n\
             `./dev bench scope` on {machine}; PostgreSQL {server}, durable, 512 MB of shared buffers; clients and server on \
             the same processors; seed {seed}; {took:.0?} in all. Other work took {foreign:.0} % of the processors meanwhile.\n\n\
             Each cell is the share of raw tokio-postgres in the same cell, and requests per second. The raw drivers name \
             the tenant in the statement and have a connection per client. *Plain setting* is what a careful application \
             does by hand: BEGIN, `set_config`, statement, COMMIT, each in a round trip, behind a policy that reads the \
             setting once. Freehold has a pool of 64 connections. {shared} tenants in shared tables, {schema} schemas, \
             {database} databases (the columns of many tenants are over {database} for `database`); 200 rows each. The last \
             columns are processor time per request over the tenants chosen uniformly; on the slow network that of the \
             clients includes the network.",
            machine = machine::description(),
            server = self.server,
            seed = self.seed,
            took = self.took,
            foreign = self.foreign() * 100.0,
        )?;
        for group in &self.groups {
            group.write(self.population, out)?;
        }
        Ok(())
    }
}
