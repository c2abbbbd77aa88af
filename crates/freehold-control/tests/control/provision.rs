use std::sync::Arc;
use std::time::Duration;

use freehold::tenant::Model;
use freehold_control::{Change, ControlError, NoObserver, Operation, StepObserver};
use tokio::sync::Semaphore;

use crate::support::*;

/// Everything a tenant needs is there, and there once.
async fn assert_complete(fleet: &Fleet, slug: &str, model: Model) {
    let home = fleet.home(slug).await;
    let catalog = fleet.catalog().await;
    let tenant = home.tenant;
    assert_eq!(one(&catalog, &format!("select status from catalog.tenants where id = '{tenant}'")).await, "active");
    let operations = format!("select count(*) from catalog.operations where tenant = '{tenant}' and state = 'done'");
    assert_eq!(one(&catalog, &operations).await, "1");

    let data = fleet.superuser(&home.database).await;
    let resident = format!(
        "select count(*) from freehold.residents r join freehold.placements p on p.id = r.placement \
         where r.tenant = '{tenant}' and r.placement = '{}' and r.epoch = 1 and p.model = '{model}'",
        home.placement
    );
    assert_eq!(one(&data, &resident).await, "1", "{model}");
    let ledger = format!(
        "select string_agg(version::text, ',' order by version) from freehold.ledger where placement = '{}'",
        home.placement
    );
    assert_eq!(one(&data, &ledger).await, "1,2", "{model}");
    assert_eq!(one(&data, "select count(*) from freehold.seal_keys").await, "1", "{model}");
    assert_eq!(one(&data, "select count(*) from global.currencies").await, "1", "{model}");
    fleet.fill(&home).await;
}

/// No placement, schema, database or login is there that no tenant has.
async fn assert_nothing_else(fleet: &Fleet) {
    let catalog = fleet.catalog().await;
    let unused = "select string_agg(id, ' ') from catalog.placements p
                  where model <> 'shared' and not exists (select from catalog.tenants where placement = p.id)";
    assert_eq!(one(&catalog, unused).await, "", "placements that nobody uses");
    let databases = "select (select count(*) from pg_database where datname like 't\\_%') = count(*)
                        and (select count(*) from pg_roles where rolname like 't\\_%') = count(*)
                     from catalog.placements where model = 'database'";
    assert_eq!(one(&catalog, databases).await, "t", "databases or logins that nobody uses");
    let schemas = one(&catalog, "select count(*) from catalog.placements where model <> 'database'").await;
    let there = "select count(*) from pg_namespace where nspname like 't\\_%'";
    assert_eq!(one(&fleet.data().await, there).await, schemas, "schemas that nobody uses");
}

#[tokio::test]
async fn a_worker_that_is_killed_before_or_after_noting_any_step_leaves_a_provision_that_another_finishes() {
    let fleet = Fleet::start().await;
    for model in Model::ALL {
        for (steps, noted) in (1..=5).flat_map(|steps| [(steps, true), (steps, false)]) {
            let slug = format!("{model}-{steps}-{noted}");
            fleet.request(&slug, model).await;
            fleet.control.run_one("killed", None, &DiesAfter::steps(steps)).await.unwrap();
            if !noted {
                forget_last_step(&fleet.catalog().await).await;
            }
            fleet.work_until("select bool_and(state = 'done') from catalog.operations").await;
            assert_complete(&fleet, &slug, model).await;
        }
    }
    assert_nothing_else(&fleet).await;
}

#[tokio::test]
async fn workers_that_are_killed_at_any_moment_leave_provisions_that_others_finish() {
    let fleet = Fleet::start().await;
    let slugs: Vec<(String, Model)> =
        Model::ALL.into_iter().flat_map(|model| (0..4).map(move |n| (format!("{model}-{n}"), model))).collect();
    for (slug, model) in &slugs {
        fleet.request(slug, *model).await;
    }
    let catalog = fleet.catalog().await;
    // Each worker lives a little longer than the one before, so the cuts fall everywhere.
    for milliseconds in (3..120).step_by(3) {
        end_leases(&catalog).await;
        catalog.batch_execute("update catalog.operations set attempts = 0").await.unwrap();
        let control = fleet.control.clone();
        let worker =
            tokio::spawn(async move { control.run_one(&format!("killed {milliseconds}"), None, &NoObserver).await });
        let _ = tokio::time::timeout(Duration::from_millis(milliseconds), async {
            while !worker.is_finished() {
                tokio::task::yield_now().await
            }
        })
        .await;
        worker.abort();
    }
    fleet.work_until("select bool_and(state = 'done') from catalog.operations").await;
    let incomplete = "select count(*) from catalog.tenants where status <> 'active'";
    assert_eq!(one(&catalog, incomplete).await, "0");
    for (slug, model) in &slugs {
        assert_complete(&fleet, slug, *model).await;
    }
    assert_nothing_else(&fleet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_operations_and_run_none_twice() {
    let fleet = Fleet::start().await;
    for n in 0..6 {
        fleet.request(&format!("acme-{n}"), Model::ALL[n % 3]).await;
    }
    let work = |name: &'static str| {
        let control = fleet.control.clone();
        tokio::spawn(async move { while control.run_one(name, None, &NoObserver).await.unwrap() {} })
    };
    let (one_worker, other) = (work("one"), work("other"));
    one_worker.await.unwrap();
    other.await.unwrap();
    let catalog = fleet.catalog().await;
    assert_eq!(
        one(&catalog, "select string_agg(distinct state || attempts, ',') from catalog.operations").await,
        "done1"
    );
}

#[tokio::test]
async fn a_slug_that_is_taken_is_refused_and_the_same_key_gives_the_same_tenant() {
    let fleet = Fleet::start().await;
    let first = fleet.control.create_tenant(&slug("acme"), "Acme", Model::Schema, "key", "test").await.unwrap();
    let error =
        fleet.control.create_tenant(&slug("acme"), "Other", Model::Shared, "other key", "test").await.unwrap_err();
    assert!(matches!(&error, ControlError::SlugTaken { slug } if slug.as_str() == "acme"), "{error:?}");
    assert_eq!(fleet.control.create_tenant(&slug("acme"), "Acme", Model::Schema, "key", "test").await.unwrap(), first);

    let delete = Change::Delete { grace: Duration::ZERO };
    fleet.control.change(&slug("acme"), &delete, "test", "for the test").await.unwrap();
    while fleet.control.run_one("test", None, &NoObserver).await.unwrap() {}
    let second = fleet.control.create_tenant(&slug("acme"), "Acme", Model::Schema, "key", "test").await.unwrap();
    assert_ne!(second, first, "behind its deletion the same request is another one");
    assert_eq!(fleet.control.create_tenant(&slug("acme"), "Acme", Model::Schema, "key", "test").await.unwrap(), second);
}

#[tokio::test]
async fn a_provision_whose_migration_fails_says_why_and_succeeds_once_the_file_is_mended() {
    let mut fleet = Fleet::unmigrated(MIGRATIONS).await;
    fleet.write_migration("tenant/0003_broken.sql", "select 1;\nselect nonsense;\n");
    let error = fleet.control.create_tenant(&slug("acme"), "Acme", Model::Schema, "key", "test").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("0003_broken.sql") && text.contains("line 2") && text.contains("nonsense"), "{text}");
    let catalog = fleet.catalog().await;
    assert_eq!(one(&catalog, "select status from catalog.tenants").await, "provisioning");

    fleet.write_migration("tenant/0003_broken.sql", "select 1;\n");
    fleet.control.create_tenant(&slug("acme"), "Acme", Model::Schema, "key", "test").await.unwrap();
    assert_eq!(one(&catalog, "select status from catalog.tenants").await, "active");
}

#[tokio::test]
async fn a_provision_that_failed_for_good_is_tried_again_when_it_is_asked_for_again() {
    let mut fleet = Fleet::unmigrated(MIGRATIONS).await;
    fleet.write_migration("tenant/0003_broken.sql", "select nonsense;");
    fleet.request("acme", Model::Schema).await;
    fleet.work_until("select state = 'failed' from catalog.operations").await;
    let catalog = fleet.catalog().await;
    assert_ne!(one(&catalog, "select last_error from catalog.operations").await, "");
    fleet.write_migration("tenant/0003_broken.sql", "select 1;");
    fleet.control.create_tenant(&slug("acme"), "acme", Model::Schema, "acme", "test").await.unwrap();
    assert_eq!(one(&catalog, "select status from catalog.tenants").await, "active");
}

#[tokio::test]
async fn a_provision_that_failed_for_good_is_tried_again_when_an_application_repeats_the_request() {
    let mut fleet = Fleet::unmigrated(MIGRATIONS).await;
    fleet.write_migration("tenant/0003_broken.sql", "select nonsense;");
    let tenant = fleet.request("acme", Model::Schema).await;
    fleet.work_until("select state = 'failed' from catalog.operations").await;
    fleet.write_migration("tenant/0003_broken.sql", "select 1;");
    fleet.request("acme", Model::Schema).await;
    fleet.work_until("select state = 'done' from catalog.operations").await;
    assert_eq!(fleet.home("acme").await.tenant, uuid::Uuid::from(tenant));
}

#[tokio::test]
async fn a_key_names_one_request_and_names_have_a_length() {
    let fleet = Fleet::start().await;
    let create = async |name: &str, key: &str| {
        let slug = slug(if name == "Acme" { "acme" } else { "other" });
        fleet.control.create_tenant(&slug, name, Model::Shared, key, "test").await
    };
    create("Acme", "key").await.unwrap();
    let taken = create("Other", "key").await.unwrap_err();
    assert!(matches!(&taken, ControlError::KeyTaken { slug } if slug.as_str() == "other"), "{taken:?}");
    for (name, key) in [("", "k"), ("x", ""), (&*"x".repeat(201), "k"), ("x", &*"k".repeat(201))] {
        let refused = create(name, key).await.unwrap_err();
        assert!(matches!(refused, ControlError::Length), "{refused:?}");
    }
    let name = Change::Name(String::new());
    let refused = fleet.control.change(&slug("acme"), &name, "test", "a typing error").await.unwrap_err();
    assert!(matches!(refused, ControlError::Length), "{refused:?}");
}

#[tokio::test]
async fn a_tenant_whose_operation_lay_for_long_has_every_migration_when_it_becomes_active() {
    for model in [Model::Schema, Model::Database] {
        let mut fleet = Fleet::start().await;
        fleet.request("acme", model).await;
        fleet.control.run_one("killed", None, &DiesAfter::steps(3)).await.unwrap();
        let home = fleet.home("acme").await;
        fleet.write_migration("tenant/0003_late.sql", "select 1;");
        // As when everybody else is migrated while this one lies.
        fleet.catalog().await.batch_execute("update catalog.installation set tenant_migrations = 3").await.unwrap();
        let plans = fleet.control.migration_status().await.unwrap();
        let pending = plans.iter().find(|(database, _)| *database == home.database);
        assert!(pending.is_some_and(|(_, plan)| !plan.pending.is_empty()), "{model}: {plans:?}");
        fleet.work_until("select status = 'active' from catalog.tenants").await;
        let late =
            format!("select count(*) from freehold.ledger where placement = '{}' and version = 3", home.placement);
        assert_eq!(one(&fleet.superuser(&home.database).await, &late).await, "1", "{model}");
    }
}

#[tokio::test]
async fn a_new_tenant_gets_what_was_rolled_out_and_nothing_that_is_being_written() {
    let mut fleet = Fleet::start().await;
    let applied = async |fleet: &Fleet, home: &Home| {
        let versions = "select string_agg(version::text, ',' order by version) from freehold.ledger where placement";
        one(&fleet.superuser(&home.database).await, &format!("{versions} = '{}'", home.placement)).await
    };
    fleet.write_migration("tenant/0003_begun.sql", "-- nothing yet\n");
    fleet.write_migration("tenant/0004_draft.sql", "select nonsense;");
    for model in Model::ALL {
        let home = fleet.tenant(&format!("{model}-before"), model).await;
        assert_eq!(applied(&fleet, &home).await, "1,2", "{model}");
    }
    assert!(fleet.control.migrate().await.unwrap_err().to_string().contains("0003_begun.sql: has no statement yet"));

    fleet.write_migration("tenant/0003_begun.sql", "select 1;");
    fleet.write_migration("tenant/0004_draft.sql", "select 2;");
    fleet.migrate().await;
    for model in Model::ALL {
        let home = fleet.tenant(&format!("{model}-after"), model).await;
        assert_eq!(applied(&fleet, &home).await, "1,2,3,4", "{model}");
    }

    // What one tenant tries out is its own, but for what its database has once for all.
    fleet.write_migration("tenant/0005_tried.sql", "select 1;");
    fleet.write_migration("shared/0002_tried.sql", "select 1;");
    let tried = fleet.control.migrate_tenant(&slug("schema-after")).await.unwrap();
    assert!(tried.failures.is_empty(), "{:?}", tried.failures);
    for model in Model::ALL {
        let home = fleet.tenant(&format!("{model}-meanwhile"), model).await;
        assert_eq!(applied(&fleet, &home).await, "1,2,3,4", "{model}");
    }
    std::fs::remove_file(fleet.migrations().join("tenant/0005_tried.sql")).unwrap();

    // A worker that was started with the files of an older version makes no tenant of that version.
    std::fs::remove_file(fleet.migrations().join("tenant/0004_draft.sql")).unwrap();
    let old = fleet.control.create_tenant(&slug("late"), "Late", Model::Schema, "late", "test").await.unwrap_err();
    assert!(old.to_string().contains("ends at 0003, and 0004 was rolled out"), "{old}");
}

/// Stops after a step until the test says so.
#[derive(Debug)]
struct Pauses {
    after: &'static str,
    reached: Semaphore,
    go_on: std::sync::Mutex<std::sync::mpsc::Receiver<()>>,
}

impl StepObserver for Pauses {
    fn step_done(&self, _: &Operation, step: &str) -> Result<(), ControlError> {
        if step == self.after {
            self.reached.add_permits(1);
            let _ = self.go_on.lock().unwrap().recv();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tenant_that_is_deleted_while_a_worker_provisions_it_leaves_nothing_behind() {
    let fleet = Fleet::start().await;
    for model in [Model::Schema, Model::Database] {
        for after in ["place", "create", "migrate"] {
            let name = format!("{model}-{after}");
            fleet.request(&name, model).await;
            let (go_on, receiver) = std::sync::mpsc::channel();
            let pauses = Arc::new(Pauses { after, reached: Semaphore::new(0), go_on: receiver.into() });
            let slow = tokio::spawn({
                let (control, pauses) = (fleet.control.clone(), pauses.clone());
                async move { control.run_one("slow", None, &*pauses).await }
            });
            let _reached = pauses.reached.acquire().await.unwrap();
            let deleting = tokio::spawn({
                let (control, slug) = (fleet.control.clone(), slug(&name));
                let now = Change::Delete { grace: Duration::ZERO };
                async move { control.change(&slug, &now, "test", "changed their mind").await }
            });
            let catalog = fleet.catalog().await;
            eventually(
                &catalog,
                &format!("select status in ('deleting', 'deleted') from catalog.tenants where slug = '{name}'"),
            )
            .await;
            // One tenant's operations do not run side by side.
            assert!(!fleet.control.run_one("eager", None, &NoObserver).await.unwrap());
            let waiting = format!(
                "select o.state from catalog.operations o join catalog.tenants t on t.id = o.tenant \
                 where o.kind = 'delete' and t.slug = '{name}'"
            );
            assert_eq!(one(&catalog, &waiting).await, "pending");
            go_on.send(()).unwrap();
            slow.await.unwrap().unwrap();
            deleting.await.unwrap().unwrap();
            assert_eq!(
                one(&catalog, &format!("select status from catalog.tenants where slug = '{name}'")).await,
                "deleted"
            );
        }
    }
    let catalog = fleet.catalog().await;
    let left = "select (select count(*) from pg_database where datname like 't\\_%') + (select count(*) from pg_roles where rolname like 't\\_%')
                     + (select count(*) from catalog.placements where model <> 'shared' and dropped_at is null)";
    assert_eq!(one(&catalog, left).await, "0", "a database, a login or a placement");
    let left =
        "select (select count(*) from freehold.residents) + (select count(*) from freehold.placements where model <> 'shared')
                     + (select count(*) from pg_namespace where nspname like 't\\_%') - 1";
    assert_eq!(one(&fleet.data().await, left).await, "0", "a schema or a resident");
}

#[tokio::test]
async fn a_worker_hears_of_work_survives_a_lost_catalog_and_stops_when_told() {
    let fleet = Fleet::start().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let control = fleet.control.clone();
    let working = tokio::spawn(async move {
        control.work("worker", async { drop(stopped.await) }).await;
    });
    let catalog = fleet.catalog().await;
    fleet.request("one", Model::Schema).await;
    eventually(&catalog, "select count(*) = 1 from catalog.tenants where status = 'active'").await;
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'freehold_control'";
    assert_ne!(one(&catalog, cut).await, "0", "the worker does not listen");
    fleet.request("two", Model::Shared).await;
    eventually(&catalog, "select count(*) = 2 from catalog.tenants where status = 'active'").await;
    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, working).await.unwrap().unwrap();
}
