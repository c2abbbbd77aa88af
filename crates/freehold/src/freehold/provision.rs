use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::Freehold;
use crate::tenant::{Model, Slug, Status, Tenant, TenantId};

/// How often the operation is looked at while the tenant is not there. The directory tells of the tenant by itself.
const LOOK: Duration = Duration::from_millis(200);

/// For how long a worker that was seen is believed to be there.
const STILL_THERE: Duration = Duration::from_millis(100);

/// A tenant to be.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// The name in host names.
    pub slug: Slug,
    /// The name people read, of 1 to 200 characters.
    pub name: String,
    /// Where its rows are to live.
    pub model: Model,
    /// Names this request, in 1 to 200 characters: asked again with the same key, the same tenant is given, and no second one.
    pub idempotency_key: String,
    /// Who asks, for the record.
    pub requested_by: String,
}

/// Why there is no new tenant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// Another tenant has the name.
    #[error("the slug {slug} is taken: choose another")]
    SlugTaken {
        /// The name.
        slug: Slug,
    },
    /// The key names a request for another slug.
    #[error("the idempotency key names a request for another slug than {slug}: each request has a key of its own")]
    KeyTaken {
        /// The slug.
        slug: Slug,
    },
    /// The name or the key is empty or too long, or has a NUL in it.
    #[error("a name and an idempotency key have 1 to 200 characters each, and no NUL")]
    Length,
    /// The key names a tenant that is there, and may not be used now.
    #[error("tenant {slug} is there, and {status}")]
    NotActive {
        /// The name.
        slug: Slug,
        /// What it is.
        status: Status,
    },
    /// The worker could not do it. The slug stays reserved, and the same request is another try.
    #[error("provisioning {slug} failed: {reason}")]
    Failed {
        /// The name.
        slug: Slug,
        /// What the worker noted.
        reason: String,
    },
    /// It was not done in time, and goes on. Ask again with the same key.
    #[error("provisioning {slug} is not done after {waited:?}: is a worker running? ask again with the same key")]
    TimedOut {
        /// The name.
        slug: Slug,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Nobody is there to do it. What was asked for is done when somebody is.
    #[error("no worker is connected to the catalog: start `freehold serve worker`")]
    NoWorker,
    /// The catalog could not be reached or queried.
    #[error("cannot reach the catalog")]
    Catalog(#[from] tokio_postgres::Error),
}

impl Freehold {
    /// Whether a new tenant can be had now: the catalog can be reached, and a worker is there to do what is asked for, or was
    /// a moment ago.
    ///
    /// # Errors
    ///
    /// [`ProvisionError::NoWorker`], or when the catalog cannot be reached or queried.
    pub async fn can_provision(&self) -> Result<(), ProvisionError> {
        // One asks, and the others wait for what it hears.
        let mut seen = self.0.worker_seen.lock().await;
        if seen.is_some_and(|seen| seen.elapsed() < STILL_THERE) {
            return Ok(());
        }
        *seen = None;
        let (client, connection) = self.0.catalog.connect().await?;
        tokio::spawn(connection);
        let row = client.query_one("select catalog.has_worker()", &[]).await?;
        if !row.try_get(0)? {
            return Err(ProvisionError::NoWorker);
        }
        *seen = Some(Instant::now());
        Ok(())
    }

    /// Asks for a new tenant and waits until it is active. A worker does the work; this process has no right to.
    ///
    /// Repeat it with the same key after a time-out, a failure or a crash: it goes on where it was.
    ///
    /// # Errors
    ///
    /// See [`ProvisionError`].
    pub async fn provision(&self, new: &NewTenant, wait: Duration) -> Result<Arc<Tenant>, ProvisionError> {
        let deadline = Instant::now() + wait;
        let overdue = || ProvisionError::TimedOut { slug: new.slug.clone(), waited: wait };
        let request = timeout_at(deadline, self.0.requests.acquire()).await;
        let _request = request.map_err(|_| overdue())?.expect("nobody closes the semaphore");
        let mut changes = self.directory().changes();
        let (client, connection) = self.0.catalog.connect().await?;
        tokio::spawn(connection);
        let id = Uuid::from(TenantId::generate());
        let row = client
            .query_one(
                "select operation, tenant_id from catalog.request_provision($1, $2, $3, $4, $5, $6)",
                &[&new.idempotency_key, &id, &new.slug.as_str(), &new.name, &new.model.as_str(), &new.requested_by],
            )
            .await
            .map_err(|error| match error.code() {
                Some(&SqlState::UNIQUE_VIOLATION) => ProvisionError::SlugTaken { slug: new.slug.clone() },
                Some(&SqlState::INVALID_PARAMETER_VALUE) => ProvisionError::KeyTaken { slug: new.slug.clone() },
                // A NUL, which no text of PostgreSQL has.
                Some(&SqlState::CHECK_VIOLATION | &SqlState::CHARACTER_NOT_IN_REPERTOIRE) => ProvisionError::Length,
                _ => error.into(),
            })?;
        let (operation, tenant): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
        loop {
            if let Some(tenant) = self.directory().get(tenant.into()) {
                match tenant.status {
                    Status::Active => return Ok(tenant),
                    Status::Provisioning => {}
                    status => return Err(ProvisionError::NotActive { slug: new.slug.clone(), status }),
                }
            }
            let state =
                client.query_one("select state, last_error from catalog.operation_state($1)", &[&operation]).await?;
            let reason = match state.try_get::<_, Option<&str>>(0)? {
                Some("failed") => Some(state.try_get::<_, Option<String>>(1)?.unwrap_or_default()),
                Some("cancelled") => Some("the tenant was deleted before it was there".to_owned()),
                _ => None,
            };
            if let Some(reason) = reason {
                return Err(ProvisionError::Failed { slug: new.slug.clone(), reason });
            }
            if Instant::now() >= deadline {
                return Err(overdue());
            }
            // A change of the directory, or the time to look again: both lead to another look.
            let _ = timeout(LOOK, changes.changed()).await;
        }
    }
}
