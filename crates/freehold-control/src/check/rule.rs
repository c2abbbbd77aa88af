use std::sync::LazyLock;

use include_dir::{Dir, File, include_dir};
use schemars::JsonSchema;
use serde::Serialize;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sql/check");
const VOCABULARY: &str = include_str!("../../sql/check/vocabulary.sql");

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Hygiene, or speed.
    Low,
    /// A guard less, or a small leak.
    Medium,
    /// Leaks under a condition that is likely.
    High,
    /// Leaks as it is.
    Critical,
}

impl Severity {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High, Self::Critical].into_iter().find(|severity| severity.as_str() == name)
    }
}

/// Something that could leak, how it is found, and how it is known that it would be found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Rule {
    /// `FH` and a number. It keeps its meaning for good.
    pub id: &'static str,
    /// What it is about: the folder it is in.
    pub family: &'static str,
    /// What is wrong where it fires.
    pub title: &'static str,
    /// How bad that is.
    pub severity: Severity,
    /// Which rules of other linters it covers: of splinter, of pgrls.
    pub covers: Vec<&'static str>,
    /// Where it is known from.
    pub source: &'static str,
    /// Why it could leak.
    pub why: String,
    /// Selects `object`, `why` and `fix`, given the vocabulary.
    #[serde(skip)]
    query: &'static str,
    /// Faults that it must find.
    #[serde(skip)]
    pub(super) faults: Vec<Fault>,
    /// What looks like a fault and is none.
    #[serde(skip)]
    pub(super) clean_twins: Vec<&'static str>,
}

/// SQL that brings a fault into the fixture, and what findings must name then.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) sql: &'static str,
    pub(super) objects: Vec<&'static str>,
}

impl Rule {
    /// Every rule, by id.
    ///
    /// ```
    /// use freehold_control::{Rule, Severity};
    ///
    /// let rule = Rule::all().iter().find(|rule| rule.id == "FH101").unwrap();
    /// assert_eq!(rule.severity, Severity::Critical);
    /// ```
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
            let families = FILES.dirs().flat_map(|family| family.files());
            let mut rules: Vec<_> = families.filter(|file| name(file).starts_with("FH")).map(Rule::read).collect();
            rules.sort_by_key(|rule| rule.id);
            rules
        });
        &ALL
    }

    /// One query by which several look: what they share is worked out once. Rows are `rule`, `object`, `why` and `fix`.
    pub(super) fn query_of(rules: &[&Self]) -> String {
        let each = rules.iter().map(|rule| {
            let Self { id, query, .. } = rule;
            format!("select '{id}' as rule, object::text, why::text, fix::text from (\n{query}\n) as finding")
        });
        let each: Vec<_> = each.collect();
        format!("{VOCABULARY}{}\norder by rule, object, why", each.join("\nunion all\n"))
    }

    /// # Panics
    ///
    /// On a file that is not of the form the others show; a test reads them all.
    fn read(file: &'static File<'static>) -> Self {
        let text = file.contents_utf8().unwrap_or_default();
        Self::parse(name(file), family(file), text)
            .unwrap_or_else(|problem| panic!("{}: {problem}", file.path().display()))
    }

    fn parse(file: &'static str, family: &'static str, text: &'static str) -> Result<Self, String> {
        let (id, _) = file.split_once('_').ok_or("its name has no underscore behind the id")?;
        let header = text.split_inclusive('\n').take_while(|line| line.starts_with("--")).map(str::len).sum();
        let (header, rest) = text.split_at(header);
        let mut lines = header.lines().map(|line| line.trim_start_matches("-- "));
        let title = lines.next().ok_or("there is no title")?;
        let field = |field: &str| {
            let prefix = format!("-- {field}: ");
            let value = header.lines().find_map(|line| line.strip_prefix(prefix.as_str()));
            value.ok_or_else(|| format!("its header says no {field}"))
        };
        let severity = field("severity")?;
        let (_, why) = header.split_once("-- why: ").ok_or("its header says no why")?;
        let why = why.lines().map(|line| line.trim_start_matches("--").trim()).collect::<Vec<_>>().join(" ");
        let (query, examples) = rest.split_at(rest.find("-- fault:").ok_or("there is no fault")?);
        if query.trim().is_empty() {
            return Err("there is no query".to_owned());
        }
        let mut rule = Self {
            id,
            family,
            title,
            severity: Severity::named(severity).ok_or_else(|| format!("{severity} is no severity"))?,
            // The file says which known pitfalls too, by numbers that only developers know.
            covers: field("covers")?
                .split("; ")
                .filter(|other| ["splinter", "pgrls"].iter().any(|linter| other.starts_with(linter)))
                .collect(),
            source: field("source")?,
            why,
            query: query.trim(),
            faults: Vec::new(),
            clean_twins: Vec::new(),
        };
        rule.read_examples(examples)?;
        Ok(rule)
    }

    fn read_examples(&mut self, mut text: &'static str) -> Result<(), String> {
        while !text.is_empty() {
            let end = ["\n-- fault:", "\n-- clean:"].iter().filter_map(|mark| text.find(mark)).min();
            let (example, rest) = text.split_at(end.map_or(text.len(), |end| end + 1));
            text = rest;
            let (mark, sql) = example.split_once('\n').ok_or("an example is empty")?;
            match mark {
                "-- fault:" => {
                    let objects: Vec<_> = sql.lines().filter_map(|line| line.strip_prefix("-- names: ")).collect();
                    if objects.is_empty() {
                        return Err("a fault does not say what a finding names".to_owned());
                    }
                    self.faults.push(Fault { sql, objects });
                }
                "-- clean:" => self.clean_twins.push(sql),
                other => return Err(format!("{other:?} begins no example")),
            }
        }
        if self.clean_twins.is_empty() { Err("there is no clean twin".to_owned()) } else { Ok(()) }
    }
}

fn name(file: &File<'static>) -> &'static str {
    file.path().file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn family(file: &File<'static>) -> &'static str {
    file.path().parent().and_then(|folder| folder.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_rule_with_an_id_of_its_own() {
        let rules = Rule::all();
        let files = FILES.dirs().map(|family| family.files().filter(|file| name(file) != "fixture.sql").count());
        assert_eq!(rules.len(), files.sum::<usize>());
        let mut ids: Vec<_> = rules.iter().map(|rule| rule.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), rules.len(), "two rules have the same id");
        for rule in rules {
            assert_eq!(rule.id.len(), 5, "{}", rule.id);
            assert!(!rule.why.is_empty() && rule.why.ends_with('.'), "{}: {}", rule.id, rule.why);
        }
    }

    #[test]
    fn a_file_that_lacks_a_part_is_refused_by_what_it_lacks() {
        let whole = "-- A title\n-- severity: low\n-- covers: -\n-- source: here\n-- why: Because\n--      of it.\n\nselect 1\n\n\
                     -- fault:\nselect 2;\n-- names: a\n-- names: b\n\n-- clean:\nselect 3;\n";
        let rule = Rule::parse("FH999_x.sql", "tables", whole).unwrap();
        assert_eq!((rule.title, rule.why.as_str(), rule.query), ("A title", "Because of it.", "select 1"));
        assert_eq!(rule.faults[0].objects, ["a", "b"]);
        assert_eq!(rule.clean_twins, ["select 3;\n"]);
        for part in [
            "-- severity: low\n",
            "-- covers: -\n",
            "-- source: here\n",
            "-- why: ",
            "select 1\n",
            "-- clean:\nselect 3;\n",
            "-- names: a\n-- names: b\n",
        ] {
            let without: &'static str = whole.replace(part, "").leak();
            assert!(Rule::parse("FH999_x.sql", "tables", without).is_err(), "{part}");
        }
    }
}
