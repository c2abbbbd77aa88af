//! Letters to people, by way of an outbox.
//!
//! A letter is written into the organisation's table `mails` in the transaction of what it tells of: either both happened or
//! neither. A [`Postman`] is told of the organisation after the commit, claims what is due for a while, hands it over, and
//! marks it as sent. Killed in between, the claim runs out and another hands it over again: every mail arrives at least once,
//! and a repeated one has the Message-ID of the first.

mod bell;
mod message;
mod outbox;
mod postman;
mod throttle;
mod transport;

use std::sync::Arc;

use askama::Template;
use freehold::isolation::{Access, Scope, Sqlx, Write};
use freehold::tenant::TenantId;

use self::bell::Bell;
use self::throttle::Throttle;
use crate::Origin;
use crate::failure::Failure;
use crate::people::Email;
use crate::text::is_control;

pub use postman::Postman;
pub use transport::Transport;

/// What is said to somebody: the template is the text.
pub(crate) trait Letter: Template {
    fn subject(&self) -> String;
}

/// What letters say of where they come from.
#[derive(Clone, Debug)]
pub(crate) struct Letterhead {
    pub(crate) organisation: String,
    /// The organisation's own, without a slash at the end.
    pub(crate) address: String,
}

/// The way of letters out of the application. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    origin: Origin,
    bell: Arc<Bell>,
    throttle: Throttle,
}

impl Mail {
    pub(crate) fn new(origin: Origin) -> Self {
        Self { origin, bell: Arc::default(), throttle: Throttle::new() }
    }

    /// What a letter from this scope's organisation says of it.
    pub(crate) async fn letterhead<A: Access>(&self, scope: &mut Scope<Sqlx, A>) -> Result<Letterhead, sqlx::Error> {
        let organisation = sqlx::query_scalar("select name from organisation").fetch_one(&mut *scope).await?;
        Ok(Letterhead { organisation, address: self.origin.of(scope.tenant().slug()) })
    }

    /// Posts a letter. It goes out once the scope was [committed](Self::commit), and never otherwise.
    pub(crate) async fn post(
        &self,
        scope: &mut Scope<Sqlx, Write>,
        recipient: &Email,
        letter: &impl Letter,
    ) -> Result<(), Failure> {
        let text = letter.render().map_err(|error| Failure::internal(&error))? + "\n";
        // What people call things stands in subjects. A header has one line.
        let subject = letter.subject().replace(is_control, " ");
        Ok(outbox::put(scope, recipient, &subject, &text).await?)
    }

    /// Commits what was done, and has the letters sent that were posted with it.
    ///
    /// After a commit of another kind they wait until the postman comes round to the organisation.
    pub(crate) async fn commit(&self, scope: Scope<Sqlx, Write>) -> Result<(), Failure> {
        let tenant = scope.tenant().id();
        scope.commit().await?;
        self.bell.ring(tenant);
        Ok(())
    }

    /// Counts a mail that somebody asked to be sent to this address, or refuses it.
    pub(crate) fn admit(&self, tenant: TenantId, recipient: &Email) -> Result<(), Failure> {
        self.throttle.admit(tenant, recipient)
    }

    /// The same for an invitation, of which an organisation may also not send too many altogether.
    pub(crate) fn admit_invitation(&self, tenant: TenantId, recipient: &Email) -> Result<(), Failure> {
        self.throttle.admit_invitation(tenant, recipient)
    }
}
