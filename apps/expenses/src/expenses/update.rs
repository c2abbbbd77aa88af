use axum::Json;
use axum::extract::State;
use freehold::Problem;
use freehold::isolation::{Scope, Sqlx, Write};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::row::{self, Expense, Status};
use super::{check_currency, claim, letter};
use crate::activity;
use crate::approvals;
use crate::day::Day;
use crate::failure::Failure;
use crate::input::{Body, Id, present};
use crate::mail::Mail;
use crate::money::Amount;
use crate::names::{CATEGORIES, SUPPLIERS, UNITS};
use crate::openapi::ProblemBody;
use crate::session::{Person, Visitor};
use crate::text::Text;
use crate::totals;

/// What to change. A field that is left out stays as it is; `null` empties a text.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct Change {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) date: Option<Day>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) amount: Option<Amount>,
    /// The organisation's; there is no other to change it to.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) currency: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) supplier: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) category: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) unit: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub(super) description: Option<Text>,
    /// Approvers and owners change it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) status: Option<Status>,
    /// The version of the expense that the change was made for. It is refused if there is a newer one: nobody approves an amount that
    /// they have not seen.
    pub(super) version: i64,
}

impl Change {
    fn differs_from(&self, expense: &Expense) -> bool {
        let differs = |text: &Option<Text>, now: &str| text.as_ref().is_some_and(|text| text.as_str() != now);
        self.date.is_some_and(|date| date != expense.date)
            || self.amount.is_some_and(|amount| amount != expense.amount)
            || self.status.is_some_and(|status| status != expense.status)
            || differs(&self.supplier, &expense.supplier)
            || differs(&self.category, &expense.category)
            || differs(&self.unit, &expense.unit)
            || differs(&self.description, &expense.description)
    }
}

/// Changes an expense. Members change what they submitted themselves, until somebody decided on it.
#[utoipa::path(
    patch, path = "/api/expenses/{id}", tag = "expenses", params(("id" = Uuid, Path)), request_body = Change,
    responses(
        (status = 200, body = Expense),
        (status = 401, description = "Nobody is logged in", body = ProblemBody),
        (status = 403, description = "The person's role does not allow it", body = ProblemBody),
        (status = 404, description = "The organisation has no such expense", body = ProblemBody),
        (status = 409, description = "Somebody else changed it since the version that was named", body = ProblemBody),
        (status = 422, description = "A value is wrong", body = ProblemBody),
    ),
)]
pub(crate) async fn update(
    visitor: Visitor,
    State(mail): State<Mail>,
    Id(id): Id,
    Body(change): Body<Change>,
) -> Result<Json<Expense>, Failure> {
    let (mut scope, person) = visitor.write().await?;
    let expense = apply(&mut scope, &mail, &person, id, &change).await?;
    mail.commit(scope).await?;
    Ok(Json(expense))
}

/// Changes an expense for `person`.
pub(super) async fn apply(
    scope: &mut Scope<Sqlx, Write>,
    mail: &Mail,
    person: &Person,
    id: Uuid,
    change: &Change,
) -> Result<Expense, Failure> {
    let claimed = claim(scope, id, person).await?;
    if change.version != claimed.version {
        return Err(Problem::new(StatusCode::CONFLICT, "changed_meanwhile")
            .detail("somebody else changed the expense meanwhile: look at it as it is now, and change it again")
            .into());
    }
    let status = change.status.unwrap_or(claimed.status);
    let decides = status != claimed.status;
    if decides {
        approvals::check(scope, person, claimed.matter).await?;
    }
    check_currency(scope, change.currency.as_ref()).await?;
    let before = row::find(scope, id).await?.ok_or_else(Failure::not_found)?;
    if !change.differs_from(&before) {
        return Ok(before);
    }
    totals::subtract(scope, id).await?;
    write(scope, id, change).await?;
    totals::add(scope, id).await?;

    if status != Status::Submitted {
        // Nor is an expense made fit for somebody else to decide on, and decided in the same breath.
        let select = "select amount_minor, category_id, unit_id from expenses where id = $1";
        let matter = sqlx::query_as(select).bind(id).fetch_one(&mut *scope).await?;
        approvals::check(scope, person, matter).await?;
    }
    let after = row::find(scope, id).await?.ok_or_else(Failure::not_found)?;
    let changes = after.changes_since(&before);
    if !changes.is_empty() {
        activity::record(scope, person, "changed an expense", Some(id), &changes).await?;
    }
    if decides {
        let done = match status {
            Status::Submitted => "reopened an expense",
            Status::Approved => "approved an expense",
            Status::Rejected => "rejected an expense",
            Status::Paid => "marked an expense as paid",
        };
        activity::record(scope, person, done, Some(id), &after.described()).await?;
        letter::tell(scope, mail, person, &after).await?;
    }
    Ok(after)
}

async fn write(scope: &mut Scope<Sqlx, Write>, id: Uuid, change: &Change) -> Result<(), sqlx::Error> {
    let mut names = [None; 3];
    for ((id, table), name) in
        names.iter_mut().zip([SUPPLIERS, CATEGORIES, UNITS]).zip([&change.supplier, &change.category, &change.unit])
    {
        if let Some(name) = name {
            *id = table.id(scope, name.as_str()).await?;
        }
    }
    let [supplier, category, unit] = names;
    sqlx::query(
        "update expenses set date = coalesce($2, date), amount_minor = coalesce($3, amount_minor), \
         supplier_id = case when $4 then $5 else supplier_id end, category_id = case when $6 then $7 else category_id end, \
         unit_id = case when $8 then $9 else unit_id end, description = coalesce($10, description), \
         status = coalesce($11, status), version = version + 1 where id = $1",
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
    .execute(scope)
    .await?;
    Ok(())
}
