use freehold::isolation::{Access, Scope, Sqlx};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::day::Day;
use crate::money::Amount;

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

impl TryFrom<String> for Status {
    type Error = UnknownStatus;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "submitted" => Ok(Self::Submitted),
            "approved" => Ok(Self::Approved),
            "rejected" => Ok(Self::Rejected),
            "paid" => Ok(Self::Paid),
            _ => Err(UnknownStatus(text)),
        }
    }
}

/// An expense.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub(crate) struct Expense {
    pub(super) id: Uuid,
    pub(super) date: Day,
    amount: Amount,
    #[schema(example = "GBP")]
    currency: String,
    supplier: String,
    category: String,
    unit: String,
    description: String,
    status: Status,
}

/// A query for expenses: the columns of [`Expense`], from `e`, with the names `s`, `c` and `u`, and what follows.
macro_rules! select_expenses {
    ($rest:literal) => {
        concat!(
            "select e.id, e.date, e.amount_minor as amount, e.currency, coalesce(s.name, '') as supplier, \
             coalesce(c.name, '') as category, coalesce(u.name, '') as unit, e.description, e.status \
             from expenses e left join suppliers s on s.id = e.supplier_id \
             left join categories c on c.id = e.category_id left join units u on u.id = e.unit_id ",
            $rest
        )
    };
}
pub(super) use select_expenses;

/// The expense of this id, if the organisation has it.
pub(super) async fn find<A: Access>(scope: &mut Scope<Sqlx, A>, id: Uuid) -> Result<Option<Expense>, sqlx::Error> {
    sqlx::query_as(select_expenses!("where e.id = $1")).bind(id).fetch_optional(scope).await
}
