use std::time::Duration;

use freehold::tenant::Model;
use freehold_control::{Change, ControlError, NoObserver};

use crate::support::*;

const NOW: Change = Change::Delete { grace: Duration::ZERO };

async fn rows_of(fleet: &Fleet, home: &Home) -> String {
    let count = format!(
        "select (select count(*) from {p}.accounts where tenant_id = '{t}') + (select count(*) from {p}.entries where tenant_id = '{t}')",
        p = home.placement,
        t = home.tenant
    );
    one(&fleet.superuser(&home.database).await, &count).await
}

/// Nothing of the tenant is left, and nothing of its neighbour was touched.
async fn assert_erased(fleet: &Fleet, home: &Home, model: Model, neighbour: &Home) {
    let catalog = fleet.catalog().await;
    let (tenant, placement) = (home.tenant, &home.placement);
    assert_eq!(one(&catalog, &format!("select status from catalog.tenants where id = '{tenant}'")).await, "deleted");
    if model != Model::Shared {
        let dropped = format!("select dropped_at is not null from catalog.placements where id = '{placement}'");
        assert_eq!(one(&catalog, &dropped).await, "t", "{model}");
        let left = format!(
            "select (select count(*) from pg_database where datname = '{placement}') + (select count(*) from pg_roles where rolname = '{placement}')"
        );
        assert_eq!(one(&catalog, &left).await, "0", "{model}");
        let data = fleet.data().await;
        let left = format!(
            "select (select count(*) from pg_namespace where nspname = '{placement}') + (select count(*) from freehold.placements where id = '{placement}') \
                  + (select count(*) from freehold.ledger where placement = '{placement}')"
        );
        assert_eq!(one(&data, &left).await, "0", "{model}");
    } else {
        assert_eq!(rows_of(fleet, home).await, "0");
    }
    let residents = format!("select count(*) from freehold.residents where tenant = '{tenant}'");
    assert_eq!(one(&fleet.data().await, &residents).await, "0");
    let certificates =
        format!("select count(*) from catalog.audit where tenant = '{tenant}' and action = 'tenant erased'");
    assert_eq!(one(&catalog, &certificates).await, "1", "{model}");
    let certificate =
        format!("select detail -> 'rows' from catalog.audit where tenant = '{tenant}' and action = 'tenant erased'");
    let rows: serde_json::Value = serde_json::from_str(&one(&catalog, &certificate).await).unwrap();
    assert_eq!(rows, serde_json::json!({ "accounts": 2, "entries": 1 }), "{model}");
    assert_eq!(rows_of(fleet, neighbour).await, "3", "{model}: the neighbour's rows");
}

#[tokio::test]
async fn a_worker_that_is_killed_before_or_after_noting_any_step_leaves_a_deletion_that_another_finishes() {
    let fleet = Fleet::start().await;
    let neighbour = fleet.tenant("neighbour", Model::Shared).await;
    fleet.fill(&neighbour).await;
    let catalog = fleet.catalog().await;
    for model in Model::ALL {
        for (steps, noted) in (1..=5).flat_map(|steps| [(steps, true), (steps, false)]) {
            let name = format!("{model}-{steps}-{noted}");
            let home = fleet.tenant(&name, model).await;
            fleet.fill(&home).await;
            let later = Change::Delete { grace: Duration::from_secs(1000) };
            fleet.control.change(&slug(&name), &later, "test", "they left").await.unwrap();
            end_leases(&catalog).await;
            fleet.control.run_one("killed", None, &DiesAfter::steps(steps)).await.unwrap();
            if !noted {
                forget_last_step(&catalog).await;
            }
            fleet.work_until("select bool_and(state = 'done') from catalog.operations").await;
            assert_erased(&fleet, &home, model, &neighbour).await;
        }
    }
}

#[tokio::test]
async fn a_tenants_open_connection_does_not_stop_its_deletion() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    let tenant = try_connect(&fleet.server, &home.placement, &home.database).await.unwrap();
    tenant.batch_execute("select 1").await.unwrap();
    fleet.control.change(&slug("acme"), &NOW, "test", "they left").await.unwrap();
    assert!(tenant.batch_execute("select 1").await.is_err());
}

#[tokio::test]
async fn nothing_is_erased_in_the_grace_period_and_the_slug_stays_taken() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Schema).await;
    fleet.fill(&home).await;
    let later = Change::Delete { grace: Duration::from_secs(1000) };
    fleet.control.change(&slug("acme"), &later, "test", "they left").await.unwrap();
    assert!(!fleet.control.run_one("eager", None, &NoObserver).await.unwrap());
    assert_eq!(rows_of(&fleet, &home).await, "3");
    let taken = fleet.control.create_tenant(&slug("acme"), "x", Model::Shared, "x", "test").await.unwrap_err();
    assert!(matches!(taken, ControlError::SlugTaken { .. }), "{taken:?}");
    fleet.control.change(&slug("acme"), &NOW, "test", "at once").await.unwrap();
    fleet.tenant("acme", Model::Shared).await;
}

#[tokio::test]
async fn a_tenant_that_never_got_a_placement_can_be_deleted() {
    let fleet = Fleet::start().await;
    fleet.request("acme", Model::Schema).await;
    fleet.control.change(&slug("acme"), &NOW, "test", "a typing error").await.unwrap();
    assert_eq!(one(&fleet.catalog().await, "select status from catalog.tenants").await, "deleted");
}

#[tokio::test]
async fn tables_that_refer_to_each_other_in_a_circle_are_erased() {
    let mut fleet = Fleet::start().await;
    fleet.write_migration(
        "tenant/0003_circle.sql",
        "create table teams (tenant_id uuid not null, id uuid not null, leader uuid, primary key (tenant_id, id));
         create table people (tenant_id uuid not null, id uuid not null, team uuid not null, primary key (tenant_id, id),
                              foreign key (tenant_id, team) references teams (tenant_id, id));
         alter table teams add foreign key (tenant_id, leader) references people (tenant_id, id);
         select freehold.tenant_table('teams'), freehold.tenant_table('people');",
    );
    fleet.migrate().await;
    let home = fleet.tenant("acme", Model::Shared).await;
    let rows = format!(
        "set search_path = {}; insert into teams values ('{t}', '{t}'); insert into people values ('{t}', '{t}', '{t}'); \
         update teams set leader = '{t}'",
        home.placement,
        t = home.tenant
    );
    fleet.data().await.batch_execute(&rows).await.unwrap();
    fleet.control.change(&slug("acme"), &NOW, "test", "they left").await.unwrap();
    let left =
        format!("select (select count(*) from {p}.teams) + (select count(*) from {p}.people)", p = home.placement);
    assert_eq!(one(&fleet.data().await, &left).await, "0");
}

#[tokio::test]
async fn a_row_that_a_running_transaction_inserts_does_not_outlive_the_deletion() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Shared).await;
    let writer = fleet.data().await;
    let insert =
        format!("begin; insert into {}.accounts (tenant_id, name) values ('{}', 'late')", home.placement, home.tenant);
    writer.batch_execute(&insert).await.unwrap();
    let deleting = tokio::spawn({
        let control = fleet.control.clone();
        async move { control.change(&slug("acme"), &NOW, "test", "they left").await }
    });
    let data = fleet.data().await;
    eventually(&data, "select count(*) = 0 from freehold.residents").await;
    // Either it waits for the writer, or it is done: both end here.
    let done = tokio::time::timeout(Duration::from_millis(500), deleting);
    let deleting = match done.await {
        Ok(result) => {
            result.unwrap().unwrap();
            None
        }
        Err(_) => Some(()),
    };
    writer.batch_execute("commit").await.unwrap();
    if deleting.is_some() {
        fleet.work_until("select status = 'deleted' from catalog.tenants").await;
    }
    assert_eq!(rows_of(&fleet, &home).await, "0");
}

#[tokio::test]
async fn a_deletion_that_failed_for_good_is_tried_again_when_it_is_asked_for_again() {
    let fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Schema).await;
    let catalog = fleet.catalog().await;
    let later = Change::Delete { grace: Duration::from_secs(1000) };
    fleet.control.change(&slug("acme"), &later, "test", "they left").await.unwrap();
    catalog.batch_execute("update catalog.operations set state = 'failed' where kind = 'delete'").await.unwrap();
    fleet.control.change(&slug("acme"), &NOW, "test", "again").await.unwrap();
    assert_eq!(one(&catalog, "select status from catalog.tenants").await, "deleted");
}

#[tokio::test]
async fn a_deletion_that_failed_and_was_due_is_not_put_off_by_asking_again() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Schema).await;
    let catalog = fleet.catalog().await;
    let later = Change::Delete { grace: Duration::from_secs(1000) };
    fleet.control.change(&slug("acme"), &later, "test", "they left").await.unwrap();
    let failed = "update catalog.operations set state = 'failed', attempts = 5 where kind = 'delete'; \
                  update catalog.tenants set delete_after = now()";
    catalog.batch_execute(failed).await.unwrap();
    fleet.control.change(&slug("acme"), &later, "test", "again").await.unwrap();
    assert!(fleet.control.run_one("worker", None, &NoObserver).await.unwrap());
    assert_eq!(one(&catalog, "select status from catalog.tenants").await, "deleted");
    assert_eq!(
        one(&fleet.data().await, &format!("select count(*) from pg_namespace where nspname = '{}'", home.placement))
            .await,
        "0"
    );
}

#[tokio::test]
async fn a_sign_up_that_failed_does_not_outlive_its_tenant() {
    let fleet = Fleet::start().await;
    fleet.request("acme", Model::Schema).await;
    let catalog = fleet.catalog().await;
    catalog.batch_execute("update catalog.operations set state = 'failed'").await.unwrap();
    let later = Change::Delete { grace: Duration::from_secs(1000) };
    fleet.control.change(&slug("acme"), &later, "test", "a typing error").await.unwrap();
    // The same request again neither runs nor makes a second tenant.
    fleet.request("acme", Model::Schema).await;
    assert!(!fleet.control.run_one("worker", None, &NoObserver).await.unwrap());
    fleet.control.change(&slug("acme"), &NOW, "test", "at once").await.unwrap();
    assert_eq!(
        one(&catalog, "select string_agg(state, ',' order by kind) from catalog.operations").await,
        "done,cancelled"
    );
}

/// One trigger writes a row for every row that goes, into a table that is emptied before; one keeps rows.
const TRIGGERS: &str = "
    create table history (tenant_id uuid not null, id uuid not null default gen_random_uuid(), name text, primary key (tenant_id, id));
    create function remember() returns trigger language plpgsql as $$
        begin insert into history (tenant_id, name) values (old.tenant_id, old.name); return null; end $$;
    create trigger remember after delete on accounts for each row execute function remember();
    create function keep() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger keep before delete on history for each row execute function keep();
    select freehold.tenant_table('history'), freehold.tenant_table('accounts');";

#[tokio::test]
async fn triggers_keep_no_row_of_a_tenant_that_is_erased() {
    let mut fleet = Fleet::start().await;
    fleet.write_migration("tenant/0003_history.sql", TRIGGERS);
    fleet.migrate().await;
    let (home, neighbour) = (fleet.tenant("acme", Model::Shared).await, fleet.tenant("neighbour", Model::Shared).await);
    for home in [&home, &neighbour] {
        fleet.fill(home).await;
    }
    let data = fleet.data().await;
    let old = format!("insert into {}.history (tenant_id, name) values ('{}', 'old')", home.placement, home.tenant);
    data.batch_execute(&old).await.unwrap();

    // Where triggers cannot be kept from running, what they keep is found, and nothing is said to be erased.
    data.batch_execute("revoke set on parameter session_replication_role from freehold_control").await.unwrap();
    let kept = fleet.control.change(&slug("acme"), &NOW, "test", "they left").await.unwrap_err().to_string();
    assert!(kept.contains("a trigger keeps rows") && kept.contains("history"), "{kept}");
    assert_eq!(rows_of(&fleet, &home).await, "3");

    data.batch_execute("grant set on parameter session_replication_role to freehold_control").await.unwrap();
    fleet.control.change(&slug("acme"), &NOW, "test", "they left").await.unwrap();
    let left = format!("select count(*) from {}.history", home.placement);
    assert_eq!((rows_of(&fleet, &home).await, one(&data, &left).await), ("0".into(), "0".into()));
    assert_eq!(rows_of(&fleet, &neighbour).await, "3");
}
