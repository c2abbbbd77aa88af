use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use freehold::isolation::{Access, Scope, Sqlx};
use uuid::Uuid;

use super::change::{self, Candidate, NewRule};
use super::rules::Rules;
use crate::app::App;
use crate::failure::Failure;
use crate::input::Id;
use crate::names::{self, Choices};
use crate::settings::{Section, owners_alone};
use crate::web::{Browser, Form, Frame, Notice, Page, Place, to};

/// The page of the rules, and what its forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new().route("/settings/rules", get(show).post(add)).route("/settings/rules/{id}/remove", post(remove))
}

#[derive(Template)]
#[template(path = "approvals/rules.html")]
struct RulesPage {
    frame: Frame,
    form: Form,
    rules: Rules,
    candidates: Vec<Candidate>,
    choices: Choices,
}

impl RulesPage {
    const PLACE: Place = Place::Settings;
    const SECTION: Section = Section::Rules;

    async fn of<A: Access>(mut scope: Scope<Sqlx, A>, frame: Frame, form: Form) -> Result<Self, Failure> {
        let rules = Rules::load(&mut scope).await?;
        let candidates = change::candidates(&mut scope).await?;
        let choices = names::choices(&mut scope).await?;
        Ok(Self { frame, form, rules, candidates, choices })
    }
}

const OWNERS: &str = "owners set the approval rules";

/// The rules, and the form for another.
async fn show(browser: Browser) -> Result<Response, Failure> {
    let (scope, frame) = browser.read().await?;
    owners_alone(&frame.person, OWNERS)?;
    let form = Form::of([("id", Uuid::now_v7().to_string())]);
    Ok(Page::of(RulesPage::of(scope, frame, form).await?).into_response())
}

/// Adds a rule.
async fn add(browser: Browser, mut form: Form) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    let Some(new) = new(&mut form)? else {
        return Ok(Page::refusing(RulesPage::of(scope, frame, form).await?).into_response());
    };
    match change::add(&mut scope, &frame.person, &new).await? {
        Ok(()) => {
            scope.commit().await?;
            to("/settings/rules", Notice::RuleAdded)
        }
        Err(fault) => {
            form.refuse(fault.field, fault.words);
            Ok(Page::refusing(RulesPage::of(scope, frame, form).await?).into_response())
        }
    }
}

fn new(form: &mut Form) -> Result<Option<NewRule>, Failure> {
    let broken = || Failure::invalid("the form is broken: open it again");
    let id = form.value("id").parse().map_err(|_| broken())?;
    let approver = match form.value("approver") {
        "" => None,
        id => Some(id.parse().map_err(|_| broken())?),
    };
    let (above, category, unit) = (form.read("above"), form.read("category"), form.read("unit"));
    let (Some(above), Some(category), Some(unit)) = (above, category, unit) else { return Ok(None) };
    Ok(Some(NewRule { id, above, category, unit, approver }))
}

/// Removes a rule.
async fn remove(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    owners_alone(&frame.person, OWNERS)?;
    change::remove(&mut scope, &frame.person, id).await?;
    scope.commit().await?;
    to("/settings/rules", Notice::RuleRemoved)
}
