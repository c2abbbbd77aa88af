//! The pages of the base host: what this is, the sign-up, and the way to an organisation.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use freehold::isolation::Sqlx;
use freehold::tenant::{InvalidSlug, Model, Slug, Tenant};
use uuid::Uuid;

use super::SignUp;
use crate::app::App;
use crate::failure::Failure;
use crate::people::{self, Purpose};
use crate::web::{Form, Outside, Page, Query, to};

/// The pages, and what their forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/", get(front))
        .route("/signup", get(form).post(sign_up))
        .route("/signup/address", get(address))
        .route("/find", get(find))
}

#[derive(Template)]
#[template(path = "signup/front.html")]
struct Front {
    outside: Outside,
    query: Query,
    domain: String,
}

/// What this is.
async fn front(outside: Outside, State(app): State<App>, query: Query) -> Page<impl Template> {
    Page::of(Front { outside, query, domain: app.origin.below() })
}

/// Leads to the organisation of this address.
async fn find(outside: Outside, State(app): State<App>, mut query: Query) -> Result<Response, Failure> {
    match address_of(&query).map(|slug| app.freehold.directory().find(&slug)) {
        Ok(Some(tenant)) => return to(&format!("{}/login", app.origin.of(tenant.slug())), None),
        Ok(None) => query.refuse("slug", "There is no organisation at this address. The mail that invited you has it."),
        Err(error) => query.refuse("slug", of_address(&error.to_string())),
    }
    Ok(Page::refusing(Front { outside, query, domain: app.origin.below() }).into_response())
}

/// What people type for an address: the slug, or all of it as it stands in a browser.
fn address_of(query: &Query) -> Result<Slug, InvalidSlug> {
    let text = query.value("slug").trim();
    let text = text.trim_start_matches("https://").trim_start_matches("http://");
    let text = text.split(['.', '/', ':']).next().unwrap_or_default();
    text.parse()
}

/// The same for people, who know no slugs.
fn of_address(words: &str) -> String {
    words.replacen("slug", "The address", 1)
}

#[derive(Template)]
#[template(path = "signup/form.html")]
struct SignUpForm {
    outside: Outside,
    form: Form,
    domain: String,
}

/// How the models are told to who has to choose.
const MODELS: [(Model, &str, &str); 3] = [
    (Model::Shared, "Shared", "In tables with others, kept apart by row-level security. Ready at once."),
    (Model::Schema, "Schema", "In a schema of your own: its own backup, its own tables."),
    (Model::Database, "Database", "In a database of your own, with a login of its own."),
];

/// The form to sign up with.
async fn form(outside: Outside, State(app): State<App>) -> Page<impl Template> {
    let form = Form::of([("model", Model::Shared.as_str().to_owned())]);
    Page::of(SignUpForm { outside, form, domain: app.origin.below() })
}

/// Signs an organisation up, and leads its owner to it.
async fn sign_up(outside: Outside, State(app): State<App>, mut form: Form) -> Result<Response, Failure> {
    if let Some(sign_up) = read(&mut form) {
        match super::found(&app, &sign_up).await {
            Ok((tenant, owner)) => return welcome(&app, &tenant, owner).await,
            Err(Failure::Refused(problem)) if problem.code() == "slug_taken" => form.refuse("slug", TAKEN),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Page::refusing(SignUpForm { outside, form, domain: app.origin.below() }).into_response())
}

/// Leads the owner to their organisation, where they are logged in. Its host alone can set its cookie, so a ticket goes along.
async fn welcome(app: &App, tenant: &Arc<Tenant>, owner: Uuid) -> Result<Response, Failure> {
    let mut scope = app.freehold.tenant_db::<Sqlx>(tenant).write();
    let ticket = people::issue(&mut scope, owner, Purpose::Welcome).await?;
    scope.commit().await?;
    to(&format!("{}/welcome/{ticket}", app.origin.of(tenant.slug())), None)
}

const TAKEN: &str = "This address is taken: choose another.";

fn read(form: &mut Form) -> Option<SignUp> {
    let (organisation, name) = (form.read("organisation"), form.read("name"));
    let (email, password) = (form.read("email"), form.read("password"));
    let slug = form.value("slug").trim().to_owned();
    let model = Some(form.value("model").to_owned()).filter(|model| !model.is_empty());
    let sign_up = SignUp { organisation: organisation?, slug, email: email?, password: password?, name: name?, model };
    for (field, words) in super::faults(&sign_up) {
        form.refuse(field, of_address(&words));
    }
    form.is_valid().then_some(sign_up)
}

#[derive(Template)]
#[template(path = "signup/address.html")]
struct Address {
    is_free: bool,
    words: String,
}

/// Whether an address can still be had, for who is typing one.
async fn address(State(app): State<App>, query: Query) -> Page<impl Template> {
    let address = address_of(&query).map(|slug| (app.freehold.directory().find(&slug).is_some(), slug));
    Page::of(match address {
        Ok((false, slug)) => Address { is_free: true, words: format!("{slug}.{} is free", app.origin.below()) },
        Ok((true, _)) => Address { is_free: false, words: TAKEN.to_owned() },
        Err(error) => Address { is_free: false, words: of_address(&error.to_string()) },
    })
}
