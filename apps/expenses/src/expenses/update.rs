use axum::Json;
use serde::Deserialize;
use utoipa::ToSchema;

use super::row::{self, Expense, Status};
use super::{check_currency, claim};
use crate::day::Day;
use crate::failure::Failure;
use crate::input::{Body, Id, present};
use crate::money::Amount;
use crate::names::{CATEGORIES, SUPPLIERS, UNITS};
use crate::openapi::ProblemBody;
use crate::session::Visitor;
use crate::text::Text;

/// What to change. A field that is left out stays as it is; `null` empties a text.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Change {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    date: Option<Day>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    amount: Option<Amount>,
    /// The organisation's; there is no other to change it to.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    currency: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    supplier: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    category: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    unit: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    description: Option<Text>,
    /// Approvers and owners change it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    status: Option<Status>,
}

/// Changes an expense. Members change what they submitted themselves, until somebody decided on it.
#[utoipa::path(
    patch, path = "/api/expenses/{id}", tag = "expenses", params(("id" = Uuid, Path)), request_body = Change,
    responses(
        (status = 200, body = Expense),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person's role does not allow it", body = ProblemBody),
        (status = 404, description = "The organisation has no such expense", body = ProblemBody),
        (status = 422, description = "A value is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn update(visitor: Visitor, Id(id): Id, Body(change): Body<Change>) -> Result<Json<Expense>, Failure> {
    let (mut scope, person) = visitor.write().await?;
    let status = claim(&mut scope, id, &person).await?;
    if change.status.is_some_and(|wanted| wanted != status) && !person.role.decides() {
        return Err(Failure::forbidden("approvers and owners decide on the status"));
    }
    check_currency(&mut scope, change.currency.as_ref()).await?;

    let mut names = [None; 3];
    for ((id, table), name) in
        names.iter_mut().zip([SUPPLIERS, CATEGORIES, UNITS]).zip([&change.supplier, &change.category, &change.unit])
    {
        if let Some(name) = name {
            *id = table.id(&mut scope, name.as_str()).await?;
        }
    }
    let [supplier, category, unit] = names;
    sqlx::query(
        "update expenses set date = coalesce($2, date), amount_minor = coalesce($3, amount_minor), \
         supplier_id = case when $4 then $5 else supplier_id end, category_id = case when $6 then $7 else category_id end, \
         unit_id = case when $8 then $9 else unit_id end, description = coalesce($10, description), status = coalesce($11, status) \
         where id = $1",
    )
    .bind(id)
    .bind(change.date)
    .bind(change.amount)
    .bind(change.supplier.is_some())
    .bind(supplier)
    .bind(change.category.is_some())
    .bind(category)
    .bind(change.unit.is_some())
    .bind(unit)
    .bind(change.description.as_ref().map(Text::as_str))
    .bind(change.status)
    .execute(&mut scope)
    .await?;
    let expense = row::find(&mut scope, id).await?.ok_or_else(Failure::not_found)?;
    scope.commit().await?;
    Ok(Json(expense))
}
