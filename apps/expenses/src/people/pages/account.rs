use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::let_in;
use crate::activity;
use crate::failure::Failure;
use crate::mail::Mail;
use crate::people::name::Name;
use crate::people::{Email, NewPassword, ask_to_confirm, member};
use crate::session::{Credentials, Door, Person};
use crate::web::{Browser, Form, Frame, Notice, Page, Place, to};

#[derive(Template)]
#[template(path = "people/account.html")]
struct Account {
    frame: Frame,
    name: Form,
    password: Form,
}

impl Account {
    const PLACE: Place = Place::Account;
}

fn filled(person: &Person) -> Form {
    Form::of([("name", person.name.clone())])
}

/// One's own account.
pub(super) async fn show(browser: Browser) -> Result<Response, Failure> {
    let (_, frame) = browser.read().await?;
    let name = filled(&frame.person);
    Ok(Page::of(Account { frame, name, password: Form::default() }).into_response())
}

/// Changes the name.
pub(super) async fn rename(browser: Browser, mut form: Form) -> Result<Response, Failure> {
    let name = form.read::<Name>("name");
    let (mut scope, frame) = browser.write().await?;
    let Some(name) = name else {
        return Ok(Page::refusing(Account { frame, name: form, password: Form::default() }).into_response());
    };
    let person = &frame.person;
    if name.as_str() != person.name {
        let update = "update people set name = $2 where id = $1";
        sqlx::query(update).bind(person.id).bind(&name).execute(&mut scope).await?;
        activity::record(&mut scope, person, "changed their name", Some(person.id), name.as_str()).await?;
        scope.commit().await?;
    }
    to("/account", Notice::Saved)
}

/// Changes the password, for who knows the old one. All other sessions end.
pub(super) async fn change_password(
    browser: Browser,
    State(door): State<Door>,
    mut form: Form,
) -> Result<Response, Failure> {
    let new = form.read::<NewPassword>("new");
    let (scope, frame) = browser.read().await?;
    drop(scope);
    let (email, db) = (address(&frame.person)?, browser.visitor().db());
    let credentials = Credentials { email, password: form.value("old").into() };
    if door.recognise(db.tenant(), &db, &credentials).await? != Some(frame.person.id) {
        form.refuse("old", "this is not your password");
    }
    let Some(new) = new.filter(|_| form.is_valid()) else {
        let name = filled(&frame.person);
        return Ok(Page::refusing(Account { frame, name, password: form }).into_response());
    };
    let hash = door.passwords.hash(new.secret()).await?;
    let (mut scope, frame) = browser.write().await?;
    let person = &frame.person;
    member::set_password(&mut scope, person.id, &hash).await?;
    activity::record(&mut scope, person, "changed their password", Some(person.id), "").await?;
    let cookie = door.open(&mut scope, person.id).await?;
    scope.commit().await?;
    let_in("/account", Notice::PasswordChanged, cookie)
}

/// Sends the link that confirms the address again.
pub(super) async fn send_confirmation(browser: Browser, State(mail): State<Mail>) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    let person = &frame.person;
    if person.verified {
        return to("/account", Notice::AddressConfirmed);
    }
    let email = address(person)?;
    mail.admit(scope.tenant().id(), &email)?;
    ask_to_confirm(&mut scope, &mail, person.id, &email, person.called()).await?;
    mail.commit(scope).await?;
    to("/account", Notice::ConfirmationMailed)
}

fn address(person: &Person) -> Result<Email, Failure> {
    Email::try_from(person.email.clone()).map_err(|error| Failure::internal(&error))
}
