use freehold::isolation::{Scope, Sqlx, Write};
use uuid::Uuid;

use super::budget::{Budget, Period};
use super::usage;
use crate::activity;
use crate::expenses::currency;
use crate::failure::Failure;
use crate::money::Amount;
use crate::names::{CATEGORIES, UNITS};
use crate::session::Person;
use crate::text::Text;

/// What a budget is to be. Unit and category are names, and come into being when they are used.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) period: Period,
    pub(super) amount: Amount,
    pub(super) unit: Text,
    pub(super) category: Text,
}

/// Budgets an organisation may have: a page shows all of them.
const MOST: i64 = 500;

/// Why a plan is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidPlan {
    #[error("use an amount above 0")]
    NothingToSpend,
    #[error("there are {MOST} budgets already: remove one first")]
    TooMany,
}

/// A budget that was set.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) budget: Budget,
    /// Whether there was none for the same.
    pub(super) is_new: bool,
}

/// Sets a budget, in the place of the one for the same if there is one.
pub(super) async fn set(
    scope: &mut Scope<Sqlx, Write>,
    person: &Person,
    plan: &Plan,
) -> Result<Result<Planned, InvalidPlan>, Failure> {
    if plan.amount.0 <= 0 {
        return Ok(Err(InvalidPlan::NothingToSpend));
    }
    let count: i64 = sqlx::query_scalar("select count(*) from budgets").fetch_one(&mut *scope).await?;
    let unit = UNITS.id(scope, plan.unit.as_str()).await?;
    let category = CATEGORIES.id(scope, plan.category.as_str()).await?;
    let (id, is_new): (Uuid, bool) = sqlx::query_as(
        "insert into budgets (id, period, unit_id, category_id, amount_minor) values ($1, $2, $3, $4, $5) \
         on conflict (tenant_id, period, unit_id, category_id) do update set amount_minor = excluded.amount_minor \
         returning id, xmax = 0",
    )
    .bind(Uuid::now_v7())
    .bind(plan.period)
    .bind(unit)
    .bind(category)
    .bind(plan.amount)
    .fetch_one(&mut *scope)
    .await?;
    if is_new && count >= MOST {
        return Ok(Err(InvalidPlan::TooMany));
    }
    let budget = find(scope, id).await?;
    let words = words(&budget, scope).await?;
    activity::record(scope, person, "set a budget", Some(id), &words).await?;
    Ok(Ok(Planned { budget, is_new }))
}

/// Removes a budget, if it is there.
pub(super) async fn remove(scope: &mut Scope<Sqlx, Write>, person: &Person, id: Uuid) -> Result<(), Failure> {
    let budget = find(scope, id).await?;
    sqlx::query("delete from budgets where id = $1").bind(id).execute(&mut *scope).await?;
    let words = words(&budget, scope).await?;
    Ok(activity::record(scope, person, "removed a budget", Some(id), &words).await?)
}

async fn find(scope: &mut Scope<Sqlx, Write>, id: Uuid) -> Result<Budget, Failure> {
    let budgets = usage::all(scope).await?;
    budgets.into_iter().find(|budget| budget.id == id).ok_or_else(Failure::not_found)
}

async fn words(budget: &Budget, scope: &mut Scope<Sqlx, Write>) -> Result<String, sqlx::Error> {
    Ok(format!("{}: {}", budget.title(), budget.limit(&currency(scope).await?)))
}
