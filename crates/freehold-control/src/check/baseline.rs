use std::collections::BTreeSet;

use freehold::tenant::PlacementId;
use serde::{Deserialize, Serialize};

use super::Finding;

/// Findings that a team knows of and lives with for now: from here on it can only get better.
///
/// It is meant to be committed. What says why is left out, because it may count things that change.
///
/// ```
/// use freehold_control::Baseline;
///
/// let baseline: Baseline = serde_json::from_str(
///     r#"{"version": 1, "findings": [{"rule": "FH101", "database": "app", "object": "public.notes"}]}"#,
/// )?;
/// assert_eq!(baseline.len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    version: Version,
    findings: BTreeSet<Known>,
}

/// The version of the file's form. There is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
struct Version;

impl From<Version> for u32 {
    fn from(Version: Version) -> Self {
        1
    }
}

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == 1 {
            Ok(Self)
        } else {
            Err(format!("a baseline of version {version}; this program reads version 1"))
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    rule: String,
    database: String,
    object: String,
}

impl From<&Finding> for Known {
    fn from(finding: &Finding) -> Self {
        let Finding { rule, database, object, .. } = finding;
        Self { rule: (*rule).to_owned(), database: without_placements(database), object: without_placements(object) }
    }
}

/// The text with a star in the place of every placement's name: tenants come and go, and what a migration made is in each of
/// their placements.
pub fn without_placements(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let neutral = words.map(|word| {
        let name = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if name.parse::<PlacementId>().is_ok() { format!("*{}", &word[name.len()..]) } else { word.to_owned() }
    });
    neutral.collect()
}

/// Findings beside a baseline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Those the baseline does not have.
    pub new: Vec<Finding>,
    /// How many it has.
    pub known: usize,
    /// How many of the baseline are gone, so that it could be written anew.
    pub gone: usize,
}

impl Baseline {
    /// The findings of today.
    pub fn of(findings: &[Finding]) -> Self {
        Self { version: Version, findings: findings.iter().map(Known::from).collect() }
    }

    /// How many findings it has.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Tells the findings that are new from those that are known.
    pub fn compare(&self, findings: Vec<Finding>) -> Drift {
        let seen: BTreeSet<Known> = findings.iter().map(Known::from).collect();
        let (known, new): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| self.findings.contains(&Known::from(finding)));
        Drift { new, known: known.len(), gone: self.findings.difference(&seen).count() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    fn finding(object: &str) -> Finding {
        Finding {
            rule: "FH101",
            title: "",
            severity: Severity::High,
            database: "app".to_owned(),
            object: object.to_owned(),
            why: "3 rows".to_owned(),
            fix: String::new(),
            alike: 0,
        }
    }

    #[test]
    fn a_baseline_knows_its_findings_and_no_others() {
        let baseline = Baseline::of(&[finding("a"), finding("b"), finding("b")]);
        let written = serde_json::to_string(&baseline).unwrap();
        let read: Baseline = serde_json::from_str(&written).unwrap();
        assert_eq!(read, baseline);
        let mut changed = finding("a");
        changed.why = "4 rows".to_owned();
        let drift = read.compare(vec![changed, finding("c")]);
        assert_eq!(drift, Drift { new: vec![finding("c")], known: 1, gone: 1 });
    }

    #[test]
    fn a_finding_in_one_placement_is_the_finding_of_the_next() {
        let about = |placement: &str| finding(&format!("foreign key k on {placement}.notes in {placement}"));
        let baseline = Baseline::of(&[about("t_2r27o3dun5k6lbuj")]);
        assert_eq!(baseline.compare(vec![about("t_pjzkcsiomvzygsyr"), about("app")]).new, [about("app")]);
    }

    #[test]
    fn a_baseline_of_another_version_is_refused() {
        let refusal = serde_json::from_str::<Baseline>(r#"{"version": 2, "findings": []}"#).unwrap_err();
        assert!(refusal.to_string().contains("version 2"), "{refusal}");
    }
}
