//! The database's side of an import.

use freehold::Problem;
use freehold::isolation::{Scope, Sqlx, TenantDb, Write};
use http::StatusCode;
use uuid::Uuid;

use super::batch::{Batch, Counts, Expenses, Rejections};
use super::progress::cancelled;
use crate::activity;
use crate::failure::Failure;
use crate::session::Person;
use crate::totals::Sums;

/// An import in a scope that is not committed yet.
pub(super) struct Store {
    pub(super) scope: Scope<Sqlx, Write>,
    names: TenantDb<Sqlx>,
    id: Uuid,
    currency: String,
    sums: Sums,
}

impl Store {
    /// Opens the store of an import that is on record.
    pub(super) async fn open(mut scope: Scope<Sqlx, Write>, names: TenantDb<Sqlx>, id: Uuid) -> Result<Self, Failure> {
        // Held until the end, it tells that this import lives; notes of its progress pass (`FOR KEY SHARE` and updates of other
        // columns do not meet).
        let hold = sqlx::query("select from imports where id = $1 and state = 'running' for key share");
        if hold.bind(id).fetch_optional(&mut scope).await?.is_none() {
            return Err(Problem::new(StatusCode::CONFLICT, "import_taken_over")
                .detail("another import took the place of this one: try again")
                .into());
        }
        // Nobody changes the currency while expenses in it are on their way.
        let currency =
            sqlx::query_scalar("select currency from organisation for key share").fetch_one(&mut scope).await?;
        Ok(Self { scope, names, id, currency, sums: Sums::default() })
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
        for (n, &date) in expenses.dates.iter().enumerate() {
            self.sums.add(date, expenses.amounts[n], units[n], suppliers[n]);
        }
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
        if self.sums.is_full() {
            self.sums.write(&mut self.scope).await?;
        }
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

    /// Keeps what was imported, unless somebody cancelled that before this moment.
    pub(super) async fn commit(mut self, importer: &Person, counts: Counts, file_name: &str) -> Result<(), Failure> {
        self.sums.write(&mut self.scope).await?;
        let Counts { imported, skipped, rejected } = counts;
        let done = sqlx::query(
            "update imports set state = 'done', imported = $2, skipped = $3, rejected = $4, finished_at = now() \
             where id = $1 and state = 'running' and not cancel_requested",
        );
        let done = done.bind(self.id).bind(imported as i64).bind(skipped as i64).bind(rejected as i64);
        if done.execute(&mut self.scope).await?.rows_affected() == 0 {
            return Err(cancelled());
        }
        let name = if file_name.is_empty() { "without a name" } else { file_name };
        let detail = format!("{name}: {imported} imported, {rejected} rejected");
        activity::record(&mut self.scope, importer, "imported a file", Some(self.id), &detail).await?;
        Ok(self.scope.commit().await?)
    }
}
