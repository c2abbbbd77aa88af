//! Tenants, one by one.

mod change;
mod exec;
mod sql;

pub(crate) use self::exec::run as exec;
use freehold::tenant::Slug;
use freehold_control::{ControlError, ControlPlane, TenantRow};

use crate::cli::OneTenant;
use crate::deployment::Deployment;
use crate::failure::Outcome;
use crate::json::Document;
use crate::output::{table, visible};
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: OneTenant) -> anyhow::Result<Outcome> {
    let deployment = Deployment::open(settings).await?;
    let control = deployment.control();
    match command {
        OneTenant::Create { slug, name, model, idempotency_key } => {
            let key = match idempotency_key {
                Some(key) => key,
                None => own_key(control, &slug).await?,
            };
            let name = name.unwrap_or_else(|| slug.to_string());
            control.create_tenant(&slug, &name, model, &key, &actor()).await?;
            show(settings, &control.tenant(&slug).await?)?;
        }
        OneTenant::List => list(settings, &control.tenants().await?)?,
        OneTenant::Show { slug } => show(settings, &control.tenant(&slug).await?)?,
        OneTenant::Set(set) => change::set(settings, control, set).await?,
        OneTenant::Rename { change, new_slug, reserve_days } => {
            change::rename(settings, control, change, new_slug, reserve_days).await?;
        }
        OneTenant::Suspend(change) => change::suspend(settings, control, change).await?,
        OneTenant::Resume(change) => change::resume(settings, control, change).await?,
        OneTenant::Delete { change, grace_days, yes } => {
            change::delete(settings, control, change, grace_days, yes).await?
        }
        OneTenant::Undelete(change) => change::undelete(settings, control, change).await?,
        OneTenant::Sql(sql) => sql::run(settings, &deployment, sql).await?,
    }
    deployment.close().await?;
    Ok(Outcome::Done)
}

/// The key of a request that names none: typed again after it was cut off, it goes on; typed for a tenant that is there, it
/// is refused.
async fn own_key(control: &ControlPlane, slug: &Slug) -> Result<String, ControlError> {
    match control.tenant(slug).await {
        Ok(tenant) if tenant.status != "provisioning" => Err(ControlError::SlugTaken { slug: slug.clone() }),
        Ok(_) | Err(ControlError::UnknownTenant { .. }) => Ok(format!("cli {slug}")),
        Err(error) => Err(error),
    }
}

/// Who does it, for the audit.
pub(crate) fn actor() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok().flatten();
    format!("cli: {}", user.map_or_else(|| nix::unistd::Uid::current().to_string(), |user| user.name))
}

fn list(settings: &Settings, tenants: &[TenantRow]) -> anyhow::Result<()> {
    settings.output.print(&Document::Tenants(tenants), || {
        let rows = tenants.iter().map(|tenant| {
            let model = tenant.model.clone().unwrap_or_default();
            [
                tenant.slug.clone(),
                tenant.status.clone(),
                model,
                tenant.plan.clone().unwrap_or_default(),
                tenant.name.clone(),
            ]
        });
        table(&["SLUG", "STATUS", "MODEL", "PLAN", "NAME"], rows)
    })
}

fn show(settings: &Settings, tenant: &TenantRow) -> anyhow::Result<()> {
    settings.output.print(&Document::Tenant(tenant), || {
        let none = || "-".to_owned();
        let mut rows = vec![
            ("slug", tenant.slug.clone()),
            ("name", tenant.name.clone()),
            ("id", tenant.id.to_string()),
            ("status", tenant.status.clone()),
            ("model", tenant.model.clone().unwrap_or_else(none)),
            ("placement", tenant.placement.clone().unwrap_or_else(none)),
            ("cluster", tenant.cluster.clone().unwrap_or_else(none)),
            ("plan", tenant.plan.clone().unwrap_or_else(none)),
            ("created", tenant.created_at.clone()),
        ];
        rows.extend(tenant.delete_after.clone().map(|after| ("erased", format!("after {after}"))));
        rows.iter().map(|(name, value)| format!("{name:<10} {}\n", visible(value))).collect()
    })
}
