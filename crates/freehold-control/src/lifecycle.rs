use std::time::Duration;

use freehold::tenant::{Model, Slug, TenantId};
use serde_json::json;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::audit::audit;
use crate::{ControlError, ControlPlane};

/// What can be done to a tenant that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Lock it until somebody pays.
    Suspend,
    /// Let it read, and not write.
    ReadOnly,
    /// Give it back everything.
    Resume,
    /// Name it otherwise, for people.
    Name(String),
    /// Note what it pays for, or nothing.
    Plan(Option<String>),
    /// Erase it when the grace period is over.
    Delete {
        /// How long nothing is erased yet.
        grace: Duration,
    },
}

impl Change {
    fn word(&self) -> &'static str {
        match self {
            Self::Suspend => "suspended",
            Self::ReadOnly => "made read-only",
            Self::Resume => "resumed",
            Self::Name(_) => "named",
            Self::Plan(_) => "put on a plan",
            Self::Delete { .. } => "deleted",
        }
    }

    /// The statuses in which it can be done.
    fn possible_in(&self) -> &'static [&'static str] {
        match self {
            Self::Suspend | Self::ReadOnly | Self::Resume => &["active", "read_only", "suspended"],
            Self::Name(_) | Self::Plan(_) => &["active", "read_only", "suspended", "provisioning"],
            Self::Delete { .. } => &["active", "read_only", "suspended", "provisioning", "deleting"],
        }
    }
}

impl ControlPlane {
    /// Changes a tenant. Who does it and why is written in the same transaction.
    ///
    /// Deleting with a grace of nothing erases at once, and returns when it is done.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownTenant`], [`ControlError::WrongStatus`], [`ControlError::Length`].
    pub async fn change(&self, slug: &Slug, change: &Change, actor: &str, reason: &str) -> Result<(), ControlError> {
        let failed = ControlError::doing("changing a tenant");
        let mut catalog = self.catalog().await?;
        let transaction = catalog.transaction().await.map_err(&failed)?;
        let row = transaction
            .query_opt(
                "select id, status from catalog.tenants where slug = $1 and status <> 'deleted' for update",
                &[&slug.as_str()],
            )
            .await
            .map_err(&failed)?
            .ok_or_else(|| ControlError::UnknownTenant { slug: slug.clone() })?;
        let (id, status): (Uuid, String) = (row.get(0), row.get(1));
        if !change.possible_in().contains(&status.as_str()) {
            return Err(ControlError::WrongStatus { slug: slug.clone(), status, wanted: change.word() });
        }
        let action = format!("tenant {}", change.word());
        audit(&transaction, actor, &action, Some(id.into()), reason, &json!({ "change": format!("{change:?}") }))
            .await?;
        let mut operation = None;
        match change {
            Change::Suspend | Change::ReadOnly | Change::Resume => {
                let status = match change {
                    Change::Suspend => "suspended",
                    Change::ReadOnly => "read_only",
                    _ => "active",
                };
                transaction
                    .execute("update catalog.tenants set status = $2 where id = $1", &[&id, &status])
                    .await
                    .map_err(&failed)?;
            }
            Change::Name(name) => {
                transaction.execute("update catalog.tenants set name = $2 where id = $1", &[&id, name]).await.map_err(
                    |source| match source.code() {
                        Some(&SqlState::CHECK_VIOLATION | &SqlState::CHARACTER_NOT_IN_REPERTOIRE) => {
                            ControlError::Length
                        }
                        _ => failed(source),
                    },
                )?;
            }
            Change::Plan(plan) => {
                transaction
                    .execute("update catalog.tenants set plan = $2 where id = $1", &[&id, plan])
                    .await
                    .map_err(&failed)?;
            }
            Change::Delete { grace } => {
                let row = transaction
                    .query_one(
                        "with cancelled as (update catalog.operations set state = 'cancelled', finished_at = now()
                              where tenant = $1 and kind = 'provision' and state in ('pending', 'running', 'failed')),
                         due as (update catalog.tenants set status = 'deleting',
                                     delete_after = case when delete_after <= now() then delete_after
                                                         else now() + make_interval(secs => $2) end
                              where id = $1 returning delete_after)
                         insert into catalog.operations as o (kind, tenant, idempotency_key, requested_by, not_before)
                         select 'delete', $1, 'delete ' || $1::text, $3, delete_after from due
                         on conflict (idempotency_key) do update set
                             not_before = excluded.not_before,
                             state = case o.state when 'failed' then 'pending' else o.state end,
                             attempts = case o.state when 'failed' then 0 else o.attempts end,
                             finished_at = case o.state when 'failed' then null else o.finished_at end
                         returning id",
                        &[&id, &grace.as_secs_f64(), &actor],
                    )
                    .await
                    .map_err(&failed)?;
                operation = grace.is_zero().then(|| row.get::<_, Uuid>(0));
            }
        }
        transaction.commit().await.map_err(&failed)?;
        match operation {
            Some(operation) => self.finish(operation).await,
            None => Ok(()),
        }
    }
}

pub(crate) async fn request_provision(
    catalog: &Client,
    slug: &Slug,
    name: &str,
    model: Model,
    idempotency_key: &str,
    requested_by: &str,
) -> Result<(Uuid, TenantId), ControlError> {
    let id = Uuid::from(TenantId::generate());
    let row = catalog
        .query_one(
            "select operation, tenant_id from catalog.request_provision($1, $2, $3, $4, $5, $6)",
            &[&idempotency_key, &id, &slug.as_str(), &name, &model.as_str(), &requested_by],
        )
        .await
        .map_err(|source| match source.code() {
            Some(&SqlState::UNIQUE_VIOLATION) => ControlError::SlugTaken { slug: slug.clone() },
            Some(&SqlState::INVALID_PARAMETER_VALUE) => ControlError::KeyTaken { slug: slug.clone() },
            Some(&SqlState::CHECK_VIOLATION | &SqlState::CHARACTER_NOT_IN_REPERTOIRE) => ControlError::Length,
            _ => ControlError::Database { doing: "asking for a tenant", source },
        })?;
    Ok((row.get(0), row.get::<_, Uuid>(1).into()))
}
