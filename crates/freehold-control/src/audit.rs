//! The record of deliberate acts.

use freehold::tenant::Slug;
use serde_json::Value;

use crate::delete::audit;
use crate::{ControlError, ControlPlane};

impl ControlPlane {
    /// Writes down what somebody is about to do to a tenant, and why. It is committed when this returns, so an act that
    /// comes after it is never without its record.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownTenant`], or when the catalog cannot be written. Then the act must not be done.
    pub async fn audit(
        &self,
        slug: &Slug,
        actor: &str,
        action: &str,
        reason: &str,
        detail: &Value,
    ) -> Result<(), ControlError> {
        let tenant = self.tenant(slug).await?;
        audit(&self.catalog().await?, actor, action, tenant.id, reason, detail).await
    }
}
