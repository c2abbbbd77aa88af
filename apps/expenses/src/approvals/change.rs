use freehold::isolation::{Access, Scope, Sqlx, Write};
use sqlx::FromRow;
use uuid::Uuid;

use super::rules::Rules;
use crate::activity;
use crate::expenses::currency;
use crate::failure::Failure;
use crate::money::Amount;
use crate::names::{CATEGORIES, UNITS};
use crate::session::Person;
use crate::text::Text;

/// A rule to be. Category and unit are names, and come into being when they are used.
#[derive(Debug)]
pub(super) struct NewRule {
    pub(super) id: Uuid,
    pub(super) above: Amount,
    pub(super) category: Text,
    pub(super) unit: Text,
    /// None: owners alone.
    pub(super) approver: Option<Uuid>,
}

/// Why a rule is not added, and the field that says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) field: &'static str,
    pub(super) words: &'static str,
}

/// Somebody whom a rule may name.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Candidate {
    pub(super) id: Uuid,
    pub(super) called: String,
}

/// Those who decide now, by name.
pub(super) async fn candidates<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Vec<Candidate>, sqlx::Error> {
    let select = "select id, coalesce(nullif(name, ''), email) as called from people \
                  where role = 'approver' order by called, id limit 1000";
    sqlx::query_as(select).fetch_all(scope).await
}

/// Adds a rule. One of the same id is this one, sent twice.
pub(super) async fn add(
    scope: &mut Scope<Sqlx, Write>,
    person: &Person,
    new: &NewRule,
) -> Result<Result<(), Fault>, Failure> {
    if new.above.0 < 0 {
        return Ok(Err(Fault { field: "above", words: "use an amount of 0 or more" }));
    }
    if let Some(approver) = new.approver {
        let select = "select exists (select from people where id = $1 and role = 'approver')";
        if !sqlx::query_scalar::<_, bool>(select).bind(approver).fetch_one(&mut *scope).await? {
            return Ok(Err(Fault { field: "approver", words: "choose an approver of the list, or owners alone" }));
        }
    }
    let category = CATEGORIES.id(scope, new.category.as_str()).await?;
    let unit = UNITS.id(scope, new.unit.as_str()).await?;
    let select = "select count(*) as count, coalesce(bool_or(id = $1), false) as is_added, \
                  coalesce(bool_or(above_minor = $2 and category_id is not distinct from $3 \
                           and unit_id is not distinct from $4 and approver_id is not distinct from $5), false) as is_same \
                  from approval_rules";
    let (count, is_added, is_same): (i64, bool, bool) = sqlx::query_as(select)
        .bind(new.id)
        .bind(new.above)
        .bind(category)
        .bind(unit)
        .bind(new.approver)
        .fetch_one(&mut *scope)
        .await?;
    if is_added {
        return Ok(Ok(()));
    }
    if is_same {
        return Ok(Err(Fault { field: "above", words: "there is this very rule already" }));
    }
    if usize::try_from(count).is_ok_and(|count| count >= Rules::MOST) {
        return Ok(Err(Fault { field: "above", words: "there are 200 rules already: remove one first" }));
    }
    sqlx::query(
        "insert into approval_rules (id, above_minor, category_id, unit_id, approver_id) values ($1, $2, $3, $4, $5)",
    )
    .bind(new.id)
    .bind(new.above)
    .bind(category)
    .bind(unit)
    .bind(new.approver)
    .execute(&mut *scope)
    .await?;
    let words = words(scope, new.id).await?.unwrap_or_default();
    activity::record(scope, person, "added an approval rule", Some(new.id), &words).await?;
    Ok(Ok(()))
}

/// Removes a rule, if it is there.
pub(super) async fn remove(scope: &mut Scope<Sqlx, Write>, person: &Person, id: Uuid) -> Result<(), Failure> {
    let words = words(scope, id).await?.ok_or_else(Failure::not_found)?;
    sqlx::query("delete from approval_rules where id = $1").bind(id).execute(&mut *scope).await?;
    Ok(activity::record(scope, person, "removed an approval rule", Some(id), &words).await?)
}

/// What a rule says.
async fn words(scope: &mut Scope<Sqlx, Write>, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    let currency = currency(scope).await?;
    let rules = Rules::load(scope).await?;
    Ok(rules.iter().find(|rule| rule.id == id).map(|rule| rule.words(&currency)))
}
