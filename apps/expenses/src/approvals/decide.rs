use freehold::isolation::{Access, Scope, Sqlx};
use sqlx::FromRow;
use uuid::Uuid;

use crate::failure::Failure;
use crate::people::Role;
use crate::session::Person;

/// What rules look at in an expense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct Matter {
    pub(crate) amount_minor: i64,
    pub(crate) category_id: Option<Uuid>,
    pub(crate) unit_id: Option<Uuid>,
}

/// Refuses whoever may not decide on this, saying who may.
pub(crate) async fn check<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    person: &Person,
    matter: Matter,
) -> Result<(), Failure> {
    if person.role == Role::Owner {
        return Ok(());
    }
    if !person.role.decides() {
        return Err(Failure::forbidden("approvers and owners decide on the status"));
    }
    let named = named(scope, matter).await?;
    if named.is_empty() || named.iter().any(|approver| approver.id == Some(person.id)) {
        return Ok(());
    }
    let names: Vec<&str> = named.iter().filter_map(|approver| approver.called.as_deref()).collect();
    let detail = match names.as_slice() {
        [] => "by the organisation's rules owners decide on this expense".to_owned(),
        names => format!("by the organisation's rules {} or an owner decides on this expense", names.join(" or ")),
    };
    Err(Failure::forbidden(detail))
}

#[derive(Debug, FromRow)]
struct Approver {
    /// None: owners alone.
    id: Option<Uuid>,
    called: Option<String>,
}

/// Whom the rules name that count here; nobody if none fits.
async fn named<A: Access>(scope: &mut Scope<Sqlx, A>, matter: Matter) -> Result<Vec<Approver>, sqlx::Error> {
    sqlx::query_as(
        "select r.approver_id as id, coalesce(nullif(p.name, ''), p.email) as called \
         from (select *, rank() over (order by above_minor desc) as rank from approval_rules \
               where above_minor < $1 and (category_id is null or category_id = $2) and (unit_id is null or unit_id = $3)) r \
         left join people p on p.id = r.approver_id where r.rank = 1 order by called",
    )
    .bind(matter.amount_minor)
    .bind(matter.category_id)
    .bind(matter.unit_id)
    .fetch_all(scope)
    .await
}
