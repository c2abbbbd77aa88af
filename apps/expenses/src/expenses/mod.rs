//! Expenses.
//!
//! Everybody in the organisation sees all of them. Members submit expenses, and change or delete what they submitted until
//! somebody decided on it; approvers and owners change everything, and only they change the status.

mod create;
mod cursor;
mod delete;
mod list;
mod read;
mod row;
mod update;

use freehold::isolation::{Access, Scope, Sqlx, Write};
use sqlx::FromRow;
use uuid::Uuid;

use crate::failure::Failure;
use crate::session::Person;
use crate::text::Text;

pub(crate) use create::{__path_create, create};
pub(crate) use delete::{__path_delete, delete};
pub(crate) use list::{__path_list, list};
pub(crate) use read::{__path_read, read};
pub(crate) use row::Status;
pub(crate) use update::{__path_update, update};

/// The organisation's currency. There is one.
pub(crate) async fn currency<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("select currency from organisation").fetch_one(scope).await
}

async fn check_currency<A: Access>(scope: &mut Scope<Sqlx, A>, wanted: Option<&Text>) -> Result<String, Failure> {
    let currency = currency(scope).await?;
    match wanted.map(Text::as_str) {
        Some(wanted) if wanted != currency => {
            Err(Failure::invalid(format!("currency: the organisation's is {currency}, and it has no other")))
        }
        _ => Ok(currency),
    }
}

/// Locks an expense for a change by `person`, and returns its status.
async fn claim(scope: &mut Scope<Sqlx, Write>, id: Uuid, person: &Person) -> Result<Status, Failure> {
    #[derive(FromRow)]
    struct Claimed {
        status: Status,
        created_by: Option<Uuid>,
    }

    let claimed: Option<Claimed> = sqlx::query_as("select status, created_by from expenses where id = $1 for update")
        .bind(id)
        .fetch_optional(scope)
        .await?;
    let Claimed { status, created_by } = claimed.ok_or_else(Failure::not_found)?;
    let own = created_by == Some(person.id) && status == Status::Submitted;
    if own || person.role.decides() {
        Ok(status)
    } else {
        Err(Failure::forbidden("members change what they submitted themselves, until somebody decided on it"))
    }
}
