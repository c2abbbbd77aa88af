//! The report as Markdown.

use std::fmt::Write;
use std::time::Duration;

use super::load::{Measured, Target};
use crate::bench::machine;

/// One server under one spread of tenants.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) rounds: Vec<Measured>,
}

impl Row {
    pub(super) fn new(name: impl Into<String>, target: Target) -> Self {
        Self { name: name.into(), target, rounds: Vec::new() }
    }

    /// The median over the rounds.
    fn median(&self, of: impl Fn(&Measured) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// All that was measured.
pub(super) struct Report<'a> {
    pub(super) server: &'a str,
    pub(super) peer: bool,
    pub(super) connections: usize,
    pub(super) took: Duration,
    pub(super) rows: &'a [Row],
}

impl Report<'_> {
    pub(super) fn to_markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    /// The peer under the same spread of tenants: one, or many.
    fn peer_of(&self, row: &Row) -> Option<&Row> {
        let same = |peer: &&Row| (peer.target.tenants == 1) == (row.target.tenants == 1);
        self.rows.iter().filter(|_| self.peer).take(2).find(same)
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let rounds = self.rows.first().map_or(0, |row| row.rounds.len());
        writeln!(
            out,
            "# The list endpoint beside django-tenants\n\n\
             `./dev bench http` on {machine}; PostgreSQL {server} (durable, a server each); wrk with {connections} \
             connections, a tenant chosen uniformly per request, on the same processors; medians of {rounds} rounds in \
             which all took turns; {took:.0?} in all.\n\n\
             Each request lists the 20 newest open orders of a tenant that has 500, as JSON. django-tenants runs under \
             gunicorn with two synchronous workers and TENANT_LIMIT_SET_CALLS, over 1,000 \
             schemas of 40 tables; Freehold is one process, sqlx, one table per \
             schema; without tenants it is one process, one table, and sqlx's own pool.\n",
            machine = machine::description(),
            server = self.server,
            connections = self.connections,
            took = self.took,
        )?;
        if !self.peer {
            writeln!(out, "The peer was not there, so there are no ratios.\n")?;
        }
        writeln!(
            out,
            "| | tenants | req/s | p50 ms | p99 ms | req/s : peer | p99 : peer |\n|---|---:|---:|---:|---:|---:|---:|"
        )?;
        for row in self.rows {
            let rate = row.median(|measured| measured.per_second);
            let (p50, p99) = (row.median(|measured| measured.p50_ms), row.median(|measured| measured.p99_ms));
            let peer = self.peer_of(row);
            let rate_of_peer = peer.map_or(f64::NAN, |peer| peer.median(|measured| measured.per_second));
            let p99_of_peer = peer.map_or(f64::NAN, |peer| peer.median(|measured| measured.p99_ms));
            writeln!(
                out,
                "| {} | {} | {rate:.0} | {p50:.2} | {p99:.2} | {:.1} | {:.2} |",
                row.name,
                row.target.tenants,
                rate / rate_of_peer,
                p99 / p99_of_peer
            )?;
        }
        Ok(())
    }
}
