//! What the control plane does, as a running application sees it.

use std::time::Duration;

use freehold::isolation::{ExposeSecret, TokioPostgres};
use freehold::tenant::{Model, Status};
use freehold::{Config, Freehold, ProvisionError};
use freehold_control::Change;
use tokio::time::{Instant, timeout};

use crate::support::*;

/// How old an application's picture of its tenants may be.
const PROMISED: Duration = Duration::from_secs(1);

pub(crate) async fn application(fleet: &Fleet) -> Freehold {
    let key = fleet.master_key.to_secret_hex().expose_secret().parse().unwrap();
    Freehold::connect(Config::new(config(&fleet.server, "freehold_reader", "freehold_catalog").into(), key))
        .await
        .unwrap()
}

/// Waits until the application knows, and returns how long that took.
async fn time_until(application: &Freehold, what: &str, is_known: impl Fn(&Freehold) -> bool) -> Duration {
    let asked = Instant::now();
    let mut changes = application.directory().changes();
    let knows = async {
        while !is_known(application) {
            changes.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, knows).await.unwrap_or_else(|_| panic!("the application never learnt: {what}"));
    asked.elapsed()
}

#[tokio::test]
async fn a_change_of_a_tenant_reaches_a_running_application_within_a_second() {
    let fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Shared).await;
    let application = application(&fleet).await;
    let name = slug("acme");
    for (change, status) in [
        (Change::ReadOnly, Status::ReadOnly),
        (Change::Suspend, Status::Suspended),
        (Change::Resume, Status::Active),
        (Change::Delete { grace: Duration::from_secs(1000) }, Status::Deleting),
    ] {
        fleet.control.change(&name, &change, "test", "for the test").await.unwrap();
        let is_known = |application: &Freehold| {
            application.directory().find(&name).is_some_and(|tenant| tenant.status() == status)
        };
        let took = time_until(&application, &format!("{change:?}"), is_known).await;
        assert!(took < PROMISED, "{change:?} took {took:?}");
    }
}

#[tokio::test]
async fn tenants_can_be_had_for_as_long_as_a_worker_is_connected() {
    let fleet = Fleet::start().await;
    let application = application(&fleet).await;
    for _ in 0..2 {
        let alone = application.can_provision().await;
        assert!(matches!(alone, Err(ProvisionError::NoWorker)), "{alone:?}");
        let control = fleet.control.clone();
        let worker = tokio::spawn(async move { control.work("test", std::future::pending()).await });
        let seen = async { while application.can_provision().await.is_err() {} };
        timeout(PATIENCE, seen).await.expect("a worker is seen");
        worker.abort();
        let gone = async { while application.can_provision().await.is_ok() {} };
        timeout(PATIENCE, gone).await.expect("it is seen to be gone");
    }
}

#[tokio::test]
async fn a_tenant_is_served_as_soon_as_it_is_created_and_refused_as_soon_as_it_is_deleted() {
    let fleet = Fleet::start().await;
    let application = application(&fleet).await;
    for model in Model::ALL {
        let name = slug(&format!("the-{model}"));
        fleet.tenant(name.as_str(), model).await;
        let is_active = |application: &Freehold| {
            application.directory().find(&name).is_some_and(|tenant| tenant.status() == Status::Active)
        };
        time_until(&application, "a new tenant", is_active).await;
        let tenant = application.directory().find(&name).unwrap();
        let db = application.tenant_db::<TokioPostgres>(&tenant);
        let mut scope = db.write();
        scope.execute("insert into accounts (name) values ('assets')", &[]).await.unwrap();
        scope.commit().await.unwrap();

        fleet.control.change(&name, &Change::Delete { grace: Duration::ZERO }, "test", "they left").await.unwrap();
        // With the picture from before, as a request that was on its way would have it.
        let late = db.read().query("select name from accounts", &[]).await;
        assert!(late.is_err(), "{model}: {late:?}");
        time_until(&application, "a deletion", |application| application.directory().find(&name).is_none()).await;
    }
}

#[tokio::test]
async fn a_rotation_of_the_seal_disturbs_nobody() {
    let fleet = Fleet::start().await;
    let application = application(&fleet).await;
    for model in Model::ALL {
        let name = slug(&format!("the-{model}"));
        fleet.tenant(name.as_str(), model).await;
        time_until(&application, "a new tenant", |application| application.directory().find(&name).is_some()).await;
        let tenant = application.directory().find(&name).unwrap();
        let db = application.tenant_db::<TokioPostgres>(&tenant);
        db.read().query("select name from accounts", &[]).await.unwrap();
        // The connection that is open goes on with the key from before the rotation.
        fleet.control.rotate_seal(false).await.unwrap();
        db.read().query("select name from accounts", &[]).await.unwrap_or_else(|error| panic!("{model}: {error:?}"));
    }
}

#[tokio::test]
async fn an_application_is_refused_by_a_copy_of_a_database_and_told_that_a_rotation_mends_it() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Shared).await;
    fleet.fill(&home).await;
    let superuser = fleet.superuser("postgres").await;
    superuser.batch_execute("create database copy template freehold_data").await.unwrap();
    superuser.batch_execute("grant connect on database copy to freehold_app, freehold_control").await.unwrap();
    let catalog = fleet.catalog().await;
    catalog
        .batch_execute("update catalog.clusters set database = 'copy'; update catalog.placements set database = 'copy'")
        .await
        .unwrap();

    let application = application(&fleet).await;
    let tenant = application.directory().find(&slug("acme")).unwrap();
    let db = application.tenant_db::<TokioPostgres>(&tenant);
    let refused = db.read().query("select name from accounts", &[]).await.unwrap_err();
    assert!(refused.to_string().contains("freehold seal rotate"), "{refused:?}");
    let found = fleet.control.doctor().await;
    assert!(found.iter().any(|diagnosis| diagnosis.finding.contains("copied from")), "{found:#?}");

    fleet.control.rotate_seal(false).await.unwrap();
    assert_eq!(db.read().query("select name from accounts", &[]).await.unwrap().len(), 2);
}
