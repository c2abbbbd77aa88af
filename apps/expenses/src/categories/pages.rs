use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use freehold::isolation::{Access, Scope, Sqlx};
use http::StatusCode;
use uuid::Uuid;

use super::api::OWNERS;
use super::change::{self, EXISTS};
use crate::app::App;
use crate::failure::Failure;
use crate::input::Id;
use crate::names::{self, List, Listed};
use crate::settings::{Section, owners_alone};
use crate::text::Text;
use crate::web::{Browser, Form, Frame, Notice, Page, Place, Query, to};

/// The pages of the categories, and what their forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/settings/categories", get(show).post(add))
        .route("/settings/categories/{id}", get(edit).post(rename))
        .route("/settings/categories/{id}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "categories/list.html")]
struct Categories {
    frame: Frame,
    form: Form,
    query: Query,
    items: Vec<Listed>,
    next: Option<names::Place>,
}

impl Categories {
    const PLACE: Place = Place::Settings;
    const SECTION: Section = Section::Categories;

    async fn of<A: Access>(
        mut scope: Scope<Sqlx, A>,
        frame: Frame,
        form: Form,
        mut query: Query,
    ) -> Result<Self, Failure> {
        let after = query.read_if_filled("after");
        if !query.is_valid() {
            return Ok(Self { frame, form, query, items: Vec::new(), next: None });
        }
        let (items, next) = List::CATEGORIES.run(&mut scope, query.value("q"), after).await?;
        Ok(Self { frame, form, query, items, next })
    }
}

#[derive(Template)]
#[template(path = "categories/edit.html")]
struct Edit {
    frame: Frame,
    form: Form,
    category: Listed,
}

impl Edit {
    const PLACE: Place = Place::Settings;

    async fn of<A: Access>(mut scope: Scope<Sqlx, A>, frame: Frame, id: Uuid, form: Form) -> Result<Self, Failure> {
        let name = change::name_of(&mut scope, id).await?.ok_or_else(Failure::not_found)?;
        let form = if form.has_field("name") { form } else { Form::of([("name", name.clone())]) };
        let category = List::CATEGORIES.one(&mut scope, id, name).await?;
        Ok(Self { frame, form, category })
    }
}

/// The categories, and the form for another.
async fn show(browser: Browser, query: Query) -> Result<Response, Failure> {
    let (scope, frame) = browser.read().await?;
    owners_alone(&frame.person, OWNERS)?;
    let categories = Categories::of(scope, frame, Form::default(), query).await?;
    let status = if categories.query.is_valid() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(Page::with_status(status, categories).into_response())
}

/// Adds a category.
async fn add(browser: Browser, mut form: Form) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    if let Some(name) = form.read::<Text>("name") {
        match change::add(&mut scope, &frame.person, &name).await {
            Ok(_) => {
                scope.commit().await?;
                return to("/settings/categories", Notice::CategoryAdded);
            }
            Err(failure) => refuse(&mut form, failure)?,
        }
    }
    Ok(Page::refusing(Categories::of(scope, frame, form, Query::default()).await?).into_response())
}

/// A category, and the forms to rename and to delete it.
async fn edit(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (scope, frame) = browser.read().await?;
    owners_alone(&frame.person, OWNERS)?;
    Ok(Page::of(Edit::of(scope, frame, id, Form::default()).await?).into_response())
}

/// Renames a category.
async fn rename(browser: Browser, Id(id): Id, mut form: Form) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    if let Some(name) = form.read::<Text>("name") {
        match change::rename(&mut scope, &frame.person, id, &name).await {
            Ok(()) => {
                scope.commit().await?;
                return to("/settings/categories", Notice::CategoryRenamed);
            }
            Err(failure) => refuse(&mut form, failure)?,
        }
    }
    // A name that was taken has ended the transaction.
    drop(scope);
    let (scope, frame) = browser.read().await?;
    Ok(Page::refusing(Edit::of(scope, frame, id, form).await?).into_response())
}

/// Says at the field what is wrong with the name, if that is what is wrong.
fn refuse(form: &mut Form, failure: Failure) -> Result<(), Failure> {
    match failure {
        Failure::Refused(problem) if problem.code() == EXISTS => form.refuse("name", "there is this category already"),
        Failure::Refused(problem) if problem.code() == "invalid" => form.refuse("name", "a category needs a name"),
        failure => return Err(failure),
    }
    Ok(())
}

/// Deletes a category.
async fn delete(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, person) = browser.visitor().write_within(change::DELETION).await?;
    owners_alone(&person, OWNERS)?;
    change::delete(&mut scope, &person, id).await?;
    scope.commit().await?;
    to("/settings/categories", Notice::CategoryDeleted)
}
