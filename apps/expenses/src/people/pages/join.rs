use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::{Link, LinkOver, let_in};
use crate::failure::Failure;
use crate::people::NewPassword;
use crate::people::join::{self, Offer};
use crate::people::name::Name;
use crate::session::{Door, Person, Visitor};
use crate::web::{Form, Notice, Outside, Page, Stranger};

#[derive(Template)]
#[template(path = "people/join.html")]
struct Join {
    outside: Outside,
    address: String,
    offer: Offer,
    form: Form,
}

/// Says to somebody who is in already that the link is for somebody who is not.
#[derive(Template)]
#[template(path = "people/join_other.html")]
struct JoinAsOther {
    outside: Outside,
    offer: Offer,
    person: Person,
}

/// What an invitation leads to.
pub(super) async fn offer(
    visitor: Result<Visitor, Failure>,
    stranger: Stranger,
    link: Link,
) -> Result<Response, Failure> {
    let outside = stranger.outside().await?;
    let offer = match open(join::offer(&mut stranger.db.read(), &link.secret).await?) {
        Ok(offer) => offer,
        Err(closed) => return Ok(closed.page(outside)),
    };
    if let Ok(visitor) = visitor
        && let Ok((_, person)) = visitor.read().await
    {
        return Ok(Page::of(JoinAsOther { outside, offer, person }).into_response());
    }
    Ok(Page::of(Join { outside, address: link.address.path().to_owned(), offer, form: Form::default() })
        .into_response())
}

/// Joins, and logs in.
pub(super) async fn join(
    stranger: Stranger,
    State(door): State<Door>,
    link: Link,
    mut form: Form,
) -> Result<Response, Failure> {
    let (name, password) = (form.read::<Name>("name"), form.read::<NewPassword>("password"));
    let outside = stranger.outside().await?;
    // Nobody has a password hashed without an invitation.
    let offer = match open(join::offer(&mut stranger.db.read(), &link.secret).await?) {
        Ok(offer) => offer,
        Err(closed) => return Ok(closed.page(outside)),
    };
    let (Some(name), Some(password)) = (name, password) else {
        let address = link.address.path().to_owned();
        return Ok(Page::refusing(Join { outside, address, offer, form }).into_response());
    };
    let hash = door.passwords.hash(password.secret()).await?;
    let mut scope = stranger.db.write();
    let Some(person) = join::join(&mut scope, &link.secret, &name, &hash).await? else {
        // Somebody was faster, with the same link.
        return Ok(Closed::Used.page(outside));
    };
    let cookie = door.open(&mut scope, person).await?;
    scope.commit().await?;
    let_in("/", Notice::Joined, cookie)
}

/// Why an invitation cannot be taken.
enum Closed {
    Unknown,
    Used,
    TooOld { inviter: Option<String> },
}

/// The invitation if it can still be taken.
fn open(offer: Option<Offer>) -> Result<Offer, Closed> {
    match offer {
        None => Err(Closed::Unknown),
        Some(offer) if offer.accepted => Err(Closed::Used),
        Some(offer) if offer.expired => Err(Closed::TooOld { inviter: offer.inviter }),
        Some(offer) => Ok(offer),
    }
}

impl Closed {
    /// Says so, and what can be done.
    fn page(self, outside: Outside) -> Response {
        let log_in = ("/login", "Log in");
        match self {
            Self::Unknown => {
                let words = "There is no such invitation here. It may have been withdrawn, or sent again: then the last mail counts.";
                LinkOver::unknown(outside, words, log_in)
            }
            Self::Used => {
                let words = "Somebody joined with it already. If that was you, log in.".to_owned();
                LinkOver::gone(outside, "This invitation was used", words, log_in)
            }
            Self::TooOld { inviter } => {
                let inviter = inviter.as_deref().unwrap_or("an owner");
                let words = format!("Invitations are good for seven days. Ask {inviter} to send it again.");
                LinkOver::gone(outside, "This invitation is too old", words, log_in)
            }
        }
    }
}
