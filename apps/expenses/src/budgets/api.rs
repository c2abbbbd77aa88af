use axum::Json;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::budget::{Budget, Period, State};
use super::change::{self, Plan};
use super::usage;
use crate::failure::Failure;
use crate::input::{Body, Id};
use crate::money::{Amount, Total};
use crate::openapi::ProblemBody;
use crate::session::Visitor;
use crate::settings::owners_alone;
use crate::text::Text;

/// A budget to be set.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewBudget {
    period: Period,
    /// Above 0.
    amount: Amount,
    /// The name of the unit; empty for all of them.
    #[schema(value_type = Option<String>)]
    unit: Option<Text>,
    /// The name of the category; empty for all of them.
    #[schema(value_type = Option<String>)]
    category: Option<Text>,
}

/// A budget, and what is used of it in the current month or year.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetBody {
    id: Uuid,
    period: Period,
    amount: Amount,
    /// Empty for all units.
    unit: String,
    /// Empty for all categories.
    category: String,
    used: Total,
    state: State,
}

impl From<Budget> for BudgetBody {
    fn from(budget: Budget) -> Self {
        let state = budget.state();
        let Budget { id, period, amount, unit, category, used } = budget;
        Self { id, period, amount, unit, category, used, state }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Budgets {
    items: Vec<BudgetBody>,
}

pub(super) const OWNERS: &str = "owners set budgets";

/// The budgets.
#[utoipa::path(
    get, path = "/api/budgets", tag = "budgets",
    responses((status = 200, body = Budgets), (status = 401, description = "Nobody is logged in", body = ProblemBody)),
)]
pub(crate) async fn list(visitor: Visitor) -> Result<Json<Budgets>, Failure> {
    let (mut scope, _) = visitor.read().await?;
    let budgets = usage::all(&mut scope).await?;
    Ok(Json(Budgets { items: budgets.into_iter().map(BudgetBody::from).collect() }))
}

/// Sets a budget, in the place of the one for the same period, unit and category if there is one. Owners do.
#[utoipa::path(
    post, path = "/api/budgets", tag = "budgets", request_body = NewBudget,
    responses(
        (status = 200, description = "It was there, and has this amount now", body = BudgetBody),
        (status = 201, body = BudgetBody),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person is no owner", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn create(
    visitor: Visitor,
    Body(new): Body<NewBudget>,
) -> Result<(StatusCode, Json<BudgetBody>), Failure> {
    let (mut scope, person) = visitor.write().await?;
    owners_alone(&person, OWNERS)?;
    let NewBudget { period, amount, unit, category } = new;
    let (unit, category) = (unit.unwrap_or_default(), category.unwrap_or_default());
    let set = change::set(&mut scope, &person, &Plan { period, amount, unit, category }).await?;
    let set = set.map_err(|invalid| Failure::invalid(format!("amount: {invalid}")))?;
    scope.commit().await?;
    let status = if set.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(set.budget.into())))
}

/// Removes a budget. Owners do.
#[utoipa::path(
    delete, path = "/api/budgets/{id}", tag = "budgets", params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person is no owner", body = ProblemBody),
        (status = 404, description = "The organisation has no such budget", body = ProblemBody),
    ),
)]
pub(crate) async fn delete(visitor: Visitor, Id(id): Id) -> Result<StatusCode, Failure> {
    let (mut scope, person) = visitor.write().await?;
    owners_alone(&person, OWNERS)?;
    change::remove(&mut scope, &person, id).await?;
    scope.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
