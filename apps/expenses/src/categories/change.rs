use std::time::Duration;

use freehold::Problem;
use freehold::isolation::{Access, Scope, Sqlx, Write};
use http::StatusCode;
use uuid::Uuid;

use crate::activity;
use crate::failure::Failure;
use crate::names::{CATEGORIES, digest};
use crate::session::Person;
use crate::text::{Text, excerpt};

/// How long it may take to delete a category: all its expenses are changed.
pub(super) const DELETION: Duration = Duration::from_secs(10 * 60);

/// What says that another category has the name.
pub(super) const EXISTS: &str = "category_exists";

/// Adds a category.
pub(super) async fn add(scope: &mut Scope<Sqlx, Write>, person: &Person, name: &Text) -> Result<Uuid, Failure> {
    check(name)?;
    let id = CATEGORIES.add_new(scope, name.as_str()).await?.ok_or_else(exists)?;
    activity::record(scope, person, "added a category", Some(id), excerpt(name.as_str())).await?;
    Ok(id)
}

/// Gives a category another name.
pub(super) async fn rename(
    scope: &mut Scope<Sqlx, Write>,
    person: &Person,
    id: Uuid,
    name: &Text,
) -> Result<(), Failure> {
    let before = name_of(scope, id).await?.ok_or_else(Failure::not_found)?;
    check(name)?;
    let name = name.as_str();
    if before == name {
        return Ok(());
    }
    let update = sqlx::query("update categories set name = $2, digest = $3 where id = $1");
    let renamed = update.bind(id).bind(name).bind(digest(name)).execute(&mut *scope).await;
    renamed.map_err(|error| match error.as_database_error() {
        Some(error) if error.is_unique_violation() => exists(),
        _ => error.into(),
    })?;
    let change = format!("{} → {}", excerpt(&before), excerpt(name));
    Ok(activity::record(scope, person, "renamed a category", Some(id), &change).await?)
}

/// Deletes a category. What refers to it is told by its foreign keys what becomes of it.
pub(super) async fn delete(scope: &mut Scope<Sqlx, Write>, person: &Person, id: Uuid) -> Result<(), Failure> {
    let name = name_of(scope, id).await?.ok_or_else(Failure::not_found)?;
    sqlx::query("delete from categories where id = $1").bind(id).execute(&mut *scope).await?;
    Ok(activity::record(scope, person, "deleted a category", Some(id), excerpt(&name)).await?)
}

/// The name of a category, if there is one of this id.
pub(super) async fn name_of<A: Access>(scope: &mut Scope<Sqlx, A>, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("select name from categories where id = $1").bind(id).fetch_optional(scope).await
}

fn check(name: &Text) -> Result<(), Failure> {
    if name.as_str().is_empty() { Err(Failure::invalid("name: a category needs one")) } else { Ok(()) }
}

fn exists() -> Failure {
    Problem::new(StatusCode::CONFLICT, EXISTS).detail("the category is there already").into()
}
