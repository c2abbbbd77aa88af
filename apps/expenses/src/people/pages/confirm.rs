use askama::Template;
use axum::response::{IntoResponse, Response};

use super::{Link, LinkOver};
use crate::activity::{self, Actor};
use crate::failure::Failure;
use crate::people::member::{self, Member};
use crate::people::ticket::{self, Purpose};
use crate::web::{Notice, Outside, Page, Stranger, to};

#[derive(Template)]
#[template(path = "people/confirm.html")]
struct Confirm {
    outside: Outside,
    address: String,
    member: Member,
}

/// Asks for a press of a button: programs that look into mail follow links, and they are not whom the mail is for.
pub(super) async fn ask(stranger: Stranger, link: Link) -> Result<Response, Failure> {
    let outside = stranger.outside().await?;
    let mut scope = stranger.db.read();
    let Some(id) = ticket::holder(&mut scope, &link.secret, Purpose::Address).await? else { return Ok(over(outside)) };
    let member = member::find(&mut scope, id).await?.ok_or_else(Failure::not_found)?;
    Ok(Page::of(Confirm { outside, address: link.address.path().to_owned(), member }).into_response())
}

/// Notes that the address is theirs. Nobody is logged in by it.
pub(super) async fn confirm(stranger: Stranger, link: Link) -> Result<Response, Failure> {
    let mut scope = stranger.db.write();
    let Some(id) = ticket::redeem(&mut scope, &link.secret, Purpose::Address).await? else {
        drop(scope);
        return Ok(over(stranger.outside().await?));
    };
    let member = member::find(&mut scope, id).await?.ok_or_else(Failure::not_found)?;
    member::set_confirmed(&mut scope, id).await?;
    let actor = Actor { id, called: member.called() };
    activity::record(&mut scope, actor, "confirmed their address", Some(id), "").await?;
    scope.commit().await?;
    // Whoever is logged in is led on from there.
    to("/login", Notice::AddressConfirmed)
}

fn over(outside: Outside) -> Response {
    let words = "It was used already, is more than seven days old, or is not from here. If your address is confirmed, there is \
                 nothing left to do; if it is not, your account has another link.";
    LinkOver::unknown(outside, words, ("/account", "Go to your account"))
}
