use freehold::tenant::{Slug, TenantId};
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{ControlError, ControlPlane};

/// A tenant, as the catalog has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
#[schemars(rename = "Tenant")]
pub struct TenantRow {
    /// Its identity.
    #[schemars(with = "Uuid")]
    pub id: TenantId,
    /// Its name in host names.
    pub slug: String,
    /// The name people read.
    pub name: String,
    /// What it may do.
    pub status: String,
    /// The isolation model, once it has a placement.
    pub model: Option<String>,
    /// The placement.
    pub placement: Option<String>,
    /// The cluster of the placement.
    pub cluster: Option<String>,
    /// What it pays for.
    pub plan: Option<String>,
    /// When it was asked for, in RFC 3339.
    pub created_at: String,
    /// When its rows will be erased, in RFC 3339, if it is being deleted.
    pub delete_after: Option<String>,
}

const COLUMNS: &str = "select t.id, t.slug, t.name, t.status, p.model, p.id as placement, p.cluster, t.plan, \
                              to_char(t.created_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as created_at, \
                              to_char(t.delete_after at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as delete_after \
                       from catalog.tenants t left join catalog.placements p on p.id = t.placement where t.status <> 'deleted'";

impl ControlPlane {
    /// Every tenant that was not deleted, by slug.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be read.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, ControlError> {
        let catalog = self.catalog().await?;
        let rows = catalog
            .query(&format!("{COLUMNS} order by t.slug"), &[])
            .await
            .map_err(ControlError::doing("listing tenants"))?;
        Ok(rows.iter().map(read).collect())
    }

    /// The tenants for which an SQL condition holds, by slug. It may use `slug`, `name`, `status`, `model`, `placement`, `cluster`,
    /// `plan` and `created_at`.
    ///
    /// # Errors
    ///
    /// [`ControlError::Condition`] when the catalog does not understand it.
    pub async fn tenants_where(&self, condition: &str) -> Result<Vec<TenantRow>, ControlError> {
        let failed = ControlError::doing("listing tenants");
        let mut catalog = self.catalog().await?;
        let transaction = catalog.build_transaction().read_only(true).start().await.map_err(&failed)?;
        // On lines of its own: a comment in it ends there.
        let query = format!("select * from ({COLUMNS}) as tenant where (\n{condition}\n) order by slug");
        let rows = transaction.query(&query, &[]).await.map_err(|source| match source.as_db_error() {
            Some(error) => ControlError::Condition { message: error.message().to_owned() },
            None => failed(source),
        })?;
        Ok(rows.iter().map(read).collect())
    }

    /// The tenant of this slug.
    ///
    /// # Errors
    ///
    /// [`ControlError::UnknownTenant`].
    pub async fn tenant(&self, slug: &Slug) -> Result<TenantRow, ControlError> {
        let catalog = self.catalog().await?;
        let row = catalog
            .query_opt(&format!("{COLUMNS} and t.slug = $1"), &[&slug.as_str()])
            .await
            .map_err(ControlError::doing("finding a tenant"))?;
        row.as_ref().map(read).ok_or_else(|| ControlError::UnknownTenant { slug: slug.clone() })
    }
}

fn read(row: &Row) -> TenantRow {
    TenantRow {
        id: row.get::<_, Uuid>("id").into(),
        slug: row.get("slug"),
        name: row.get("name"),
        status: row.get("status"),
        model: row.get("model"),
        placement: row.get("placement"),
        cluster: row.get("cluster"),
        plan: row.get("plan"),
        created_at: row.get("created_at"),
        delete_after: row.get("delete_after"),
    }
}
