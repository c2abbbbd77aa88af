//! Servers that are away, refuse, or take nobody new.

use freehold::isolation::{ErrorKind, TokioPostgres};
use freehold::tenant::Model;
use freehold_control::ControlError;

use crate::application::application;
use crate::support::*;

/// An error with everything that led to it, as an operator reads it.
fn told(error: &ControlError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_draining_cluster_takes_no_new_tenants_and_keeps_those_it_has() {
    let fleet = Fleet::start().await;
    fleet.tenant("early", Model::Schema).await;
    let catalog = fleet.catalog().await;
    catalog.batch_execute("update catalog.clusters set draining = true").await.unwrap();
    for model in Model::ALL {
        let error = fleet
            .control
            .create_tenant(&slug(&format!("late-{model}")), "x", model, model.as_str(), "test")
            .await
            .unwrap_err();
        assert!(told(&error).contains("no cluster takes new tenants"), "{error:?}");
    }
    assert_eq!(one(&catalog, "select count(*) from catalog.placements where model <> 'shared'").await, "1");
    assert_eq!(fleet.control.tenant(&slug("early")).await.unwrap().status, "active");

    catalog.batch_execute("update catalog.clusters set draining = false").await.unwrap();
    for model in Model::ALL {
        fleet.control.create_tenant(&slug(&format!("late-{model}")), "x", model, model.as_str(), "test").await.unwrap();
    }
}

#[tokio::test]
async fn a_slug_that_differs_only_in_case_is_taken() {
    let fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Shared).await;
    let error = fleet.control.create_tenant(&slug("ACME"), "x", Model::Shared, "other", "test").await.unwrap_err();
    assert!(matches!(error, ControlError::SlugTaken { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_down_is_named_with_the_login_and_the_database() {
    let fleet = Fleet::start().await;
    fleet.server.stop().unwrap();
    let error = fleet.control.create_tenant(&slug("acme"), "x", Model::Shared, "key", "test").await.unwrap_err();
    let text = told(&error);
    for part in ["freehold_catalog", "freehold_control"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn a_data_database_that_lets_nobody_in_fails_the_operation_and_is_named_there() {
    let fleet = Fleet::start().await;
    let superuser = fleet.superuser("postgres").await;
    superuser.batch_execute("alter database freehold_data allow_connections false").await.unwrap();
    let error = fleet.control.create_tenant(&slug("acme"), "x", Model::Schema, "key", "test").await.unwrap_err();
    assert!(matches!(&error, ControlError::Operation { reason, .. } if reason.contains("freehold_data")), "{error:?}");
    assert_eq!(one(&fleet.catalog().await, "select status from catalog.tenants").await, "provisioning");

    superuser.batch_execute("alter database freehold_data allow_connections true").await.unwrap();
    fleet.control.create_tenant(&slug("acme"), "x", Model::Schema, "key", "test").await.unwrap();
}

#[tokio::test]
async fn a_control_plane_without_rights_says_what_it_may_not_do() {
    let fleet = Fleet::start().await;
    let superuser = fleet.superuser("postgres").await;
    for (taken, given, told) in [
        (
            "alter role freehold_control nocreatedb",
            "alter role freehold_control createdb",
            "permission denied to create database",
        ),
        (
            "alter role freehold_control nocreaterole",
            "alter role freehold_control createrole",
            "permission denied to create role",
        ),
    ] {
        superuser.batch_execute(taken).await.unwrap();
        let name = slug(&format!("acme-{}", told.len()));
        let create = || fleet.control.create_tenant(&name, "x", Model::Database, name.as_str(), "test");
        let error = create().await.unwrap_err();
        assert!(matches!(&error, ControlError::Operation { reason, .. } if reason.contains(told)), "{error:?}");
        superuser.batch_execute(given).await.unwrap();
        create().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_without_room_for_a_connection_fails_one_attempt_and_not_the_worker() {
    let fleet = Fleet::start().await;
    let superuser = fleet.superuser("postgres").await;
    superuser.batch_execute("alter database freehold_data connection limit 0").await.unwrap();
    fleet.request("acme", Model::Shared).await;
    fleet.control.run_one("worker", None, &freehold_control::NoObserver).await.unwrap();
    let catalog = fleet.catalog().await;
    let noted = one(&catalog, "select state || ' ' || last_error from catalog.operations").await;
    assert!(noted.starts_with("pending ") && noted.contains("freehold_data"), "{noted}");

    superuser.batch_execute("alter database freehold_data connection limit -1").await.unwrap();
    fleet.work_until("select bool_and(state = 'done') from catalog.operations").await;
}

#[tokio::test]
async fn what_a_full_disk_interrupts_is_done_once_there_is_room() {
    let Some(fleet) = Fleet::on_small_disk(96).await else {
        eprintln!("not shown: this account may not mount a disk to fill");
        return;
    };
    let disk = fleet.disk.as_ref().unwrap();
    let early = fleet.tenant("early", Model::Schema).await;
    let application = application(&fleet).await;
    let early = application.directory().get(early.tenant.into()).unwrap();
    let add = async |rows: i32| {
        let mut scope = application.tenant_db::<TokioPostgres>(&early).write();
        scope.execute("insert into accounts (name) select 'account' from generate_series(1, $1)", &[&rows]).await?;
        scope.commit().await
    };
    add(1).await.unwrap();

    disk.fill();
    let refused = add(100_000).await.unwrap_err();
    assert_eq!((refused.kind(), refused.sqlstate()), (ErrorKind::Unavailable, Some("53100")), "{refused:?}");
    for model in [Model::Schema, Model::Database] {
        let name = slug(&format!("late-{model}"));
        let refused = fleet.control.create_tenant(&name, "x", model, model.as_str(), "test").await.unwrap_err();
        assert!(told(&refused).contains("No space left on device"), "{}", told(&refused));
    }

    disk.make_room();
    for model in [Model::Schema, Model::Database] {
        let name = slug(&format!("late-{model}"));
        fleet.control.create_tenant(&name, "x", model, model.as_str(), "test").await.unwrap();
        assert_eq!(fleet.control.tenant(&name).await.unwrap().status, "active");
    }
    add(1).await.unwrap();
    let kept = application.tenant_db::<TokioPostgres>(&early).read().query("select from accounts", &[]).await.unwrap();
    assert_eq!(kept.len(), 2, "all of what was committed, and nothing of what was not");
}
