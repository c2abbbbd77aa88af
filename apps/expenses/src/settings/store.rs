//! The organisation's row.

use freehold::Problem;
use freehold::isolation::{Access, Scope, Sqlx, Write};
use http::StatusCode;
use sha2::{Digest, Sha256};
use sqlx::FromRow;

use super::currency::Currency;
use crate::activity;
use crate::branding::Colour;
use crate::failure::Failure;
use crate::session::Person;

/// What pages do when the row is not to be had.
pub(super) const BUSY: &str = "busy";

#[derive(FromRow)]
struct Row {
    name: String,
    currency: String,
    colour: Option<String>,
}

/// Whether the organisation has an expense, so that its currency stays.
pub(super) async fn has_expenses<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from expenses)").fetch_one(scope).await
}

/// Changes name and currency.
pub(super) async fn rename(
    scope: &mut Scope<Sqlx, Write>,
    person: &Person,
    name: &str,
    currency: Currency,
) -> Result<(), Failure> {
    let (currency, before) = (currency.code(), locked(scope).await?);
    let mut changes = Vec::new();
    if before.currency != currency {
        lock_currency(scope).await?;
        if has_expenses(scope).await? {
            return Err(Failure::invalid("the currency stays as it is, because there are expenses in it"));
        }
        changes.push(format!("currency: {} → {currency}", before.currency));
    }
    if before.name != name {
        changes.push(format!("name: {} → {name}", before.name));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let update = sqlx::query("update organisation set name = $1, currency = $2").bind(name).bind(currency);
    update.execute(&mut *scope).await?;
    Ok(activity::record(scope, person, "changed the settings", None, &changes.join("; ")).await?)
}

/// Changes the colour.
pub(super) async fn recolour(
    scope: &mut Scope<Sqlx, Write>,
    person: &Person,
    colour: Option<Colour>,
) -> Result<(), Failure> {
    let (colour, before) = (colour.map(|colour| colour.to_string()), locked(scope).await?);
    if before.colour == colour {
        return Ok(());
    }
    sqlx::query("update organisation set colour = $1").bind(&colour).execute(&mut *scope).await?;
    let [before, after] = [before.colour, colour].map(|colour| colour.unwrap_or_else(|| "the usual".to_owned()));
    Ok(activity::record(scope, person, "changed the colour", None, &format!("{before} → {after}")).await?)
}

/// Puts a logo in the place of the one there is.
pub(super) async fn set_logo(scope: &mut Scope<Sqlx, Write>, person: &Person, logo: &[u8]) -> Result<(), Failure> {
    locked(scope).await?;
    let update = sqlx::query("update organisation set logo = $1, logo_digest = $2");
    update.bind(logo).bind(Sha256::digest(logo).to_vec()).execute(&mut *scope).await?;
    Ok(activity::record(scope, person, "changed the logo", None, "").await?)
}

/// Removes the logo. One that is gone already is gone.
pub(super) async fn remove_logo(scope: &mut Scope<Sqlx, Write>, person: &Person) -> Result<(), Failure> {
    locked(scope).await?;
    let update = sqlx::query("update organisation set logo = null, logo_digest = null where logo is not null");
    if update.execute(&mut *scope).await?.rows_affected() == 1 {
        activity::record(scope, person, "removed the logo", None, "").await?;
    }
    Ok(())
}

/// The row, locked. An import keeps it to its end, for longer than anybody looks at a page that does not come.
async fn locked(scope: &mut Scope<Sqlx, Write>) -> Result<Row, Failure> {
    let select = "select name, currency, colour from organisation for no key update skip locked";
    sqlx::query_as(select).fetch_optional(scope).await?.ok_or_else(busy)
}

/// Waits for nobody who is adding an expense in the currency there is, and lets nobody begin: they share the row's key
/// ([`crate::expenses::currency`]).
async fn lock_currency(scope: &mut Scope<Sqlx, Write>) -> Result<(), Failure> {
    let select = "select from organisation for update skip locked";
    sqlx::query(select).fetch_optional(scope).await?.map(drop).ok_or_else(busy)
}

fn busy() -> Failure {
    Problem::new(StatusCode::CONFLICT, BUSY)
        .detail("a file is being imported, or somebody else is changing the same: save again when that is done")
        .into()
}
