use freehold::isolation::{Access, Scope, Sqlx};
use sqlx::FromRow;
use uuid::Uuid;

use super::Matter;
use crate::failure::Failure;
use crate::money::shown;
use crate::people::Role;
use crate::session::Person;
use crate::text::excerpt;

/// A rule, with the names of what it refers to.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Rule {
    pub(super) id: Uuid,
    above_minor: i64,
    category_id: Option<Uuid>,
    unit_id: Option<Uuid>,
    /// None: owners alone. The same when the person was removed.
    approver_id: Option<Uuid>,
    category: Option<String>,
    unit: Option<String>,
    approver: Option<String>,
    /// Whether the person's role still lets them decide.
    decides: bool,
}

impl Rule {
    fn fits(&self, matter: Matter) -> bool {
        let is_any_or = |of: Option<Uuid>, own: Option<Uuid>| of.is_none() || of == own;
        self.above_minor < matter.amount_minor
            && is_any_or(self.category_id, matter.category_id)
            && is_any_or(self.unit_id, matter.unit_id)
    }

    /// Whom it names, if they still decide.
    fn named(&self) -> Option<(Uuid, &str)> {
        self.decides.then_some(())?;
        Some((self.approver_id?, self.approver.as_deref()?))
    }

    /// What it says.
    pub(super) fn words(&self, currency: &str) -> String {
        let mut words = format!("Expenses above {}", shown(self.above_minor, currency));
        for (before, name) in [("in", &self.category), ("of", &self.unit)] {
            if let Some(name) = name {
                words.push_str(&format!(" {before} {}", excerpt(name)));
            }
        }
        match (self.named(), &self.approver) {
            (Some((_, name)), _) => words.push_str(&format!(" are decided by {name} or an owner")),
            (None, Some(name)) => words.push_str(&format!(" are decided by owners, as {name} decides no more")),
            (None, None) => words.push_str(" are decided by owners"),
        }
        words
    }
}

/// The rules of an organisation, those of the highest amount first.
#[derive(Clone, Debug)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    /// Rules an organisation may have: all of them are looked at for each decision.
    pub(super) const MOST: usize = 200;

    /// All rules there are.
    pub(crate) async fn load<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Self, sqlx::Error> {
        let rules = sqlx::query_as(
            "select r.id, r.above_minor, r.category_id, r.unit_id, r.approver_id, c.name as category, u.name as unit, \
             coalesce(nullif(p.name, ''), p.email) as approver, coalesce(p.role <> 'member', false) as decides \
             from approval_rules r left join categories c on c.id = r.category_id left join units u on u.id = r.unit_id \
             left join people p on p.id = r.approver_id order by r.above_minor desc, r.id",
        );
        Ok(Self(rules.fetch_all(scope).await?))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that count for this: of those that fit, the ones of the highest amount.
    fn counting(&self, matter: Matter) -> impl Iterator<Item = &Rule> {
        let mut fitting = self.0.iter().filter(move |rule| rule.fits(matter)).peekable();
        let highest = fitting.peek().map(|rule| rule.above_minor);
        fitting.take_while(move |rule| Some(rule.above_minor) == highest)
    }

    /// Whether this person decides on it.
    pub(crate) fn allow(&self, person: &Person, matter: Matter) -> bool {
        match person.role {
            Role::Owner => true,
            Role::Member => false,
            Role::Approver => {
                let mut counting = self.counting(matter).peekable();
                counting.peek().is_none() || counting.any(|rule| rule.named().is_some_and(|(id, _)| id == person.id))
            }
        }
    }

    /// Who decides on it, as the subject of a sentence.
    pub(crate) fn deciders(&self, matter: Matter) -> String {
        let mut counting = self.counting(matter).peekable();
        if counting.peek().is_none() {
            return "an approver or an owner".to_owned();
        }
        let mut names: Vec<&str> = counting.filter_map(|rule| Some(rule.named()?.1)).collect();
        names.sort_unstable();
        names.dedup();
        names.push("an owner");
        names.join(" or ")
    }
}

/// Refuses whoever may not decide on this, saying who may.
pub(crate) async fn check<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    person: &Person,
    matter: Matter,
) -> Result<(), Failure> {
    match person.role {
        Role::Owner => Ok(()),
        Role::Member => Err(Failure::forbidden("approvers and owners decide on the status")),
        Role::Approver => {
            let rules = Rules::load(scope).await?;
            if rules.allow(person, matter) {
                return Ok(());
            }
            let deciders = rules.deciders(matter);
            Err(Failure::forbidden(format!("by the organisation's rules {deciders} decides on this expense")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAVEL: Uuid = Uuid::from_u128(1);
    const SALES: Uuid = Uuid::from_u128(2);
    const ANN: Uuid = Uuid::from_u128(3);
    const BOB: Uuid = Uuid::from_u128(4);

    fn rule(above_minor: i64, category_id: Option<Uuid>, unit_id: Option<Uuid>, approver_id: Option<Uuid>) -> Rule {
        Rule {
            id: Uuid::nil(),
            above_minor,
            category_id,
            unit_id,
            approver_id,
            category: category_id.map(|_| "Travel".to_owned()),
            unit: unit_id.map(|_| "Sales".to_owned()),
            approver: approver_id.map(|id| if id == ANN { "Ann" } else { "Bob" }.to_owned()),
            decides: approver_id.is_some(),
        }
    }

    fn person(id: Uuid, role: Role) -> Person {
        Person { id, role, email: String::new(), name: String::new(), verified: true, reach: None }
    }

    fn matter(amount_minor: i64, category_id: Option<Uuid>, unit_id: Option<Uuid>) -> Matter {
        Matter { amount_minor, category_id, unit_id }
    }

    #[test]
    fn without_a_rule_that_fits_every_approver_decides() {
        let rules = Rules(vec![rule(50_000, Some(TRAVEL), None, Some(ANN))]);
        let bob = person(BOB, Role::Approver);
        for fine in [
            matter(50_000, Some(TRAVEL), None),
            matter(60_000, None, None),
            matter(60_000, Some(SALES), None),
            matter(-60_000, Some(TRAVEL), None),
        ] {
            assert!(rules.allow(&bob, fine), "{fine:?}");
            assert_eq!(rules.deciders(fine), "an approver or an owner");
        }
        assert!(!rules.allow(&bob, matter(50_001, Some(TRAVEL), None)));
        assert!(!rules.allow(&person(BOB, Role::Member), matter(1, None, None)));
    }

    #[test]
    fn of_rules_that_fit_those_of_the_highest_amount_count() {
        let rules = Rules(vec![
            rule(100_000, None, None, None),
            rule(50_000, None, Some(SALES), Some(BOB)),
            rule(50_000, Some(TRAVEL), None, Some(ANN)),
        ]);
        let [ann, bob] = [ANN, BOB].map(|id| person(id, Role::Approver));
        for (matter, deciders, by_ann, by_bob) in [
            (matter(60_000, Some(TRAVEL), None), "Ann or an owner", true, false),
            (matter(60_000, Some(TRAVEL), Some(SALES)), "Ann or Bob or an owner", true, true),
            (matter(60_000, None, Some(SALES)), "Bob or an owner", false, true),
            (matter(100_001, Some(TRAVEL), Some(SALES)), "an owner", false, false),
        ] {
            assert_eq!(rules.deciders(matter), deciders);
            assert_eq!((rules.allow(&ann, matter), rules.allow(&bob, matter)), (by_ann, by_bob), "{matter:?}");
            assert!(rules.allow(&person(BOB, Role::Owner), matter));
        }
    }

    #[test]
    fn a_rule_whose_person_decides_no_more_leaves_it_to_owners() {
        let demoted = Rule { decides: false, ..rule(100, None, None, Some(ANN)) };
        assert_eq!(demoted.words("GBP"), "Expenses above £1.00 are decided by owners, as Ann decides no more");
        let rules = Rules(vec![demoted]);
        assert_eq!(rules.deciders(matter(200, None, None)), "an owner");
        assert!(!rules.allow(&person(BOB, Role::Approver), matter(200, None, None)));
    }

    #[test]
    fn a_rule_is_told_in_words() {
        for (rule, words) in [
            (
                rule(50_000, Some(TRAVEL), None, Some(ANN)),
                "Expenses above £500.00 in Travel are decided by Ann or an owner",
            ),
            (rule(0, None, Some(SALES), None), "Expenses above £0.00 of Sales are decided by owners"),
            (rule(1, Some(TRAVEL), Some(SALES), None), "Expenses above £0.01 in Travel of Sales are decided by owners"),
        ] {
            assert_eq!(rule.words("GBP"), words);
        }
    }
}
