use axum::Json;
use freehold::isolation::{Scope, Sqlx, Write};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::check_currency;
use super::row::{self, Expense, Status};
use crate::activity;
use crate::approvals::{self, Matter};
use crate::day::Day;
use crate::failure::Failure;
use crate::input::Body;
use crate::money::Amount;
use crate::names::{CATEGORIES, SUPPLIERS, UNITS};
use crate::openapi::ProblemBody;
use crate::session::{Person, Visitor};
use crate::text::Text;
use crate::totals;

/// An expense to be. Supplier, category and unit are names, and come into being when they are used.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewExpense {
    pub(super) date: Day,
    pub(super) amount: Amount,
    /// The organisation's, which is also the default.
    #[schema(value_type = Option<String>)]
    pub(super) currency: Option<Text>,
    #[serde(default)]
    pub(super) supplier: Text,
    #[serde(default)]
    pub(super) category: Text,
    #[serde(default)]
    pub(super) unit: Text,
    #[serde(default)]
    pub(super) description: Text,
    /// `submitted` if left out. Approvers and owners may say otherwise.
    pub(super) status: Option<Status>,
}

/// Submits an expense.
#[utoipa::path(
    post, path = "/api/expenses", tag = "expenses", request_body = NewExpense,
    responses(
        (status = 201, body = Expense),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "A status that members do not give", body = ProblemBody),
        (status = 422, description = "A value is missing or wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn create(
    visitor: Visitor,
    Body(new): Body<NewExpense>,
) -> Result<(StatusCode, Json<Expense>), Failure> {
    let (mut scope, person) = visitor.write().await?;
    let expense = submit(&mut scope, &person, Uuid::now_v7(), &new).await?;
    scope.commit().await?;
    Ok((StatusCode::CREATED, Json(expense)))
}

/// Adds an expense of this new id that `person` submits.
pub(super) async fn submit(
    scope: &mut Scope<Sqlx, Write>,
    person: &Person,
    id: Uuid,
    new: &NewExpense,
) -> Result<Expense, Failure> {
    let status = new.status.unwrap_or(Status::Submitted);
    let currency = check_currency(scope, new.currency.as_ref()).await?;
    let supplier = SUPPLIERS.id(scope, new.supplier.as_str()).await?;
    let category = CATEGORIES.id(scope, new.category.as_str()).await?;
    let unit = UNITS.id(scope, new.unit.as_str()).await?;
    if status != Status::Submitted {
        let matter = Matter { amount_minor: new.amount.0, category_id: category, unit_id: unit };
        approvals::check(scope, person, matter).await?;
    }
    sqlx::query(
        "insert into expenses (id, date, amount_minor, currency, supplier_id, category_id, unit_id, description, status, created_by) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(id)
    .bind(new.date)
    .bind(new.amount)
    .bind(currency)
    .bind(supplier)
    .bind(category)
    .bind(unit)
    .bind(new.description.as_str())
    .bind(status)
    .bind(person.id)
    .execute(&mut *scope)
    .await?;
    totals::add(scope, id).await?;
    let expense = row::find(scope, id).await?.ok_or_else(Failure::not_found)?;
    activity::record(scope, person, "submitted an expense", Some(id), &expense.described()).await?;
    Ok(expense)
}
