use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// How deep rules may call rules before the first alternative, which ends, is taken.
const DEPTH: usize = 7;
/// One statement of so many has a word of it dropped, doubled, or exchanged for another statement's.
const MUTATED: u32 = 12;

/// A context-free grammar of SQL, most of it hostile.
///
/// In its text a rule's name stands in brackets above its alternatives, one a line, and `<name>` in an alternative is an
/// alternative of that rule. Where it gets deep, the first alternative is taken.
#[derive(Clone, Debug)]
pub struct Grammar {
    rules: HashMap<String, Vec<Vec<Part>>>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Rule(String),
}

impl Grammar {
    /// The grammar of this crate, before it knows a server: `call`, `relation`, `setting` and `role` are to be added.
    pub(super) fn hostile() -> Self {
        Self::parse(include_str!("grammar.txt"))
    }

    fn parse(text: &str) -> Self {
        let mut grammar = Self { rules: HashMap::new() };
        let (_, rules) = text.split_once("\n[").expect("a grammar has a rule");
        for rule in rules.split("\n[") {
            let (name, alternatives) = rule.split_once("]\n").expect("a rule has alternatives");
            // The blank line before the next rule is none; any other blank line is an alternative: nothing.
            let alternatives = alternatives.strip_suffix('\n').unwrap_or(alternatives);
            grammar.add(name, alternatives.split('\n'));
        }
        grammar
    }

    /// Gives a rule more alternatives.
    pub fn add<'a>(&mut self, rule: &str, alternatives: impl IntoIterator<Item = &'a str>) {
        self.rules.entry(rule.to_owned()).or_default().extend(alternatives.into_iter().map(Part::parse));
    }

    /// Whether there is a rule of this name.
    pub(super) fn has(&self, rule: &str) -> bool {
        self.rules.contains_key(rule)
    }

    /// A statement, the same for the same state of `random`.
    pub fn statement(&self, random: &mut StdRng) -> String {
        let statement = self.any("statement", random);
        if random.random_ratio(1, MUTATED) { self.mutate(&statement, random) } else { statement }
    }

    fn any(&self, rule: &str, random: &mut StdRng) -> String {
        let mut text = String::new();
        self.expand(rule, 0, random, &mut text);
        text
    }

    fn expand(&self, rule: &str, depth: usize, random: &mut StdRng, text: &mut String) {
        let alternatives = self.rules.get(rule).unwrap_or_else(|| panic!("the grammar has no rule <{rule}>"));
        let chosen = if depth > DEPTH { alternatives.first() } else { alternatives.choose(random) };
        for part in chosen.into_iter().flatten() {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Rule(rule) => self.expand(rule, depth + 1, random, text),
            }
        }
    }

    fn mutate(&self, statement: &str, random: &mut StdRng) -> String {
        let mut words: Vec<&str> = statement.split(' ').collect();
        let donor = self.any("statement", random);
        let donated: Vec<&str> = donor.split(' ').collect();
        let place = random.random_range(0..words.len());
        match random.next_u32() % 4 {
            0 => drop(words.remove(place)),
            1 => words.insert(place, words[place]),
            2 => words[place] = donated.choose(random).copied().unwrap_or_default(),
            _ => words.splice(place.., donated[donated.len() / 2..].iter().copied()).for_each(drop),
        }
        words.join(" ")
    }
}

impl Part {
    fn parse(alternative: &str) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut rest = alternative;
        while let Some((text, name, behind)) = next_rule(rest) {
            parts.push(Self::Text(text.to_owned()));
            parts.push(Self::Rule(name.to_owned()));
            rest = behind;
        }
        parts.push(Self::Text(rest.to_owned()));
        parts
    }
}

/// The text before the first `<name>`, the name, and the text behind it. `<` is an operator of SQL too.
fn next_rule(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('<').find_map(|(start, _)| {
        let (name, behind) = text[start + 1..].split_once('>')?;
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == ' ');
        is_name.then_some((&text[..start], name, behind))
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_statement_is_the_same_for_the_same_seed() {
        let mut grammar = Grammar::hostile();
        for rule in ["call", "relation", "setting", "role"] {
            grammar.add(rule, ["x"]);
        }
        let statements = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            (0..2_000).map(|_| grammar.statement(&mut random)).collect::<Vec<_>>()
        };
        assert_eq!(statements(1), statements(1));
        assert_ne!(statements(1), statements(2));
    }

    #[test]
    fn every_rule_that_is_named_is_there() {
        let grammar = Grammar::hostile();
        for alternative in grammar.rules.values().flatten() {
            for part in alternative {
                if let Part::Rule(name) = part {
                    let added = ["call", "relation", "setting", "role"].contains(&name.as_str());
                    assert!(added || grammar.has(name), "<{name}>");
                }
            }
        }
    }

    #[test]
    fn an_operator_is_no_rule() {
        assert!(next_rule("a <> b and c < 1 > 2").is_none());
        assert_eq!(next_rule("x < 1 and <table 2> a"), Some(("x < 1 and ", "table 2", " a")));
    }
}
