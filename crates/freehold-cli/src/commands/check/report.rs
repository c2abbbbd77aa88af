//! Findings for people.

use std::fmt::Write;

use freehold_control::{Drift, Finding, FixReport, Rule, SelfTest, Severity, without_placements};

use crate::output::{table, visible};

/// By rule, the worst first: the reason once, then each object.
pub(super) fn findings(drift: &Drift) -> String {
    let mut text = String::new();
    for group in drift.new.chunk_by(|a, b| a.rule == b.rule) {
        let first = &group[0];
        let _ = writeln!(text, "{} {} {}", first.severity.as_str(), first.rule, first.title);
        if let Some(rule) = Rule::all().iter().find(|rule| rule.id == first.rule) {
            for line in wrapped(&rule.why) {
                let _ = writeln!(text, "  {line}");
            }
        }
        for (finding, more) in by_placement(group) {
            let _ =
                writeln!(text, "  - {} in {}: {}", visible(&finding.object), finding.database, visible(&finding.why));
            if more > 0 {
                let _ = writeln!(text, "    and the same in {more} more");
            }
            let _ = writeln!(text, "    fix: {}", visible(finding.fix.trim_start_matches("-- ")));
        }
        text.push('\n');
    }
    text + &summary(drift)
}

/// Each finding once, with how many others say the same of another placement: a table that a migration made is in each.
fn by_placement(findings: &[Finding]) -> Vec<(&Finding, i64)> {
    let mut groups: Vec<(String, &Finding, i64)> = Vec::new();
    for finding in findings {
        let said = without_placements(&format!("{} {}", finding.object, finding.why));
        match groups.iter_mut().find(|(known, ..)| *known == said) {
            Some((_, _, more)) => *more += 1 + finding.alike,
            None => groups.push((said, finding, finding.alike)),
        }
    }
    groups.into_iter().map(|(_, finding, more)| (finding, more)).collect()
}

fn summary(drift: &Drift) -> String {
    let mut text = match drift.new.len() {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        many => format!("{many} findings"),
    };
    let counts = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low].map(|severity| {
        let count = drift.new.iter().filter(|finding| finding.severity == severity).count();
        (count > 0).then(|| format!("{count} {}", severity.as_str()))
    });
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    if !counts.is_empty() {
        let _ = write!(text, ": {}", counts.join(", "));
    }
    if drift.known > 0 {
        let _ = write!(text, "; {} known from the baseline", drift.known);
    }
    if drift.gone > 0 {
        let _ = write!(text, "; {} of the baseline are gone: write it anew, so that they stay gone", drift.gone);
    }
    text
}

fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 110;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].len() + word.len() >= WIDTH {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

/// What would mend the findings, as a script.
pub(super) fn script(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut printed: Vec<&str> = Vec::new();
    for finding in findings {
        let _ = writeln!(text, "-- {} {}: {}", finding.rule, visible(&finding.object), visible(&finding.why));
        match finding.statement() {
            Some(statement) if printed.contains(&statement) => text.push_str("-- as above\n"),
            Some(statement) => {
                let _ = writeln!(text, "{};", statement.trim_end_matches(';'));
                printed.push(statement);
            }
            None => {
                let _ = writeln!(text, "{}", visible(&finding.fix));
            }
        }
    }
    text
}

pub(super) fn fixes(report: &FixReport) -> String {
    let done = report.done.iter().map(|statement| format!("done: {}\n", visible(statement)));
    let refused = report.refused.iter().map(|(statement, why)| format!("refused: {}: {why}\n", visible(statement)));
    done.chain(refused).collect()
}

pub(super) fn rules(rules: &[Rule]) -> String {
    table(
        &["RULE", "SEVERITY", "ABOUT", "WHAT", "COVERS"],
        rules.iter().map(|rule| {
            let covers = rule.covers.join("; ");
            [rule.id, rule.severity.as_str(), rule.family, rule.title, &covers].map(ToOwned::to_owned)
        }),
    )
}

pub(super) fn self_test(report: &SelfTest) -> String {
    let mut text: String = report.problems.iter().map(|problem| format!("{problem}\n")).collect();
    let _ = write!(
        text,
        "{} rules; faults found {} of {} planted, {} of them mended by their fix; {} false alarms on {} clean twins",
        report.rules, report.found, report.planted, report.mended, report.false_alarms, report.clean_twins
    );
    text
}
