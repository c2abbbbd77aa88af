use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use freehold::Freehold;
use freehold::isolation::{ScopeError, Sqlx};
use freehold::tenant::{Status, Tenant, TenantId};
use lettre::message::Mailbox;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use super::Mail;
use super::bell::Bell;
use super::message::message;
use super::outbox::{self, Claimed, LEASE, Outcome};
use super::transport::Transport;

/// How often every organisation's outbox is looked into: for what another process left, and what is to be tried again.
const ROUND: Duration = Duration::from_secs(5 * 60);
/// Mails on their way at a time. Somebody's server that is slow to take them holds up one of these.
const AT_ONCE: usize = 4;
/// How long handing one over may take.
const PATIENCE: Duration = Duration::from_secs(30);
const _: () =
    assert!(PATIENCE.as_secs() * 4 < LEASE.as_secs(), "a claim must not run out while its mail is handed over");
/// How often a mail is tried: for some sixteen hours.
const ATTEMPTS: i32 = 12;

/// Takes what is in the outboxes of organisations to where it goes.
///
/// Several may be at work, in one process and in others: no two claim the same mail.
#[derive(Debug)]
pub struct Postman {
    freehold: Freehold,
    bell: Arc<Bell>,
    transport: Transport,
    from: Mailbox,
}

impl Postman {
    pub(crate) fn new(freehold: Freehold, mail: &Mail, transport: Transport, from: Mailbox) -> Self {
        Self { freehold, bell: mail.bell.clone(), transport, from }
    }

    /// Works until it is told to stop, and then until what it has in its hands is handed over.
    pub async fn run(self, stop: CancellationToken) {
        let walks = futures_util::future::join_all((0..AT_ONCE).map(|_| self.walk(&stop)));
        tokio::join!(self.come_round(&stop), walks);
    }

    /// Has every organisation looked at, at once and then again and again.
    async fn come_round(&self, stop: &CancellationToken) {
        let mut rounds = interval(ROUND);
        while stop.run_until_cancelled(rounds.tick()).await.is_some() {
            for tenant in self.freehold.directory().tenants() {
                self.bell.ring(tenant.id());
            }
        }
    }

    async fn walk(&self, stop: &CancellationToken) {
        while let Some(tenant) = stop.run_until_cancelled(self.bell.next()).await {
            self.look_after(tenant).await;
        }
    }

    /// Sends one mail of this organisation. If there may be more, it is the organisation's turn again after all others.
    async fn look_after(&self, id: TenantId) {
        // One that may only read could not be told that its mail was sent.
        let tenant = self.freehold.directory().get(id).filter(|tenant| tenant.status() == Status::Active);
        let Some(tenant) = tenant else { return };
        match self.send_one(&tenant).await {
            Ok(true) => self.bell.ring(id),
            Ok(false) => {}
            Err(error) => tracing::warn!(
                tenant.id = %id,
                error = &error as &dyn Error,
                "cannot look into the outbox of tenant {id}; it is looked into again in {} s",
                ROUND.as_secs()
            ),
        }
    }

    async fn send_one(&self, tenant: &Arc<Tenant>) -> Result<bool, ScopeError> {
        let db = self.freehold.tenant_db::<Sqlx>(tenant);
        if !outbox::is_due(&mut db.read()).await? {
            return Ok(false);
        }
        let mut scope = db.write();
        let Some(mail) = outbox::claim(&mut scope).await? else { return Ok(false) };
        scope.commit().await?;

        // No connection is held meanwhile.
        let outcome = self.hand_over(&mail).await;
        let (tenant, id) = (tenant.id(), mail.id);
        match &outcome {
            Outcome::Sent => tracing::info!(tenant.id = %tenant, mail.id = %id, "mail {id} was sent"),
            Outcome::Failed(failure, _) => {
                tracing::warn!(tenant.id = %tenant, mail.id = %id, failure, "mail {id} was not sent, and is tried again");
            }
            Outcome::GivenUp(failure) => {
                tracing::error!(tenant.id = %tenant, mail.id = %id, failure, "mail {id} is not sent");
            }
        }
        let mut scope = db.write();
        outbox::note(&mut scope, mail.id, &outcome).await?;
        scope.commit().await?;
        Ok(true)
    }

    async fn hand_over(&self, mail: &Claimed) -> Outcome {
        let message = match message(&self.from, mail, self.transport.body(&mail.body)) {
            Ok(message) => message,
            Err(error) => return Outcome::GivenUp(told(&error)),
        };
        let failure = match timeout(PATIENCE, self.transport.send(message)).await {
            Ok(Ok(())) => return Outcome::Sent,
            Ok(Err(error)) => told(&*error),
            Err(_) => format!("it was not taken within {} s", PATIENCE.as_secs()),
        };
        if mail.attempts >= ATTEMPTS {
            Outcome::GivenUp(failure)
        } else {
            Outcome::Failed(failure, pause(mail.attempts))
        }
    }
}

/// A minute, two, four, up to four hours.
fn pause(attempts: i32) -> Duration {
    Duration::from_secs(60 << (attempts.clamp(1, 9) - 1)).min(Duration::from_secs(4 * 60 * 60))
}

/// An error with what is behind it.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!([1, 2, 3, 8, 9, i32::MAX].map(|attempts| pause(attempts).as_secs() / 60), [1, 2, 4, 128, 240, 240]);
        let tried = (1..ATTEMPTS).map(pause).sum::<Duration>();
        assert_eq!(tried.as_secs() / 3600, 16);
    }
}
