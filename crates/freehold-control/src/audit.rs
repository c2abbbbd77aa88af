//! The record of deliberate acts.

use freehold::tenant::{Slug, TenantId};
use serde_json::Value;
use tokio_postgres::GenericClient;
use uuid::Uuid;

use crate::{ControlError, ControlPlane};

impl ControlPlane {
    /// Writes down what somebody is about to do to a tenant, and why. It is committed when this returns, so an act that
    /// comes after it is never without its record.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownTenant`], [`ControlError::Unexplained`], or when the catalog cannot be written. Then the act
    /// must not be done.
    pub async fn audit(
        &self,
        slug: &Slug,
        actor: &str,
        action: &str,
        reason: &str,
        detail: &Value,
    ) -> Result<(), ControlError> {
        let tenant = self.tenant(slug).await?;
        audit(&self.catalog().await?, actor, action, Some(tenant.id), reason, detail).await
    }
}

/// Writes what is about to be done, or was done, and why.
pub(crate) async fn audit(
    catalog: &impl GenericClient,
    actor: &str,
    action: &str,
    tenant: Option<TenantId>,
    reason: &str,
    detail: &Value,
) -> Result<(), ControlError> {
    if actor.trim().is_empty() || reason.trim().is_empty() {
        return Err(ControlError::Unexplained);
    }
    catalog
        .execute(
            "insert into catalog.audit (actor, action, tenant, reason, detail) values ($1, $2, $3, $4, $5)",
            &[&actor, &action, &tenant.map(Uuid::from), &reason, &detail],
        )
        .await
        .map(drop)
        .map_err(ControlError::doing("writing the audit"))
}
