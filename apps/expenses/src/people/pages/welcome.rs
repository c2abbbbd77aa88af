use axum::extract::State;
use axum::response::Response;

use super::{Link, LinkOver, let_in};
use crate::failure::Failure;
use crate::people::ticket::{self, Purpose};
use crate::session::{Door, Visitor};
use crate::web::{Notice, Stranger, to};

/// Logs the owner in who has just signed up, at the host of the organisation.
///
/// It is a GET, because the sign-up leads here from another host; so any page could lead a browser here, and log it in as
/// somebody who is not in front of it. That needs a ticket not older than two minutes and not used, and only a sign-up makes
/// one: so it would be into an organisation that the page's author has just founded, with nothing in it yet, under a name of
/// their choice that every page shows. The cookie is for that one host, so sessions at all others stay as they are, and
/// whoever is logged in at this one stays who they are. Inviting the victim would do the same.
pub(super) async fn enter(
    visitor: Result<Visitor, Failure>,
    stranger: Stranger,
    State(door): State<Door>,
    link: Link,
) -> Result<Response, Failure> {
    if let Ok(visitor) = visitor
        && visitor.read().await.is_ok()
    {
        return to("/", Notice::AlreadyIn);
    }
    let mut scope = stranger.db.write();
    let Some(person) = ticket::redeem(&mut scope, &link.secret, Purpose::Welcome).await? else {
        drop(scope);
        let words =
            "It leads in once, and only right after the sign-up. Log in with the address and the password you chose.";
        return Ok(LinkOver::unknown(stranger.outside().await?, words, ("/login", "Log in")));
    };
    let cookie = door.open(&mut scope, person).await?;
    scope.commit().await?;
    let_in("/", Notice::SignedUp, cookie)
}
