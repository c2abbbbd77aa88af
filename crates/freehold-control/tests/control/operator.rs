//! Work across tenants.

use std::collections::BTreeMap;
use std::error::Error;

use freehold::tenant::Model;
use freehold_control::ControlError;
use uuid::Uuid;

use crate::support::*;

const RECORDS: &str = "select count(*) from catalog.audit where action = 'operator scope'";

/// Two tenants under each model, with two accounts each.
async fn filled() -> (Fleet, Vec<Home>) {
    let fleet = Fleet::start().await;
    let mut homes = Vec::new();
    for model in [Model::Shared, Model::Schema, Model::Database] {
        for name in ["a", "b"] {
            let home = fleet.tenant(&format!("{name}-{model}"), model).await;
            fleet.fill(&home).await;
            homes.push(home);
        }
    }
    (fleet, homes)
}

#[tokio::test]
async fn an_operator_sees_the_rows_of_all_tenants_and_changes_them_on_record() {
    let (fleet, homes) = filled().await;
    let mut operator = fleet.control.operator("ann", "the accounts of all").await.unwrap();
    let catalog = fleet.catalog().await;
    assert_eq!(one(&catalog, RECORDS).await, "1", "on record before the first statement");
    let record = "select actor || ': ' || reason || ' ' || detail from catalog.audit where action = 'operator scope'";
    assert_eq!(one(&catalog, record).await, r#"ann: the accounts of all {"placements": 5}"#);

    let mut seen: BTreeMap<Uuid, i64> = BTreeMap::new();
    for placement in operator.placements() {
        let reading = operator.read(&placement).await.unwrap();
        for row in reading.query("select tenant_id, count(*) from accounts group by 1", &[]).await.unwrap() {
            seen.insert(row.get(0), row.get(1));
        }
        let refused = reading.execute("delete from entries", &[]).await.unwrap_err();
        assert!(whole(&refused).contains("read-only"), "{}", whole(&refused));
    }
    assert_eq!(seen, homes.iter().map(|home| (home.tenant, 2)).collect());

    for placement in operator.placements() {
        let dropped = operator.write(&placement).await.unwrap();
        dropped.execute("update accounts set name = 'forgotten'", &[]).await.unwrap();
        let writing = operator.write(&placement).await.unwrap();
        writing.execute("update accounts set name = 'cash' where name = 'bank'", &[]).await.unwrap();
        writing.commit().await.unwrap();
    }
    for home in &homes {
        let names = format!(
            "select string_agg(name, ' ' order by name) from {}.accounts where tenant_id = '{}'",
            home.placement, home.tenant
        );
        assert_eq!(one(&fleet.superuser(&home.database).await, &names).await, "assets cash");
    }
}

#[tokio::test]
async fn a_commit_behind_a_failed_statement_is_an_error() {
    let (fleet, _) = filled().await;
    let mut operator = fleet.control.operator("ann", "to see it fail").await.unwrap();
    let placement = operator.placements().remove(0);
    let writing = operator.write(&placement).await.unwrap();
    writing.execute("update accounts set name = 'lost'", &[]).await.unwrap();
    writing.query("select nonsense", &[]).await.unwrap_err();
    let refused = writing.commit().await.unwrap_err();
    assert!(whole(&refused).contains("aborted"), "{}", whole(&refused));
    let reading = operator.read(&placement).await.unwrap();
    assert!(reading.query("select from accounts where name = 'lost'", &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_gives_no_name_or_no_reason_gets_no_operator_scope() {
    let fleet = Fleet::start().await;
    for (actor, reason) in [("", "a reason"), ("ann", ""), ("ann", " \t")] {
        let refused = fleet.control.operator(actor, reason).await.unwrap_err();
        assert!(matches!(refused, ControlError::Unexplained), "{refused:?}");
    }
    assert_eq!(one(&fleet.catalog().await, RECORDS).await, "0");
}

#[tokio::test]
async fn an_operator_scope_that_cannot_be_recorded_is_not_given() {
    let fleet = Fleet::start().await;
    let full = "alter table catalog.audit add constraint full_disk check (action <> 'operator scope')";
    fleet.catalog().await.batch_execute(full).await.unwrap();
    let refused = fleet.control.operator("ann", "a reason").await.unwrap_err();
    assert!(whole(&refused).contains("full_disk"), "{}", whole(&refused));
}

#[tokio::test]
async fn without_the_right_to_pass_policies_an_operator_gets_an_error_and_not_a_part_of_the_rows() {
    let (fleet, _) = filled().await;
    fleet.data().await.batch_execute("alter role freehold_control nobypassrls").await.unwrap();
    let mut operator = fleet.control.operator("ann", "the accounts of all").await.unwrap();
    for placement in operator.placements() {
        let reading = operator.read(&placement).await.unwrap();
        let refused = reading.query("select count(*) from accounts", &[]).await.unwrap_err();
        assert!(whole(&refused).contains("row-level security"), "{}", whole(&refused));
    }
}

fn whole(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", whole(source)))
}
