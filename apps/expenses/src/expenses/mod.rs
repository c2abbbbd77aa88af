//! Expenses.
//!
//! Everybody in the organisation sees all of them. Members submit expenses, and change or delete what they submitted until
//! somebody decided on it; approvers and owners change everything, and only they change the status, as far as the
//! organisation's rules let them ([`approvals`]).

mod create;
mod cursor;
mod delete;
mod letter;
mod list;
mod pages;
mod read;
mod row;
mod search;
mod update;

use freehold::isolation::{Access, Scope, Sqlx, Write};
use sqlx::FromRow;
use uuid::Uuid;

use crate::approvals::{self, Matter};
use crate::failure::Failure;
use crate::session::Person;
use crate::text::Text;

pub(crate) use create::{__path_create, create};
pub(crate) use delete::{__path_delete, delete};
pub(crate) use list::{__path_list, list};
pub(crate) use pages::pages;
pub(crate) use read::{__path_read, read};
pub(crate) use row::Status;
pub(crate) use update::{__path_update, update};

/// The organisation's currency. There is one, and it stays until the scope ends: owners change it only while nobody adds an
/// expense.
pub(crate) async fn currency(scope: &mut Scope<Sqlx, Write>) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("select currency from organisation for key share").fetch_one(scope).await
}

async fn check_currency(scope: &mut Scope<Sqlx, Write>, wanted: Option<&Text>) -> Result<String, Failure> {
    let currency = currency(scope).await?;
    match wanted.map(Text::as_str) {
        Some(wanted) if wanted != currency => {
            Err(Failure::invalid(format!("currency: the organisation's is {currency}, and it has no other")))
        }
        _ => Ok(currency),
    }
}

/// Refuses who may not change an expense. What is not theirs is changed by who decides on it, so that nobody makes it fit for
/// themselves first.
async fn check_change<A: Access>(
    scope: &mut Scope<Sqlx, A>,
    person: &Person,
    is_own: bool,
    matter: Matter,
) -> Result<(), Failure> {
    if is_own {
        return Ok(());
    }
    if !person.role.decides() {
        return Err(Failure::forbidden("members change what they submitted themselves, until somebody decided on it"));
    }
    approvals::check(scope, person, matter).await
}

/// An expense that is locked for a change.
#[derive(Debug, FromRow)]
struct Claimed {
    status: Status,
    version: i64,
    created_by: Option<Uuid>,
    #[sqlx(flatten)]
    matter: Matter,
}

/// Locks an expense for a change by `person`.
async fn claim(scope: &mut Scope<Sqlx, Write>, id: Uuid, person: &Person) -> Result<Claimed, Failure> {
    let select =
        "select status, version, created_by, amount_minor, category_id, unit_id from expenses where id = $1 for update";
    let claimed: Option<Claimed> = sqlx::query_as(select).bind(id).fetch_optional(&mut *scope).await?;
    let claimed = claimed.ok_or_else(Failure::not_found)?;
    let is_own = claimed.status == Status::Submitted && claimed.created_by == Some(person.id);
    check_change(scope, person, is_own, claimed.matter).await?;
    Ok(claimed)
}
