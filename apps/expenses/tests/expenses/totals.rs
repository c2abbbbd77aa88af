//! The sums that are kept per month are those of the expenses, whatever is done and by however many at once.

use std::sync::Arc;

use freehold_testing::{Deployment, connect};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_postgres::Client as Database;

use crate::client::Client;
use crate::support::Site;

/// A generator of numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Knuth's constants; the low bits are the poorest.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const HEADER: &str = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";
const DATES: [&str; 4] = ["2025-12-31", "2026-01-01", "2026-01-31", "2026-02-28"];
const NAMES: [&str; 4] = ["", "a", "b", "c"];
const AMOUNTS: [&str; 6] = ["0.01", "-5.00", "12.34", "1000.00", "92233720368547758.07", "-92233720368547758.07"];
const STATUSES: [&str; 4] = ["submitted", "approved", "rejected", "paid"];

fn expense(dice: &mut Dice) -> Value {
    json!({
        "date": dice.pick(&DATES), "amount": dice.pick(&AMOUNTS), "supplier": dice.pick(&NAMES), "unit": dice.pick(&NAMES),
        "category": dice.pick(&NAMES), "status": dice.pick(&STATUSES),
    })
}

/// Adds, changes, decides, deletes and imports.
async fn meddle(client: Client, seed: u64, begin: Arc<Barrier>) {
    let mut dice = Dice(seed);
    let mut ids = Vec::new();
    begin.wait().await;
    for _ in 0..40 {
        match dice.roll(10) {
            0..4 => ids.push(client.add(expense(&mut dice)).await),
            4..7 if !ids.is_empty() => {
                let id = &ids[dice.roll(ids.len())];
                client.change(&format!("/api/expenses/{id}"), expense(&mut dice)).await.expect(200);
            }
            7..9 if !ids.is_empty() => {
                let id = ids.swap_remove(dice.roll(ids.len()));
                client.delete(&format!("/api/expenses/{id}")).await.expect(204);
            }
            _ => {
                let record = |dice: &mut Dice| {
                    format!(
                        "{},{},{},{},,\n",
                        dice.pick(&DATES),
                        dice.pick(&AMOUNTS),
                        dice.pick(&NAMES),
                        dice.pick(&NAMES)
                    )
                };
                let records: String = (0..20).map(|_| record(&mut dice)).collect();
                let answer = client.import(format!("{HEADER}{records}")).await;
                // Somebody else's is under way.
                assert!(answer.status == 200 || answer.status == 409, "{}", answer.text());
            }
        }
    }
}

/// The database that the tenant's rows are in, seen by somebody who sees all.
async fn truth(deployment: &Deployment, slug: &str) -> (Database, String) {
    let tenant = deployment.freehold.directory().find(&slug.parse().unwrap()).unwrap();
    let catalog = connect("postgres", deployment.catalog_database()).await;
    let place = "select p.database, p.id from catalog.tenants t join catalog.placements p on p.id = t.placement where t.id = $1";
    let row = catalog.query_one(place, &[tenant.id().as_uuid()]).await.unwrap();
    let database = connect("postgres", row.get(0)).await;
    database.batch_execute(&format!("set search_path = {}", row.get::<_, &str>(1))).await.unwrap();
    (database, tenant.id().to_string())
}

async fn assert_equal(site: &Site, client: &Client) {
    let slug = client.host.split('.').next().unwrap();
    let (database, tenant) = truth(&site.deployment, slug).await;
    for (table, key) in
        [("unit_totals", "unit_id, category_id"), ("supplier_totals", "unit_id, category_id, supplier_id")]
    {
        let differences = format!(
            "select count(*) from ( \
               select month, {key}, sum(count) as count, sum(total_minor) as total from {table} where tenant_id = '{tenant}' \
               group by month, {key} having sum(count) <> 0 or sum(total_minor) <> 0) kept \
             full join ( \
               select date_trunc('month', date)::date as month, {key}, count(*) as count, sum(amount_minor) as total \
               from expenses where tenant_id = '{tenant}' and status <> 'rejected' group by 1, {key}) counted \
             on row(kept.*)::text = row(counted.*)::text where kept.month is null or counted.month is null"
        );
        let differences: i64 = database.query_one(&differences, &[]).await.unwrap().get(0);
        assert_eq!(differences, 0, "{table} of {slug}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_those_of_the_expenses_whatever_many_do_at_once() {
    Site::under_each_model(async |twins| {
        let begin = Arc::new(Barrier::new(6));
        let mut meddling = JoinSet::new();
        for seed in 0..6 {
            let client = if seed < 4 { &twins.a } else { &twins.b };
            meddling.spawn(meddle(client.clone(), seed, begin.clone()));
        }
        meddling.join_all().await;
        for client in [&twins.a, &twins.b] {
            assert_equal(twins.site, client).await;
            let (database, tenant) = truth(&twins.site.deployment, client.host.split('.').next().unwrap()).await;
            let delete = format!("delete from categories where tenant_id = '{tenant}' and name = 'a'");
            assert_eq!(database.execute(&delete, &[]).await.unwrap(), 1);
            assert_equal(twins.site, client).await;
            let count = format!("select count(*) from expenses where tenant_id = '{tenant}' and status <> 'rejected'");
            let count: i64 = database.query_one(&count, &[]).await.unwrap().get(0);
            assert!(count > 20, "{count} expenses are too few to show anything");
        }
    })
    .await;
}

#[tokio::test]
async fn one_after_another_changes_the_same_sums_and_adds_no_rows() {
    let site = Site::start().await;
    let ann = site.organisation("acme", freehold::tenant::Model::Database).await;
    let expense = json!({"date": "2026-01-31", "amount": "1.00", "supplier": "Cafe"});
    for _ in 0..20 {
        let id = ann.add(expense.clone()).await;
        ann.change(&format!("/api/expenses/{id}"), json!({"amount": "2.00"})).await.expect(200);
    }
    let (database, _) = truth(&site.deployment, "acme").await;
    let rows = "select u.count::bigint, u.total_minor, s.count::bigint, s.total_minor from unit_totals u cross join supplier_totals s";
    let rows = database.query(rows, &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!([0, 1, 2, 3].map(|column| rows[0].get::<_, i64>(column)), [20, 4_000, 20, 4_000]);
}

/// Every statement that writes expenses has its sums kept beside it: a new one has to be added here, by somebody who thought
/// of that.
#[test]
fn expenses_are_written_in_four_places() {
    let mut places = Vec::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            if ["insert into expenses ", "update expenses ", "delete from expenses "]
                .iter()
                .any(|sql| text.contains(sql))
            {
                assert!(text.contains("totals::") || text.contains("sums"), "{}", path.display());
                places.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    places.sort();
    assert_eq!(places, ["create.rs", "delete.rs", "store.rs", "update.rs"]);
}
