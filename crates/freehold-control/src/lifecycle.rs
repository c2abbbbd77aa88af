use std::time::Duration;

use freehold::tenant::{Model, Slug, TenantId};
use serde_json::json;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient};
use uuid::Uuid;

use crate::audit::audit;
use crate::{ControlError, ControlPlane};

/// What can be done to a tenant that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Lock it. Nothing is erased.
    Suspend,
    /// Let it read, and not write. A tenant that is suspended has to be resumed first: this would unlock it.
    ReadOnly,
    /// Give it back everything.
    Resume,
    /// Name it otherwise, for people.
    Name(String),
    /// Note what it pays for, or nothing.
    Plan(Option<String>),
    /// Name it otherwise, in host names.
    Rename {
        /// The new slug.
        to: Slug,
        /// How long nobody else gets the old one.
        reserve: Duration,
    },
    /// Erase it when the grace period is over.
    Delete {
        /// How long nothing is erased yet.
        grace: Duration,
    },
    /// Take a deletion back, as long as nothing was erased. The tenant is what it was before.
    Undelete,
}

impl Change {
    fn word(&self) -> &'static str {
        match self {
            Self::Suspend => "suspended",
            Self::ReadOnly => "made read-only",
            Self::Resume => "resumed",
            Self::Name(_) => "named",
            Self::Plan(_) => "put on a plan",
            Self::Rename { .. } => "renamed",
            Self::Delete { .. } => "deleted",
            Self::Undelete => "undeleted",
        }
    }

    /// The statuses in which it can be done.
    fn possible_in(&self) -> &'static [&'static str] {
        match self {
            Self::ReadOnly => &["active", "read_only"],
            Self::Suspend | Self::Resume | Self::Rename { .. } => &["active", "read_only", "suspended"],
            Self::Name(_) | Self::Plan(_) => &["active", "read_only", "suspended", "provisioning"],
            Self::Delete { .. } => &["active", "read_only", "suspended", "provisioning", "deleting"],
            Self::Undelete => &["deleting"],
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
    /// [`ControlError::UnknownTenant`], [`ControlError::WrongStatus`], [`ControlError::Length`]; of a new slug
    /// [`ControlError::SlugTaken`] and [`ControlError::SlugReserved`]; of an undeletion that comes too late
    /// [`ControlError::ErasureBegun`].
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
            Change::Rename { to, reserve } => rename(&transaction, id, to, *reserve).await?,
            Change::Delete { grace } => {
                let deletion = delete(&transaction, id, *grace, actor).await?;
                operation = grace.is_zero().then_some(deletion);
            }
            Change::Undelete => undelete(&transaction, id, slug).await?,
        }
        transaction.commit().await.map_err(&failed)?;
        match operation {
            Some(operation) => self.finish(operation).await,
            None => Ok(()),
        }
    }
}

/// Gives a tenant another slug, and keeps the old one from others for a while. A slug that it had before is its own.
///
/// The key of its creation is free from now on: the same request again would be for another tenant.
async fn rename(catalog: &impl GenericClient, id: Uuid, to: &Slug, reserve: Duration) -> Result<(), ControlError> {
    let failed = ControlError::naming("renaming a tenant", to);
    catalog
        .execute(
            "insert into catalog.former_slugs (slug, tenant, reserved_until) \
             select slug, id, now() + make_interval(secs => $3) from catalog.tenants where id = $1 and slug <> $2 \
             on conflict (slug, tenant) do update set reserved_until = excluded.reserved_until",
            &[&id, &to.as_str(), &reserve.as_secs_f64()],
        )
        .await
        .map_err(&failed)?;
    let rename = "update catalog.tenants set slug = $2 where id = $1";
    catalog.execute(rename, &[&id, &to.as_str()]).await.map_err(&failed)?;
    let free = "update catalog.operations set idempotency_key = 'of renamed tenant ' || tenant \
                where tenant = $1 and kind = 'provision'";
    catalog.execute(free, &[&id]).await.map(drop).map_err(failed)
}

/// Notes that a tenant is to be erased, or that it is to be sooner or later than it was. Returns the operation.
async fn delete(
    catalog: &impl GenericClient,
    id: Uuid,
    grace: Duration,
    requested_by: &str,
) -> Result<Uuid, ControlError> {
    let row = catalog
        .query_one(
            "with cancelled as (update catalog.operations set state = 'cancelled', finished_at = now()
                  where tenant = $1 and kind = 'provision' and state in ('pending', 'running', 'failed')),
             due as (update catalog.tenants set status = 'deleting',
                         deleting_from = case status when 'deleting' then deleting_from else status end,
                         delete_after = case when delete_after <= now() then delete_after
                                             else now() + make_interval(secs => $2) end
                  where id = $1 returning delete_after)
             insert into catalog.operations as o (kind, tenant, idempotency_key, requested_by, not_before)
             select 'delete', $1, 'delete ' || $1::text, $3, delete_after from due
             on conflict (idempotency_key) do update set
                 not_before = excluded.not_before,
                 state = case when o.state in ('failed', 'cancelled') then 'pending' else o.state end,
                 attempts = case when o.state in ('failed', 'cancelled') then 0 else o.attempts end,
                 finished_at = case when o.state in ('failed', 'cancelled') then null else o.finished_at end
             returning id",
            &[&id, &grace.as_secs_f64(), &requested_by],
        )
        .await
        .map_err(ControlError::doing("deleting a tenant"))?;
    Ok(row.get(0))
}

/// Cancels a deletion that no worker has begun. A tenant that was deleted while it was made goes on being made.
async fn undelete(catalog: &impl GenericClient, id: Uuid, slug: &Slug) -> Result<(), ControlError> {
    let failed = ControlError::doing("undeleting a tenant");
    let cancelled = catalog
        .execute(
            "update catalog.operations o set state = 'cancelled', finished_at = now() \
             where o.tenant = $1 and o.kind = 'delete' and o.state = 'pending' and o.attempts = 0 \
               and not exists (select from catalog.operation_steps s where s.operation = o.id)",
            &[&id],
        )
        .await
        .map_err(&failed)?;
    if cancelled == 0 {
        return Err(ControlError::ErasureBegun { slug: slug.clone() });
    }
    catalog
        .execute(
            "with back as (update catalog.tenants \
                 set status = deleting_from, deleting_from = null, delete_after = null where id = $1 returning status) \
             update catalog.operations o \
             set state = 'pending', attempts = 0, last_error = null, finished_at = null, not_before = now() \
             from back where back.status = 'provisioning' and o.tenant = $1 and o.kind = 'provision' and o.state = 'cancelled'",
            &[&id],
        )
        .await
        .map(drop)
        .map_err(failed)
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
            Some(&SqlState::INVALID_PARAMETER_VALUE) => ControlError::KeyTaken { slug: slug.clone() },
            Some(&SqlState::CHECK_VIOLATION | &SqlState::CHARACTER_NOT_IN_REPERTOIRE) => ControlError::Length,
            _ => ControlError::naming("asking for a tenant", slug)(source),
        })?;
    Ok((row.get(0), row.get::<_, Uuid>(1).into()))
}
