use quick_junit::{NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};
use schemars::JsonSchema;
use serde::Serialize;

/// What a scan did and found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[non_exhaustive]
#[schemars(rename = "ScanReport")]
pub struct Report {
    /// The application.
    pub url: String,
    /// Every operation of the document.
    pub operations: Vec<Probed>,
    /// What one tenant saw, changed or learned of the other.
    pub findings: Vec<Finding>,
    /// Requests that were sent.
    pub requests: usize,
}

/// What was done to an operation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[non_exhaustive]
#[schemars(rename = "ScannedOperation")]
pub struct Probed {
    /// Its method and path.
    pub operation: String,
    /// The attacks on it.
    pub probes: Vec<&'static str>,
    /// Why there were none.
    pub not_probed: Option<String>,
}

/// Something that one tenant saw, changed or learned of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
#[schemars(rename = "ScanFinding")]
pub struct Finding {
    /// The operation's method and path.
    pub operation: String,
    /// The attack that found it.
    pub probe: &'static str,
    /// What happened.
    pub what: String,
    /// The request that did it, and the beginning of its answer.
    pub evidence: String,
}

impl Report {
    /// How many operations were attacked.
    pub fn probed(&self) -> usize {
        self.operations.iter().filter(|operation| !operation.probes.is_empty()).count()
    }

    /// The report as test tools read it (JUnit XML): a case for each probe of each operation, one that is skipped for each
    /// operation that was not probed.
    ///
    /// # Errors
    ///
    /// When it cannot be written as XML.
    pub fn to_junit(&self) -> Result<String, quick_junit::SerializeError> {
        let mut report = JunitReport::new("freehold scan");
        let mut suite = TestSuite::new(&self.url);
        for operation in &self.operations {
            for probe in &operation.probes {
                let of_probe = |finding: &&Finding| finding.operation == operation.operation && finding.probe == *probe;
                let findings: Vec<_> = self.findings.iter().filter(of_probe).collect();
                let mut status = TestCaseStatus::success();
                if let Some(first) = findings.first() {
                    status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(&first.what);
                    let details: Vec<_> =
                        findings.iter().map(|found| format!("{}\n{}", found.what, found.evidence)).collect();
                    status.set_description(details.join("\n\n"));
                }
                suite.add_test_case(TestCase::new(format!("{}: {probe}", operation.operation), status));
            }
            if let Some(reason) = &operation.not_probed {
                let mut status = TestCaseStatus::skipped();
                status.set_message(reason);
                suite.add_test_case(TestCase::new(&operation.operation, status));
            }
        }
        report.add_test_suite(suite);
        report.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junit_has_a_case_for_each_probe_and_fails_those_with_findings() {
        let operation = "GET /a".to_owned();
        let report = Report {
            operations: vec![
                Probed { operation: operation.clone(), probes: vec!["ids", "session"], not_probed: None },
                Probed {
                    operation: "GET /b".to_owned(),
                    probes: Vec::new(),
                    not_probed: Some("no id <known>".to_owned()),
                },
            ],
            findings: vec![Finding {
                operation,
                probe: "ids",
                what: "it leaks".to_owned(),
                evidence: "x & y".to_owned(),
            }],
            ..Report::default()
        };
        let xml = report.to_junit().unwrap();
        assert!(xml.contains("tests=\"3\"") && xml.contains("failures=\"1\"") && xml.contains("skipped"), "{xml}");
        assert!(xml.contains("x &amp; y") && xml.contains("&lt;known"), "{xml}");
    }
}
