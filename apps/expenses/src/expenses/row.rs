use freehold::isolation::{Access, Scope, Sqlx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::approvals::{Matter, Rules};
use crate::day::Day;
use crate::money::{Amount, shown};
use crate::session::Person;
use crate::text::excerpt;

/// Where an expense is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(crate) enum Status {
    Submitted,
    Approved,
    Rejected,
    Paid,
}

/// A text that names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown status {0:?}: use submitted, approved, rejected or paid")]
pub(crate) struct UnknownStatus(String);

impl Status {
    pub(super) const ALL: [Self; 4] = [Self::Submitted, Self::Approved, Self::Rejected, Self::Paid];

    /// As people read it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::Paid => "Paid",
        }
    }

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Paid => "paid",
        }
    }
}

impl TryFrom<String> for Status {
    type Error = UnknownStatus;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or(UnknownStatus(text))
    }
}

/// An expense.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Expense {
    pub(super) id: Uuid,
    pub(super) date: Day,
    pub(super) amount: Amount,
    #[schema(example = "GBP")]
    pub(super) currency: String,
    pub(super) supplier: String,
    pub(super) category: String,
    pub(super) unit: String,
    pub(super) description: String,
    pub(super) status: Status,
    /// Counts changes. A change that names it is refused if somebody else changed the expense since.
    pub(super) version: i64,
    #[serde(skip)]
    pub(super) created_by: Option<Uuid>,
    #[serde(skip)]
    category_id: Option<Uuid>,
    #[serde(skip)]
    unit_id: Option<Uuid>,
}

impl Expense {
    /// The amount as people read it.
    pub(super) fn sum(&self) -> String {
        shown(self.amount.0, &self.currency)
    }

    /// What the organisation's rules look at in it.
    pub(super) fn matter(&self) -> Matter {
        Matter { amount_minor: self.amount.0, category_id: self.category_id, unit_id: self.unit_id }
    }

    /// Whether the person may decide on it.
    pub(super) fn is_decided_by(&self, person: &Person, rules: &Rules) -> bool {
        rules.allow(person, self.matter())
    }

    /// Whether the person may change it.
    pub(super) fn is_changeable_by(&self, person: &Person, rules: &Rules) -> bool {
        self.is_own_of(person) || self.is_decided_by(person, rules)
    }

    /// Whether the person submitted it, and nobody decided on it yet.
    pub(super) fn is_own_of(&self, person: &Person) -> bool {
        self.status == Status::Submitted && self.created_by == Some(person.id)
    }

    /// Whether it waits for a decision that the person may make.
    pub(super) fn waits_for(&self, person: &Person, rules: &Rules) -> bool {
        self.status == Status::Submitted && self.is_decided_by(person, rules)
    }

    /// What it is, in a line.
    pub(super) fn described(&self) -> String {
        let sum = self.sum();
        if self.supplier.is_empty() { sum } else { format!("{sum} to {}", excerpt(&self.supplier)) }
    }

    /// What is different in it now, in a line.
    pub(super) fn changes_since(&self, before: &Self) -> String {
        let text = |text: &str| if text.is_empty() { "none".to_owned() } else { excerpt(text).to_owned() };
        let changes = [
            ("date", before.date.to_string(), self.date.to_string()),
            ("amount", before.sum(), self.sum()),
            ("supplier", text(&before.supplier), text(&self.supplier)),
            ("category", text(&before.category), text(&self.category)),
            ("unit", text(&before.unit), text(&self.unit)),
            ("description", text(&before.description), text(&self.description)),
        ];
        let changes = changes.into_iter().filter(|(_, before, after)| before != after);
        changes.map(|(name, before, after)| format!("{name}: {before} → {after}")).collect::<Vec<_>>().join("; ")
    }
}

/// A query for expenses: the columns of [`Expense`], from `e`, with the names `s`, `c` and `u`, and what follows.
macro_rules! select_expenses {
    ($($rest:tt)*) => {
        concat!(
            "select e.id, e.date, e.amount_minor as amount, e.currency, coalesce(s.name, '') as supplier, \
             coalesce(c.name, '') as category, coalesce(u.name, '') as unit, e.description, e.status, e.version, e.created_by, e.category_id, e.unit_id \
             from expenses e left join suppliers s on s.id = e.supplier_id \
             left join categories c on c.id = e.category_id left join units u on u.id = e.unit_id ",
            $($rest)*
        )
    };
}
pub(super) use select_expenses;

/// The expense of this id, if the organisation has it.
pub(super) async fn find<A: Access>(scope: &mut Scope<Sqlx, A>, id: Uuid) -> Result<Option<Expense>, sqlx::Error> {
    sqlx::query_as(select_expenses!("where e.id = $1")).bind(id).fetch_optional(scope).await
}
