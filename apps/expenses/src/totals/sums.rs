use std::collections::HashMap;
use std::hash::Hash;

use freehold::isolation::{Scope, Sqlx, Write};
use uuid::Uuid;

use crate::day::Day;

/// Keys that are held before the sums are written: their memory is bounded, however the file is ordered. One that is ordered by
/// date meets each key once.
const HELD: usize = 10_000;

/// Sums of expenses of no category that an import is adding.
#[derive(Default)]
pub(crate) struct Sums {
    suppliers: HashMap<SupplierKey, Sum>,
    units: HashMap<UnitKey, Sum>,
}

type UnitKey = (Day, Option<Uuid>);
type SupplierKey = (Day, Option<Uuid>, Option<Uuid>);

#[derive(Clone, Copy, Default)]
struct Sum {
    count: i32,
    /// More than any expense, and than any column.
    total: i128,
}

impl Sum {
    fn add(&mut self, minor: i64) {
        self.count += 1;
        self.total += i128::from(minor);
    }
}

impl Sums {
    /// Takes an expense that was stored in the same scope.
    pub(crate) fn add(&mut self, date: Day, minor: i64, unit: Option<Uuid>, supplier: Option<Uuid>) {
        let month = date.month();
        self.units.entry((month, unit)).or_default().add(minor);
        self.suppliers.entry((month, unit, supplier)).or_default().add(minor);
    }

    /// Whether it is time to write.
    pub(crate) fn is_full(&self) -> bool {
        self.suppliers.len() >= HELD
    }

    /// Writes what is here, in rows of its own: nobody waits for them, nor they for anybody.
    pub(crate) async fn write(&mut self, scope: &mut Scope<Sqlx, Write>) -> Result<(), sqlx::Error> {
        let (keys, counts, totals) = columns(&mut self.units);
        let (months, units): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        sqlx::query(
            "insert into unit_totals (id, month, unit_id, count, total_minor) \
             select id, month, unit_id, count, total_minor \
             from unnest($1::uuid[], $2::date[], $3::uuid[], $4::integer[], $5::bigint[]) \
             as new (id, month, unit_id, count, total_minor)",
        )
        .bind(ids(months.len()))
        .bind(months)
        .bind(units)
        .bind(counts)
        .bind(totals)
        .execute(&mut *scope)
        .await?;

        let (keys, counts, totals) = columns(&mut self.suppliers);
        let months: Vec<_> = keys.iter().map(|key| key.0).collect();
        let units: Vec<_> = keys.iter().map(|key| key.1).collect();
        let suppliers: Vec<_> = keys.iter().map(|key| key.2).collect();
        sqlx::query(
            "insert into supplier_totals (id, month, unit_id, supplier_id, count, total_minor) \
             select id, month, unit_id, supplier_id, count, total_minor \
             from unnest($1::uuid[], $2::date[], $3::uuid[], $4::uuid[], $5::integer[], $6::bigint[]) \
             as new (id, month, unit_id, supplier_id, count, total_minor)",
        )
        .bind(ids(months.len()))
        .bind(months)
        .bind(units)
        .bind(suppliers)
        .bind(counts)
        .bind(totals)
        .execute(scope)
        .await?;
        Ok(())
    }
}

fn ids(number: usize) -> Vec<Uuid> {
    (0..number).map(|_| Uuid::now_v7()).collect()
}

/// Empties the sums into columns, in the order of their keys, which is that of the index they go to. A sum that a column cannot
/// hold becomes several.
fn columns<K: Copy + Eq + Hash + Ord>(sums: &mut HashMap<K, Sum>) -> (Vec<K>, Vec<i32>, Vec<i64>) {
    let mut sorted: Vec<_> = sums.drain().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    let (mut keys, mut counts, mut totals) = (Vec::new(), Vec::new(), Vec::new());
    for (key, Sum { mut count, mut total }) in sorted {
        loop {
            let part = total.clamp(i128::from(-i64::MAX), i128::from(i64::MAX));
            keys.push(key);
            counts.push(std::mem::take(&mut count));
            // It was clamped to what fits.
            totals.push(part as i64);
            total -= part;
            if total == 0 {
                break;
            }
        }
    }
    (keys, counts, totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_beyond_a_column_becomes_several_rows() {
        let mut sums = Sums::default();
        let day: Day = "2026-01-31".parse().unwrap();
        for minor in [i64::MAX, i64::MAX, 5] {
            sums.add(day, minor, None, None);
        }
        let (keys, counts, totals) = columns(&mut sums.units);
        assert_eq!((keys.len(), counts, totals), (3, vec![3, 0, 0], vec![i64::MAX, i64::MAX, 5]));
        assert!(keys.iter().all(|(month, _)| month.to_string() == "2026-01-01"));
        sums.add(day, -5, None, None);
        sums.add(day, 5, None, None);
        assert_eq!(columns(&mut sums.units).2, [0], "what cancels out is one row, and is counted");
    }
}
