use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use uuid::Uuid;

use super::Entry;
use super::log::{self, Filter, Somebody, Thing};
use crate::app::App;
use crate::failure::Failure;
use crate::people::Role;
use crate::session::Visitor;
use crate::web::{Browser, Frame, Page, Parts, Place, Query, csv_field, export};

/// Entries of a page.
const ROWS: u16 = 50;
/// Entries of a file that are read at a time.
const EXPORTED: u16 = 1_000;

/// The log, as a page and as a file.
pub(crate) fn pages() -> Router<App> {
    Router::new().route("/activity", get(show)).route("/activity.csv", get(csv))
}

#[derive(Template)]
#[template(path = "activity/list.html")]
struct Activity {
    frame: Frame,
    query: Query,
    people: Vec<Somebody>,
    actions: Vec<String>,
    entries: Vec<Entry>,
    things: HashMap<Uuid, Thing>,
    more: bool,
}

impl Activity {
    const PLACE: Place = Place::Activity;

    fn is_filtered(&self) -> bool {
        ["person", "action", "before"].iter().any(|name| !self.query.value(name).is_empty())
    }

    /// Where what the entry is about can be looked at, if it is still there and this person may.
    fn link(&self, entry: &Entry) -> Option<String> {
        let id = entry.subject?;
        let role = self.frame.person.role;
        match self.things.get(&id)? {
            Thing::Expense => Some(format!("/expenses/{id}")),
            Thing::Import => role.decides().then(|| format!("/imports/{id}")),
            Thing::Person => Some("/people".to_owned()),
            Thing::Budget => Some("/budgets".to_owned()),
            Thing::Rule => (role == Role::Owner).then(|| "/settings/rules".to_owned()),
            Thing::Category => (role == Role::Owner).then(|| format!("/settings/categories/{id}")),
        }
    }

    fn next(&self) -> Option<String> {
        let last = self.entries.last().filter(|_| self.more)?.id.to_string();
        Some(self.query.with("/activity", &[("before", &last)]))
    }
}

/// What was done, the latest first.
async fn show(browser: Browser, mut query: Query) -> Result<Page<impl Template>, Failure> {
    let filter = filter(&mut query);
    let before = id(&mut query, "before");
    let (mut scope, frame) = browser.read().await?;
    let people = log::people(&mut scope).await?;
    let actions = log::actions(&mut scope).await?;
    let (mut status, mut entries, mut more) = (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), false);
    if query.is_valid() {
        status = StatusCode::OK;
        (entries, more) = filter.run(&mut scope, before, ROWS).await?;
    }
    let things = log::things(&mut scope, &entries).await?;
    Ok(Page::with_status(status, Activity { frame, query, people, actions, entries, things, more }))
}

fn filter(query: &mut Query) -> Filter {
    let person = id(query, "person");
    Filter { person, action: Some(query.value("action").to_owned()).filter(|action| !action.is_empty()) }
}

fn id(query: &mut Query, name: &'static str) -> Option<Uuid> {
    let text = Some(query.value(name)).filter(|text| !text.is_empty())?;
    let id = text.parse().ok();
    if id.is_none() {
        query.refuse(name, "the address is broken: begin anew");
    }
    id
}

/// The same, all of its pages, as a CSV file.
async fn csv(visitor: Visitor, mut query: Query) -> Result<Response, Failure> {
    let filter = filter(&mut query);
    if let Some((name, fault)) = query.faults().next() {
        return Err(Failure::invalid(format!("{name}: {fault}")));
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"activity.csv\""),
    ];
    Ok((headers, export(Log { visitor, filter, place: Some(Uuid::max()) }).await?).into_response())
}

/// The log as it is written to a file.
struct Log {
    visitor: Visitor,
    filter: Filter,
    /// What comes next is before this; none at the end.
    place: Option<Uuid>,
}

impl Parts for Log {
    async fn next(&mut self) -> Result<Option<String>, Failure> {
        let Some(before) = self.place else { return Ok(None) };
        let (mut scope, _) = self.visitor.read().await?;
        let (entries, more) = self.filter.run(&mut scope, Some(before), EXPORTED).await?;
        self.place = entries.last().filter(|_| more).map(|last| last.id);
        let mut text = String::new();
        if before == Uuid::max() {
            text.push_str("Time (UTC),Person,Done,Detail\r\n");
        }
        for entry in &entries {
            let fields = [&entry.at, &entry.actor, &entry.action, &entry.detail].map(|field| csv_field(field));
            text.push_str(&fields.join(","));
            text.push_str("\r\n");
        }
        Ok(Some(text))
    }
}
