use freehold::tenant::Model;
use freehold_control::{Diagnosis, Health, NoObserver};

use crate::support::*;

/// What is wrong with a fleet, but for the age of the server the tests run on.
async fn complaints(fleet: &Fleet) -> Vec<Diagnosis> {
    let found = fleet.control.doctor().await;
    assert!(!found.is_empty());
    let of_interest = |diagnosis: &Diagnosis| diagnosis.health != Health::Good && !diagnosis.finding.contains("CVE");
    found.into_iter().filter(of_interest).collect()
}

/// The one complaint there is.
async fn complaint(fleet: &Fleet) -> Diagnosis {
    let mut found = complaints(fleet).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[tokio::test]
async fn a_fleet_in_order_is_called_so_database_by_database() {
    let fleet = Fleet::start().await;
    for model in Model::ALL {
        fleet.tenant(&format!("the-{model}"), model).await;
    }
    assert_eq!(complaints(&fleet).await, []);
    let home = fleet.home("the-database").await;
    let found = fleet.control.doctor().await;
    for subject in ["the catalog", "cluster main", "database freehold_data", &format!("database {}", home.database)] {
        assert!(
            found.iter().any(|diagnosis| diagnosis.subject == subject && diagnosis.health <= Health::Warning),
            "{subject}: {found:#?}"
        );
    }
}

#[tokio::test]
async fn a_catalog_that_is_away_is_a_finding_and_names_the_server() {
    let fleet = Fleet::start().await;
    fleet.server.stop().unwrap();
    let found = fleet.control.doctor().await;
    assert!(
        matches!(&found[..], [only] if only.health == Health::Bad && only.finding.contains("freehold_catalog")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn a_database_that_is_away_does_not_hide_what_is_wrong_with_the_others() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    let superuser = fleet.superuser("postgres").await;
    superuser.batch_execute(&format!("drop database {} with (force)", home.database)).await.unwrap();
    fleet.data().await.batch_execute("delete from freehold.seal_keys").await.unwrap();
    let found = complaints(&fleet).await;
    let bad: Vec<&str> =
        found.iter().filter(|found| found.health == Health::Bad).map(|found| found.subject.as_str()).collect();
    assert_eq!(bad, ["database freehold_data", &format!("database {}", home.database)], "{found:#?}");
}

#[tokio::test]
async fn a_setting_that_a_login_gave_itself_is_found_and_its_cure_removes_it() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    for role in ["freehold_app", home.placement.as_str()] {
        let database = if role == "freehold_app" { "freehold_data" } else { &home.database };
        let itself = connect(&fleet.server, role, database).await;
        itself.batch_execute(&format!("alter role {role} set search_path = elsewhere")).await.unwrap();
        let found = complaint(&fleet).await;
        assert!(found.finding.contains(role) && found.finding.contains("search_path"), "{found:#?}");
        fleet.data().await.batch_execute(&found.cure.unwrap()).await.unwrap();
        assert_eq!(complaints(&fleet).await, []);
    }
}

#[tokio::test]
async fn what_a_profile_leaves_open_is_named() {
    let fleet = Fleet::start().await;
    fleet.data().await.batch_execute("grant execute on function pg_notify(text, text) to public").await.unwrap();
    let found = complaint(&fleet).await;
    assert_eq!((found.subject.as_str(), found.health), ("database freehold_data", Health::Warning));
    assert!(found.finding.contains("send notifications") && !found.finding.contains("large objects"), "{found:#?}");
}

#[tokio::test]
async fn a_control_plane_that_policies_bind_is_found() {
    let fleet = Fleet::start().await;
    fleet.data().await.batch_execute("alter role freehold_control nobypassrls").await.unwrap();
    let found = complaint(&fleet).await;
    assert!(found.finding.contains("BYPASSRLS"), "{found:#?}");
}

#[tokio::test]
async fn a_tenant_that_only_the_catalog_has_and_one_that_only_the_database_has_are_found() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Schema).await;
    let data = fleet.data().await;
    data.batch_execute("update freehold.residents set epoch = 7").await.unwrap();
    let found = complaint(&fleet).await;
    assert!(found.health == Health::Bad && found.finding.contains("acme"), "{found:#?}");

    data.batch_execute("update freehold.residents set epoch = 1").await.unwrap();
    let stranger = "4e2a1c4e-0000-7000-8000-000000000000";
    data.batch_execute(&format!("insert into freehold.residents values ('{stranger}', '{}', 1)", home.placement))
        .await
        .unwrap();
    let found = complaint(&fleet).await;
    assert!(found.health == Health::Bad && found.finding.contains(stranger), "{found:#?}");
    data.batch_execute(&found.cure.unwrap().replace("as freehold_control: ", "")).await.unwrap();
    assert_eq!(complaints(&fleet).await, []);
}

#[tokio::test]
async fn a_placement_that_no_tenant_has_is_found() {
    let fleet = Fleet::start().await;
    fleet
        .data()
        .await
        .batch_execute("insert into freehold.placements values ('t_aaaaaaaaaaaaaaaa', 'schema')")
        .await
        .unwrap();
    let found = complaint(&fleet).await;
    assert!(found.finding.contains("t_aaaaaaaaaaaaaaaa"), "{found:#?}");
}

#[tokio::test]
async fn work_that_nobody_does_is_found() {
    let fleet = Fleet::start().await;
    fleet.request("acme", Model::Shared).await;
    assert_eq!(complaints(&fleet).await, [], "it has only just been asked for");
    let catalog = fleet.catalog().await;
    for (fault, told) in [
        ("update catalog.operations set not_before = now() - interval '1 hour'", "nobody takes it"),
        (
            "update catalog.operations set state = 'running', lease_owner = 'x', lease_until = now() - interval '1 hour'",
            "went silent",
        ),
        ("update catalog.operations set state = 'failed', last_error = 'the disk is full'", "the disk is full"),
    ] {
        catalog.batch_execute(fault).await.unwrap();
        let found = complaint(&fleet).await;
        assert!(
            found.subject.contains("acme") && found.finding.contains(told) && found.cure.is_some(),
            "{told}: {found:#?}"
        );
    }
    catalog
        .batch_execute("update catalog.operations set state = 'pending', lease_owner = null, lease_until = null")
        .await
        .unwrap();
    fleet.control.run_one("worker", None, &NoObserver).await.unwrap();
    assert_eq!(complaints(&fleet).await, []);
}

#[tokio::test]
async fn a_database_and_a_login_that_belong_to_nobody_are_found() {
    let fleet = Fleet::start().await;
    let superuser = fleet.superuser("postgres").await;
    superuser.batch_execute("create database t_aaaaaaaaaaaaaaaa").await.unwrap();
    superuser.batch_execute("create role t_bbbbbbbbbbbbbbbb login").await.unwrap();
    let found = complaints(&fleet).await;
    let findings: Vec<&str> = found.iter().map(|diagnosis| diagnosis.finding.as_str()).collect();
    assert_eq!(
        findings,
        [
            "a database or login t_aaaaaaaaaaaaaaaa belongs to no tenant",
            "a database or login t_bbbbbbbbbbbbbbbb belongs to no tenant"
        ]
    );
}

#[tokio::test]
async fn a_catalog_of_a_later_version_is_left_alone() {
    let fleet = Fleet::start().await;
    let upgrade = |compatible_from| {
        format!("update catalog.installation set schema_version = 9, compatible_from = {compatible_from}")
    };
    let catalog = fleet.catalog().await;
    catalog.batch_execute(&upgrade(1)).await.unwrap();
    fleet.tenant("acme", Model::Shared).await;
    catalog.batch_execute(&upgrade(9)).await.unwrap();
    let refused = fleet.control.tenants().await.unwrap_err().to_string();
    assert!(refused.contains("schema version 9") && refused.contains("upgrade"), "{refused}");
    let refused = fleet.control.run_one("worker", None, &NoObserver).await.unwrap_err().to_string();
    assert!(refused.contains("schema version 9"), "{refused}");
}

#[tokio::test]
async fn what_a_login_sets_for_itself_to_lock_it_out_or_to_change_meanings_is_taken_back() {
    let fleet = Fleet::start().await;
    let tenant = fleet.tenant("acme", Model::Database).await;
    let place = one(&fleet.catalog().await, "select id from catalog.placements where model = 'database'").await;
    let admin = fleet.superuser("postgres").await;
    for setting in [
        "alter role freehold_app set local_preload_libraries = 'nothing'".to_owned(),
        "alter role freehold_app set work_mem = '8MB'".to_owned(),
        "alter role freehold_app set default_text_search_config = 'simple'".to_owned(),
        format!("alter role {place} in database {place} set local_preload_libraries = 'nothing'"),
        "create role bystander; alter role bystander set local_preload_libraries = 'nothing'".to_owned(),
    ] {
        admin.batch_execute(&setting).await.unwrap();
    }
    let out = try_connect(&fleet.server, "freehold_app", "freehold_data").await;
    assert!(out.unwrap_err().as_db_error().unwrap().message().contains("nothing"), "{tenant:?}");
    let mut taken_back = fleet.control.clean_logins().await.unwrap();
    taken_back.sort();
    assert_eq!(
        taken_back,
        [
            "alter role freehold_app reset default_text_search_config".to_owned(),
            "alter role freehold_app reset local_preload_libraries".to_owned(),
            format!("alter role {place} in database {place} reset local_preload_libraries")
        ]
    );
    try_connect(&fleet.server, "freehold_app", "freehold_data").await.unwrap();
    let left = "select string_agg(setconfig::text, ' ' order by 1) from pg_db_role_setting";
    assert_eq!(one(&admin, left).await, "{local_preload_libraries=nothing} {work_mem=8MB}");
    assert_eq!(fleet.control.clean_logins().await.unwrap(), Vec::<String>::new());

    admin.batch_execute("alter role freehold_app set local_preload_libraries = 'nothing'").await.unwrap();
    let control = fleet.control.clone();
    let worker = tokio::spawn(async move { control.work("a worker", std::future::pending()).await });
    let opened = async {
        while try_connect(&fleet.server, "freehold_app", "freehold_data").await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), opened).await.expect("a worker takes it back");
    worker.abort();
}
