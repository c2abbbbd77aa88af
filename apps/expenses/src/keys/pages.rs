use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use freehold::gate::CurrentTenant;

use super::make::{self, MadeKey, NewKey};
use super::scope::KeyScope;
use super::table::{self, Key};
use crate::app::App;
use crate::failure::Failure;
use crate::input::Id;
use crate::web::{Browser, Form, Frame, Notice, Page, Place, to};

/// The page of keys, and what its forms are sent to.
pub(crate) fn pages() -> Router<App> {
    Router::new().route("/account/keys", get(keys).post(create)).route("/account/keys/{id}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "keys/keys.html")]
struct KeysPage {
    frame: Frame,
    items: Vec<Key>,
    form: Form,
    /// Right after it was made, and never again.
    made: Option<MadeKey>,
}

impl KeysPage {
    const PLACE: Place = Place::Account;
}

/// How long keys may be good, as the page offers it.
const DAYS: [(&str, &str); 4] = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until revoked")];

/// The keys of whoever asks.
async fn keys(browser: Browser) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.read().await?;
    let items = table::of(&mut scope, &frame.person).await?;
    Ok(Page::of(KeysPage { frame, items, form: blank(), made: None }).into_response())
}

/// A key that is not thought about reaches little, and not for long.
fn blank() -> Form {
    Form::of([("scope", KeyScope::Read.name().to_owned()), ("days", "90".to_owned())])
}

/// Makes a key, and shows it.
async fn create(browser: Browser, CurrentTenant(tenant): CurrentTenant, mut form: Form) -> Result<Response, Failure> {
    let new = read(&mut form);
    let (mut scope, frame) = browser.write().await?;
    let Some(new) = new else {
        let items = table::of(&mut scope, &frame.person).await?;
        return Ok(Page::refusing(KeysPage { frame, items, form, made: None }).into_response());
    };
    let made = make::make(&mut scope, tenant.id(), &frame.person, &new).await?;
    let items = table::of(&mut scope, &frame.person).await?;
    scope.commit().await?;
    // The one page that answers a form by itself: led elsewhere, there would be nothing to show the key from.
    Ok(Page::of(KeysPage { frame, items, form: blank(), made: Some(made) }).into_response())
}

fn read(form: &mut Form) -> Option<NewKey> {
    let (name, scope) = (form.read("name"), form.read("scope"));
    let days = match form.value("days") {
        "" => Some(None),
        days => days.parse().map(Some).map_err(|_| form.refuse("days", "choose how long it is good")).ok(),
    };
    let new = NewKey { name: name?, scope: scope?, days: days? };
    for (field, words) in make::faults(&new) {
        form.refuse(field, words);
    }
    form.is_valid().then_some(new)
}

/// Revokes a key. One that is gone already is gone.
async fn revoke(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    if !table::remove(&mut scope, &frame.person, id).await? {
        return Err(Failure::not_found());
    }
    scope.commit().await?;
    to("/account/keys", Notice::KeyRevoked)
}
