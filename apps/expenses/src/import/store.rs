//! The database's side of an import.

use freehold::Problem;
use freehold::isolation::{Scope, Sqlx, TenantDb, Write};
use http::StatusCode;
use uuid::Uuid;

use super::batch::{Batch, Counts, Expenses, Rejections};
use crate::failure::Failure;
use crate::session::Person;

/// An import in a scope that is not committed yet.
pub(super) struct Store {
    pub(super) scope: Scope<Sqlx, Write>,
    names: TenantDb<Sqlx>,
    pub(super) id: Uuid,
    currency: String,
}

impl Store {
    /// Begins an import, if none of the organisation is under way.
    pub(super) async fn begin(
        mut scope: Scope<Sqlx, Write>,
        names: TenantDb<Sqlx>,
        importer: &Person,
    ) -> Result<Self, Failure> {
        // One at a time: each keeps a connection, and an organisation has a share of them.
        // The key of the row stays free for whoever adds a single expense meanwhile.
        let currency = sqlx::query_scalar("select currency from organisation for no key update skip locked");
        let Some(currency) = currency.fetch_optional(&mut scope).await? else {
            let problem = Problem::new(StatusCode::CONFLICT, "import_under_way");
            return Err(problem
                .detail("another import of the organisation is under way: wait for its end")
                .retry_after(10)
                .into());
        };
        let id = Uuid::now_v7();
        let begin = sqlx::query("insert into imports (id, created_by) values ($1, $2)").bind(id).bind(importer.id);
        begin.execute(&mut scope).await?;
        Ok(Self { scope, names, id, currency })
    }

    /// Stores what the batch has.
    ///
    /// New names are kept at once, in a scope of their own: others would wait for them until the end of the import, or it for
    /// others. If the import fails they stay, and show nowhere without an expense.
    pub(super) async fn add(&mut self, batch: &mut Batch) -> Result<(), sqlx::Error> {
        let (expenses, rejections) = batch.take();
        if !expenses.dates.is_empty() {
            let mut names = self.names.write();
            let suppliers = batch.suppliers.resolve(&mut names, &expenses.suppliers).await?;
            let units = batch.units.resolve(&mut names, &expenses.units).await?;
            names.commit().await?;
            self.add_expenses(expenses, suppliers, units).await?;
        }
        if !rejections.lines.is_empty() {
            self.add_rejections(rejections).await?;
        }
        Ok(())
    }

    async fn add_expenses(
        &mut self,
        expenses: Expenses,
        suppliers: Vec<Option<Uuid>>,
        units: Vec<Option<Uuid>>,
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<Uuid> = expenses.dates.iter().map(|_| Uuid::now_v7()).collect();
        sqlx::query(
            "insert into expenses (id, date, amount_minor, supplier_id, unit_id, company_number, charity_number, \
                                   currency, status) \
             select id, date, amount_minor, supplier_id, unit_id, company_number, charity_number, $8, 'paid' \
             from unnest($1::uuid[], $2::date[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[]) \
             as new (id, date, amount_minor, supplier_id, unit_id, company_number, charity_number)",
        )
        .bind(ids)
        .bind(expenses.dates)
        .bind(expenses.amounts)
        .bind(suppliers)
        .bind(units)
        .bind(expenses.company_numbers)
        .bind(expenses.charity_numbers)
        .bind(&self.currency)
        .execute(&mut self.scope)
        .await?;
        Ok(())
    }

    async fn add_rejections(&mut self, rejections: Rejections) -> Result<(), sqlx::Error> {
        sqlx::query(
            "insert into import_rejections (import_id, line, reason) \
             select $1, line, reason from unnest($2::bigint[], $3::text[]) as new (line, reason)",
        )
        .bind(self.id)
        .bind(rejections.lines)
        .bind(rejections.reasons)
        .execute(&mut self.scope)
        .await?;
        Ok(())
    }

    /// Keeps the import, which nobody has seen before.
    pub(super) async fn commit(mut self, counts: Counts) -> Result<(), Failure> {
        sqlx::query("update imports set imported = $2, skipped = $3, rejected = $4 where id = $1")
            .bind(self.id)
            .bind(counts.imported as i64)
            .bind(counts.skipped as i64)
            .bind(counts.rejected as i64)
            .execute(&mut self.scope)
            .await?;
        Ok(self.scope.commit().await?)
    }
}
