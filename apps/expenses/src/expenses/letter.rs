use askama::Template;
use freehold::isolation::{Scope, Sqlx, Write};
use uuid::Uuid;

use super::row::{Expense, Status};
use crate::failure::Failure;
use crate::mail::{Letter, Letterhead, Mail};
use crate::people::Email;
use crate::session::Person;

/// Tells somebody what became of an expense they submitted.
#[derive(Debug, Template)]
#[template(path = "mail/decision.txt")]
struct Decision<'a> {
    head: Letterhead,
    called: &'a str,
    decider: &'a str,
    /// What they did with it, and the same as the beginning of a line.
    words: [&'static str; 2],
    date: String,
    expense: String,
    id: Uuid,
}

impl Letter for Decision<'_> {
    fn subject(&self) -> String {
        format!("{}: {}", self.words[1], self.expense)
    }
}

/// Tells who submitted the expense that `person` approved or rejected it; of anything else, and themselves, nobody is told.
///
/// Only a confirmed address is written to. Whoever may add people could add strangers, and have as many letters sent to them
/// as there are expenses.
pub(super) async fn tell(
    scope: &mut Scope<Sqlx, Write>,
    mail: &Mail,
    person: &Person,
    expense: &Expense,
) -> Result<(), Failure> {
    let words = match expense.status {
        Status::Approved => ["approved", "Approved"],
        Status::Rejected => ["rejected", "Rejected"],
        Status::Submitted | Status::Paid => return Ok(()),
    };
    let Some(submitter) = expense.created_by.filter(|submitter| *submitter != person.id) else { return Ok(()) };
    let select = "select email, coalesce(nullif(name, ''), email) as called from people where id = $1 and verified_at is not null";
    let found: Option<(Email, String)> = sqlx::query_as(select).bind(submitter).fetch_optional(&mut *scope).await?;
    let Some((email, called)) = found else { return Ok(()) };
    let letter = Decision {
        head: mail.letterhead(scope).await?,
        called: &called,
        decider: person.called(),
        words,
        date: expense.date.shown(),
        expense: expense.described(),
        id: expense.id,
    };
    mail.post(scope, &email, &letter).await
}
