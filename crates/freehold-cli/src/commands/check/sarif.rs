//! Findings in the form that code scanning reads: SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format").

use freehold_control::{Finding, Rule, Severity};
use serde_json::{Value, json};

/// A log with one run in it.
pub(super) fn log(findings: &[Finding]) -> Value {
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "freehold check",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Rule::all().iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "name": rule.title,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.why },
        "help": { "text": format!("{} Source: {}.", rule.why, rule.source) },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": ["security", rule.family], "security-severity": score(rule.severity) },
    })
}

fn result(finding: &Finding) -> Value {
    let place = format!("{}/{}", finding.database, finding.object);
    json!({
        "ruleId": finding.rule,
        "ruleIndex": Rule::all().iter().position(|rule| rule.id == finding.rule).map_or(json!(-1), |index| json!(index)),
        "level": level(finding.severity),
        "message": { "text": format!("{}: {}. Fix: {}", finding.object, finding.why, finding.fix) },
        // Code scanning shows only what is in a file, and a database has none: the object stands for one.
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": format!("database/{}", encoded(&place)) } },
            "logicalLocations": [{ "fullyQualifiedName": place, "kind": "database object" }],
        }],
        "partialFingerprints": { "object/v1": format!("{}:{place}", finding.rule) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        _ => "note",
    }
}

/// A number between 0 and 10 by which code scanning ranks security findings.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.0",
        _ => "2.0",
    }
}

/// Percent-encoded but for what a path may hold as it is (RFC 3986, section 3.3).
fn encoded(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
