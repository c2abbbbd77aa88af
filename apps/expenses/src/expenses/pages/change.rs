use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use freehold::isolation::{Access, Scope, Sqlx};
use http::StatusCode;
use uuid::Uuid;

use crate::activity::{self, Entry};
use crate::approvals::Rules;
use crate::expenses::check_change;
use crate::expenses::delete::remove;
use crate::expenses::row::{self, Expense, Status};
use crate::expenses::update::{self, Change};
use crate::failure::Failure;
use crate::input::Id;
use crate::mail::Mail;
use crate::names::{self, Choices};
use crate::session::Person;
use crate::web::{Browser, Form, Frame, Notice, Page, Place, to};

#[derive(Template)]
#[template(path = "expenses/show.html")]
struct Show {
    frame: Frame,
    expense: Expense,
    rules: Rules,
    history: Vec<Entry>,
}

impl Show {
    const PLACE: Place = Place::Expenses;
}

#[derive(Template)]
#[template(path = "expenses/edit.html")]
struct Edit {
    frame: Frame,
    expense: Expense,
    form: Form,
    choices: Choices,
    /// Whether somebody else changed the expense since the form was opened.
    outdated: bool,
}

impl Edit {
    const PLACE: Place = Place::Expenses;
}

/// A row of the list, for a script to put in place.
#[derive(Template)]
#[template(path = "expenses/row.html")]
struct Row {
    frame: Frame,
    expense: Expense,
    rules: Rules,
}

/// A row with fields in it.
#[derive(Template)]
#[template(path = "expenses/row_edit.html")]
struct RowEdit {
    expense: Expense,
    form: Form,
    outdated: bool,
}

/// An expense, and what was done to it.
pub(super) async fn show(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.read().await?;
    let expense = found(&mut scope, id).await?;
    let rules = Rules::load(&mut scope).await?;
    if browser.wants_part() {
        return Ok(Page::of(Row { frame, expense, rules }).into_response());
    }
    let history = activity::of_subject(&mut scope, id).await?;
    Ok(Page::of(Show { frame, expense, rules, history }).into_response())
}

/// The form to change an expense with.
pub(super) async fn edit(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.read().await?;
    let expense = found(&mut scope, id).await?;
    check(&mut scope, &expense, &frame.person).await?;
    let form = filled(&expense);
    if browser.wants_part() {
        return Ok(Page::of(RowEdit { expense, form, outdated: false }).into_response());
    }
    let choices = names::choices(&mut scope).await?;
    Ok(Page::of(Edit { frame, expense, form, choices, outdated: false }).into_response())
}

/// Changes an expense. Who was not the first to change it is shown what it is now beside what they typed.
pub(super) async fn save(
    browser: Browser,
    State(mail): State<Mail>,
    Id(id): Id,
    mut form: Form,
) -> Result<Response, Failure> {
    let version = version(&form)?;
    let change = change(&mut form, version);
    let (mut scope, frame) = browser.write().await?;
    let expense = found(&mut scope, id).await?;
    check(&mut scope, &expense, &frame.person).await?;
    let Some(change) = change else {
        return refuse(browser, scope, frame, expense, form, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    match update::apply(&mut scope, &mail, &frame.person, id, &change).await {
        Ok(expense) => {
            let rules = Rules::load(&mut scope).await?;
            mail.commit(scope).await?;
            if browser.wants_part() {
                return Ok(Page::of(Row { frame, expense, rules }).into_response());
            }
            to(&format!("/expenses/{id}"), Notice::Saved)
        }
        Err(Failure::Refused(problem)) if problem.code() == "changed_meanwhile" => {
            // What they typed goes on from the version they are shown.
            form.set("version", expense.version.to_string());
            refuse(browser, scope, frame, expense, form, StatusCode::CONFLICT).await
        }
        Err(failure) => Err(failure),
    }
}

async fn refuse<A: Access>(
    browser: Browser,
    mut scope: Scope<Sqlx, A>,
    frame: Frame,
    expense: Expense,
    form: Form,
    status: StatusCode,
) -> Result<Response, Failure> {
    let outdated = status == StatusCode::CONFLICT;
    if browser.wants_part() {
        return Ok(Page::with_status(status, RowEdit { expense, form, outdated }).into_response());
    }
    let choices = names::choices(&mut scope).await?;
    Ok(Page::with_status(status, Edit { frame, expense, form, choices, outdated }).into_response())
}

/// Decides on an expense.
pub(super) async fn decide(
    browser: Browser,
    State(mail): State<Mail>,
    Id(id): Id,
    mut form: Form,
) -> Result<Response, Failure> {
    let status = form.read::<Status>("status").ok_or_else(broken)?;
    let version = version(&form)?;
    let (mut scope, frame) = browser.write().await?;
    let change = Change { status: Some(status), version, ..Change::default() };
    let expense = update::apply(&mut scope, &mail, &frame.person, id, &change).await?;
    let rules = Rules::load(&mut scope).await?;
    mail.commit(scope).await?;
    if browser.wants_part() {
        return Ok(Page::of(Row { frame, expense, rules }).into_response());
    }
    let notice = match status {
        Status::Submitted => Notice::Reopened,
        Status::Approved => Notice::Approved,
        Status::Rejected => Notice::Rejected,
        Status::Paid => Notice::Paid,
    };
    to(&format!("/expenses/{id}"), notice)
}

/// Deletes an expense. One that is gone already is gone.
pub(super) async fn delete(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    if row::find(&mut scope, id).await?.is_some() {
        remove(&mut scope, &frame.person, id).await?;
        scope.commit().await?;
    }
    to("/expenses", Notice::Deleted)
}

async fn found<A: Access>(scope: &mut Scope<Sqlx, A>, id: Uuid) -> Result<Expense, Failure> {
    row::find(scope, id).await?.ok_or_else(Failure::not_found)
}

async fn check<A: Access>(scope: &mut Scope<Sqlx, A>, expense: &Expense, person: &Person) -> Result<(), Failure> {
    check_change(scope, person, expense.is_own_of(person), expense.matter()).await
}

fn filled(expense: &Expense) -> Form {
    Form::of([
        ("date", expense.date.to_string()),
        ("amount", expense.amount.to_string()),
        ("supplier", expense.supplier.clone()),
        ("category", expense.category.clone()),
        ("unit", expense.unit.clone()),
        ("description", expense.description.clone()),
        ("version", expense.version.to_string()),
    ])
}

/// The version of the expense that the form was made for.
fn version(form: &Form) -> Result<i64, Failure> {
    form.value("version").parse().map_err(|_| broken())
}

fn broken() -> Failure {
    Failure::invalid("the form is broken: open it again")
}

/// What the form changes. A name as long as a record of a file is left alone unless it was changed: no field holds it.
fn change(form: &mut Form, version: i64) -> Option<Change> {
    let (date, amount) = (form.read("date"), form.read("amount"));
    let [supplier, category, unit] = ["supplier", "category", "unit"].map(|name| form.read(name));
    // A row of the list has no field for it.
    let description = if form.has_field("description") { form.read("description").map(Some) } else { Some(None) };
    Some(Change {
        date: Some(date?),
        amount: Some(amount?),
        supplier: Some(supplier?),
        category: Some(category?),
        unit: Some(unit?),
        description: description?,
        version,
        ..Change::default()
    })
}
