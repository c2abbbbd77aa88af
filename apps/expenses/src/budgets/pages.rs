use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use freehold::isolation::{Access, Scope, Sqlx};

use super::api::OWNERS;
use super::budget::{Budget, Period, State};
use super::change::{self, Plan};
use super::usage;
use crate::app::App;
use crate::day::Day;
use crate::failure::Failure;
use crate::input::Id;
use crate::names::{self, Choices};
use crate::people::Role;
use crate::settings::owners_alone;
use crate::web::{Browser, Form, Frame, Notice, Page, Place, Query, to};

/// The page of the budgets, and what its forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new().route("/budgets", get(show).post(set)).route("/budgets/{id}/remove", post(remove))
}

#[derive(Template)]
#[template(path = "budgets/budgets.html")]
struct Budgets {
    frame: Frame,
    form: Form,
    budgets: Vec<Budget>,
    choices: Choices,
    today: Day,
}

impl Budgets {
    const PLACE: Place = Place::Budgets;

    async fn of<A: Access>(mut scope: Scope<Sqlx, A>, frame: Frame, form: Form) -> Result<Self, Failure> {
        let budgets = usage::all(&mut scope).await?;
        let choices = names::choices(&mut scope).await?;
        Ok(Self { frame, form, budgets, choices, today: Day::today() })
    }

    fn is_owners(&self) -> bool {
        self.frame.person.role == Role::Owner
    }

    /// What a period is called now: `November 2026`.
    fn current(&self, period: &Period) -> String {
        let format = match period {
            Period::Month => "%B %Y",
            Period::Year => "%Y",
        };
        self.today.0.strftime(format).to_string()
    }

    fn of_period<'b>(&'b self, period: &Period) -> Vec<&'b Budget> {
        self.budgets.iter().filter(|budget| budget.period == *period).collect()
    }

    /// The address of the form with a budget in it.
    fn change(&self, budget: &Budget) -> String {
        let amount = budget.amount.to_string();
        let fields = [
            ("period", budget.period.name()),
            ("unit", budget.unit.as_str()),
            ("category", budget.category.as_str()),
            ("amount", amount.as_str()),
        ];
        format!("{}#set", Query::default().with("/budgets", &fields))
    }
}

/// The budgets, and for owners the form for another.
async fn show(browser: Browser, query: Query) -> Result<Response, Failure> {
    let (scope, frame) = browser.read().await?;
    let fields = ["period", "unit", "category", "amount"].map(|name| (name, query.value(name).to_owned()));
    Ok(Page::of(Budgets::of(scope, frame, Form::of(fields)).await?).into_response())
}

/// Sets a budget.
async fn set(browser: Browser, mut form: Form) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    if let Some(plan) = plan(&mut form) {
        match change::set(&mut scope, &frame.person, &plan).await? {
            Ok(_) => {
                scope.commit().await?;
                return to("/budgets", Notice::BudgetSet);
            }
            Err(invalid) => form.refuse("amount", invalid),
        }
    }
    // What was written is taken back before the page is made.
    drop(scope);
    let (scope, frame) = browser.read().await?;
    Ok(Page::refusing(Budgets::of(scope, frame, form).await?).into_response())
}

fn plan(form: &mut Form) -> Option<Plan> {
    let (period, amount) = (form.read("period"), form.read("amount"));
    let (unit, category) = (form.read("unit"), form.read("category"));
    Some(Plan { period: period?, amount: amount?, unit: unit?, category: category? })
}

/// Removes a budget.
async fn remove(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    change::remove(&mut scope, &frame.person, id).await?;
    scope.commit().await?;
    to("/budgets", Notice::BudgetRemoved)
}
