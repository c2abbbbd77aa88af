use freehold::isolation::{Scope, Sqlx, Write};
use uuid::Uuid;

/// Adds the expense `$1` to the sums of its month, `$2` times.
///
/// The row of its key that nobody else has locked is changed, or else there is a new one. A sum that 64 bits cannot hold is
/// left to a new one too.
const CHANGE: &str = "with changed as ( \
         select date_trunc('month', date)::date as month, unit_id, category_id, supplier_id, $2::integer as count, \
                $2::integer * amount_minor as total_minor \
         from expenses where id = $1 and status <> 'rejected'), \
     of_unit as ( \
         select t.id from changed c join unit_totals t on t.month = c.month and t.unit_id is not distinct from c.unit_id \
             and t.category_id is not distinct from c.category_id \
         where t.total_minor::numeric + c.total_minor between -9223372036854775807 and 9223372036854775807 \
         limit 1 for update of t skip locked), \
     unit_changed as ( \
         update unit_totals t set count = t.count + c.count, total_minor = t.total_minor + c.total_minor \
         from changed c where t.id = (select id from of_unit) returning t.id), \
     unit_added as ( \
         insert into unit_totals (id, month, unit_id, category_id, count, total_minor) \
         select $3, month, unit_id, category_id, count, total_minor from changed where not exists (select from unit_changed)), \
     of_supplier as ( \
         select t.id from changed c join supplier_totals t on t.month = c.month \
             and t.supplier_id is not distinct from c.supplier_id and t.unit_id is not distinct from c.unit_id \
             and t.category_id is not distinct from c.category_id \
         where t.total_minor::numeric + c.total_minor between -9223372036854775807 and 9223372036854775807 \
         limit 1 for update of t skip locked), \
     supplier_changed as ( \
         update supplier_totals t set count = t.count + c.count, total_minor = t.total_minor + c.total_minor \
         from changed c where t.id = (select id from of_supplier) returning t.id) \
     insert into supplier_totals (id, month, unit_id, category_id, supplier_id, count, total_minor) \
     select $3, month, unit_id, category_id, supplier_id, count, total_minor from changed \
     where not exists (select from supplier_changed)";

/// Adds an expense to the sums, unless it is rejected. It is there already, in this scope.
pub(crate) async fn add(scope: &mut Scope<Sqlx, Write>, expense: Uuid) -> Result<(), sqlx::Error> {
    change(scope, expense, 1).await
}

/// Takes an expense out of the sums, unless it is rejected. This scope has locked it, and changes or deletes it next.
pub(crate) async fn subtract(scope: &mut Scope<Sqlx, Write>, expense: Uuid) -> Result<(), sqlx::Error> {
    change(scope, expense, -1).await
}

async fn change(scope: &mut Scope<Sqlx, Write>, expense: Uuid, times: i32) -> Result<(), sqlx::Error> {
    sqlx::query(CHANGE).bind(expense).bind(times).bind(Uuid::now_v7()).execute(scope).await?;
    Ok(())
}
