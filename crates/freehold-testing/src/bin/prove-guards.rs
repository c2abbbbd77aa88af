//! Takes away each guard of the database in turn and demands that the attack suite fails: `./dev prove guards [NAME...]`.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use freehold::tenant::Model;
use freehold_testing::{FAULTS, NOT_PLANTED, TALLY};

/// The names of the attacks that failed, or what kept them from running.
fn failures(watch: &str, fault: Option<&str>, tally: Option<&Path>) -> Result<Vec<String>, String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["nextest", "run", "-p", "freehold", "--test", "isolation", "--no-fail-fast"]);
    // A second try would call a failure by another name.
    cargo.args(["--retries", "0", "--color", "never", "--failure-output", "immediate"]);
    cargo.args(["--status-level", "none", "--final-status-level", "fail", watch]);
    cargo.env_remove("FREEHOLD_TEST_FAULT").envs(fault.map(|name| ("FREEHOLD_TEST_FAULT", name)));
    cargo.env_remove(TALLY).envs(tally.map(|path| (TALLY, path)));
    let output = cargo.output().map_err(|error| format!("cargo cannot be started: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr);
    if !report.contains(" tests run:") || report.contains(NOT_PLANTED) {
        return Err(format!("the attacks did not run as they should:\n{report}"));
    }
    let mut failed: Vec<_> = report
        .lines()
        .filter(|line| line.trim_start().starts_with("FAIL ["))
        .filter_map(|line| line.rsplit_once(" attack::").map(|(_, name)| name.to_owned()))
        .collect();
    failed.sort_unstable();
    failed.dedup();
    Ok(failed)
}

/// Whether every fault was noticed. Without a choice all are tried, and first of all none: tests that fail anyway would
/// notice everything.
fn prove(chosen: &[String]) -> Result<bool, String> {
    if let Some(unknown) = chosen.iter().find(|name| FAULTS.iter().all(|fault| fault.name != name.as_str())) {
        let known: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
        return Err(format!("{unknown} is no fault: choose among {}", known.join(", ")));
    }
    if chosen.is_empty() {
        let tally = tempfile::NamedTempFile::new().map_err(|error| format!("no file to tally in: {error}"))?;
        let failed = failures("attack::", None, Some(tally.path()))?;
        if !failed.is_empty() {
            return Err(format!("attacks succeed although no guard was taken away: {failed:?}"));
        }
        let tally = fs::read_to_string(tally.path()).map_err(|error| format!("the tally cannot be read: {error}"))?;
        println!("with every guard in place no attack succeeds; hostile statements by model:");
        for model in Model::ALL {
            println!("{:<28} {}", model.as_str(), tally.lines().filter(|line| *line == model.as_str()).count());
        }
    }
    let (mut tried, mut unnoticed) = (0, 0);
    for fault in FAULTS.iter().filter(|fault| chosen.is_empty() || chosen.iter().any(|name| name == fault.name)) {
        let caught = failures(fault.watch, Some(fault.name), None)?;
        tried += 1;
        unnoticed += usize::from(caught.is_empty());
        println!("{:<28} caught by {}", fault.name, caught.len());
        caught.iter().for_each(|test| println!("    {test}"));
    }
    println!("{tried} guards taken away, {unnoticed} of them unnoticed");
    Ok(unnoticed == 0)
}

fn main() -> ExitCode {
    let chosen: Vec<String> = env::args().skip(1).collect();
    match prove(&chosen) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("prove-guards: {problem}");
            ExitCode::FAILURE
        }
    }
}
