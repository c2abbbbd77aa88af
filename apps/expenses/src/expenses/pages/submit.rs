use askama::Template;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::budgets::{self, State};
use crate::day::Day;
use crate::expenses::create::{self, NewExpense};
use crate::expenses::row;
use crate::failure::Failure;
use crate::names::{self, Choices};
use crate::web::{Browser, Form, Frame, Notice, Page, Place, to};

#[derive(Template)]
#[template(path = "expenses/new.html")]
struct New {
    frame: Frame,
    form: Form,
    choices: Choices,
}

impl New {
    const PLACE: Place = Place::Expenses;
}

/// The form for a new expense. It holds the id that the expense will have, so that sending it twice submits one.
pub(super) async fn new(browser: Browser) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.read().await?;
    let choices = names::choices(&mut scope).await?;
    let form = Form::of([("id", Uuid::now_v7().to_string()), ("date", Day::today().to_string())]);
    Ok(Page::of(New { frame, form, choices }).into_response())
}

/// Submits an expense.
pub(super) async fn submit(browser: Browser, mut form: Form) -> Result<Response, Failure> {
    let id = form.value("id").parse::<Uuid>().map_err(|_| Failure::invalid("the form is broken: open it again"))?;
    let new = expense(&mut form);
    let (mut scope, frame) = browser.write().await?;
    let Some(new) = new else {
        let choices = names::choices(&mut scope).await?;
        return Ok(Page::refusing(New { frame, form, choices }).into_response());
    };
    let mut notice = Notice::Submitted;
    if row::find(&mut scope, id).await?.is_none() {
        let expense = create::submit(&mut scope, &frame.person, id, &new).await?;
        match budgets::reached(&mut scope, expense.matter(), expense.date).await? {
            Some(State::Over) => notice = Notice::SubmittedOver,
            Some(State::Near) => notice = Notice::SubmittedNear,
            Some(State::Within) | None => {}
        }
        scope.commit().await?;
    }
    to("/expenses", notice)
}

fn expense(form: &mut Form) -> Option<NewExpense> {
    let (date, amount) = (form.read("date"), form.read("amount"));
    let [supplier, category, unit, description] =
        ["supplier", "category", "unit", "description"].map(|name| form.read(name));
    Some(NewExpense {
        date: date?,
        amount: amount?,
        currency: None,
        supplier: supplier?,
        category: category?,
        unit: unit?,
        description: description?,
        status: None,
    })
}
