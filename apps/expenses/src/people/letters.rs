use askama::Template;
use freehold::isolation::{Scope, Sqlx, Write};
use uuid::Uuid;

use super::ticket::{self, Purpose};
use super::{Email, Role};
use crate::failure::Failure;
use crate::mail::{Letter, Letterhead, Mail};

/// Asks somebody to show that the address is theirs.
#[derive(Debug, Template)]
#[template(path = "mail/confirm.txt")]
struct Confirm<'a> {
    head: Letterhead,
    called: &'a str,
    token: String,
}

impl Letter for Confirm<'_> {
    fn subject(&self) -> String {
        format!("Confirm your address for {}", self.head.organisation)
    }
}

/// Sends the link that confirms an address there.
pub(crate) async fn ask_to_confirm(
    scope: &mut Scope<Sqlx, Write>,
    mail: &Mail,
    person: Uuid,
    email: &Email,
    called: &str,
) -> Result<(), Failure> {
    let token = ticket::issue(scope, person, Purpose::Address).await?;
    let head = mail.letterhead(scope).await?;
    mail.post(scope, email, &Confirm { head, called, token }).await
}

/// Leads to a new password.
#[derive(Debug, Template)]
#[template(path = "mail/password.txt")]
pub(super) struct NewPasswordLink<'a> {
    pub(super) head: Letterhead,
    pub(super) called: &'a str,
    pub(super) token: String,
}

impl Letter for NewPasswordLink<'_> {
    fn subject(&self) -> String {
        format!("A new password for {}", self.head.organisation)
    }
}

/// Invites somebody who has nothing to do with the organisation yet.
#[derive(Debug, Template)]
#[template(path = "mail/invitation.txt")]
pub(super) struct Invited<'a> {
    pub(super) head: Letterhead,
    pub(super) inviter: &'a str,
    pub(super) role: Role,
    pub(super) days: i32,
    pub(super) token: String,
}

impl Letter for Invited<'_> {
    fn subject(&self) -> String {
        format!("{} invites you to {}", self.inviter, self.head.organisation)
    }
}
