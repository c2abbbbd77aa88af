use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use freehold::gate::CurrentTenant;
use freehold::isolation::{Sqlx, TenantDb};

use super::{Link, LinkOver, let_in};
use crate::activity::{self, Actor};
use crate::failure::Failure;
use crate::mail::Mail;
use crate::people::letters::NewPasswordLink;
use crate::people::ticket::{self, Purpose};
use crate::people::{Email, NewPassword, member};
use crate::session::Door;
use crate::web::{Form, Notice, Outside, Page, Stranger, to};

#[derive(Template)]
#[template(path = "people/password_ask.html")]
struct Ask {
    outside: Outside,
    form: Form,
}

#[derive(Template)]
#[template(path = "people/password_choose.html")]
struct Choose {
    outside: Outside,
    address: String,
    form: Form,
}

/// The form to ask for a link with.
pub(super) async fn ask(stranger: Stranger) -> Result<Response, Failure> {
    Ok(Page::of(Ask { outside: stranger.outside().await?, form: Form::default() }).into_response())
}

/// Sends a link to the address, if it is somebody's. The answer is the same either way, and comes as fast.
pub(super) async fn send(
    stranger: Stranger,
    CurrentTenant(tenant): CurrentTenant,
    State(mail): State<Mail>,
    mut form: Form,
) -> Result<Response, Failure> {
    let Some(email) = form.read::<Email>("email") else {
        return Ok(Page::refusing(Ask { outside: stranger.outside().await?, form }).into_response());
    };
    mail.admit(tenant.id(), &email)?;
    // A row and a letter are written for who is known, and that takes time which nobody is to measure.
    tokio::spawn(async move {
        if let Err(failure) = post_link(&stranger.db, &mail, &email).await {
            tracing::error!(tenant.id = %tenant.id(), ?failure, "a link to a new password was not posted");
        }
    });
    to("/login", Notice::PasswordMailed)
}

async fn post_link(db: &TenantDb<Sqlx>, mail: &Mail, email: &Email) -> Result<(), Failure> {
    let mut scope = db.write();
    let Some(member) = member::find_by_email(&mut scope, email).await? else { return Ok(()) };
    let token = ticket::issue(&mut scope, member.id, Purpose::Password).await?;
    let head = mail.letterhead(&mut scope).await?;
    let letter = NewPasswordLink { head, called: member.called(), token };
    mail.post(&mut scope, email, &letter).await?;
    mail.commit(scope).await
}

/// The form to choose a new password with.
pub(super) async fn form(stranger: Stranger, link: Link) -> Result<Response, Failure> {
    let outside = stranger.outside().await?;
    match ticket::holder(&mut stranger.db.read(), &link.secret, Purpose::Password).await? {
        Some(_) => {
            let address = link.address.path().to_owned();
            Ok(Page::of(Choose { outside, address, form: Form::default() }).into_response())
        }
        None => Ok(over(outside)),
    }
}

/// Takes the new password, ends all sessions but the one that begins with it.
pub(super) async fn choose(
    stranger: Stranger,
    State(door): State<Door>,
    link: Link,
    mut form: Form,
) -> Result<Response, Failure> {
    let outside = stranger.outside().await?;
    // Nobody has a password hashed without a ticket.
    if ticket::holder(&mut stranger.db.read(), &link.secret, Purpose::Password).await?.is_none() {
        return Ok(over(outside));
    }
    let Some(password) = form.read::<NewPassword>("password") else {
        return Ok(Page::refusing(Choose { outside, address: link.address.path().to_owned(), form }).into_response());
    };
    let hash = door.passwords.hash(password.secret()).await?;
    let mut scope = stranger.db.write();
    let Some(id) = ticket::redeem(&mut scope, &link.secret, Purpose::Password).await? else {
        return Ok(over(outside));
    };
    let member = member::find(&mut scope, id).await?.ok_or_else(Failure::not_found)?;
    member::set_password(&mut scope, id, &hash).await?;
    member::set_confirmed(&mut scope, id).await?;
    let actor = Actor { id, called: member.called() };
    activity::record(&mut scope, actor, "chose a new password by mail", Some(id), "").await?;
    let cookie = door.open(&mut scope, id).await?;
    scope.commit().await?;
    door.forgive(stranger.db.tenant(), &member.email);
    let_in("/", Notice::PasswordChanged, cookie)
}

fn over(outside: Outside) -> Response {
    let words = "It was used already, is more than an hour old, or is not from here.";
    LinkOver::unknown(outside, words, ("/password", "Ask for another"))
}
