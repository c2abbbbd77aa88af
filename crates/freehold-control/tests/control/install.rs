use std::sync::Arc;

use freehold::isolation::MasterKey;
use freehold::tenant::Model;
use freehold_control::ControlError;

use crate::support::*;

#[tokio::test]
async fn installing_twice_changes_nothing() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Shared).await;
    let picture = "select string_agg(p::text, '') from catalog.placements p";
    let keys = "select string_agg(k::text, '') || (select count(*) from freehold.ledger) from freehold.seal_keys k";
    let before = (one(&fleet.catalog().await, picture).await, one(&fleet.data().await, keys).await);
    installer(&fleet.server, "postgres", &fleet.master_key).install().await.unwrap();
    assert_eq!(before, (one(&fleet.catalog().await, picture).await, one(&fleet.data().await, keys).await));
    assert_eq!(fleet.home("acme").await.placement, home.placement);
}

#[tokio::test]
async fn an_installation_with_another_master_key_is_refused_and_names_both() {
    let fleet = Fleet::start().await;
    let other = Arc::new(MasterKey::generate());
    let error = installer(&fleet.server, "postgres", &other).install().await.unwrap_err();
    assert!(
        matches!(&error, ControlError::WrongKey { sealed_with, configured, .. }
        if *sealed_with == fleet.master_key.fingerprint() && *configured == other.fingerprint()),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_administrator_who_is_no_superuser_can_install_and_provision_every_model() {
    let place = place();
    let server = start_server(&place).await;
    let superuser = connect(&server, "postgres", "postgres").await;
    superuser.batch_execute("create role service_admin login createdb createrole").await.unwrap();
    let master_key = Arc::new(MasterKey::generate());
    installer(&server, "service_admin", &master_key).install().await.unwrap();
    let data = connect(&server, "postgres", "freehold_data").await;
    assert_eq!(one(&data, "select profile from freehold.installation").await, "managed");
    std::fs::create_dir_all(place.path().join("migrations/tenant")).unwrap();
    std::fs::write(place.path().join("migrations/tenant/0001_ledger.sql"), MIGRATIONS[1].1).unwrap();
    let config = freehold_control::ControlConfig::new(
        config(&server, "freehold_control", "freehold_catalog").into(),
        master_key,
        place.path().join("migrations"),
    );
    let control = freehold_control::ControlPlane::new(config);
    for model in Model::ALL {
        control.create_tenant(&slug(&format!("the-{model}")), "x", model, model.as_str(), "test").await.unwrap();
    }
}

#[tokio::test]
async fn a_superuser_installs_the_hardened_profile_and_tenant_databases_inherit_it() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    for database in ["freehold_data", &home.database] {
        let data = fleet.superuser(database).await;
        assert_eq!(one(&data, "select profile from freehold.installation").await, "hardened", "{database}");
        let open = "select has_function_privilege('freehold_app', 'pg_notify(text, text)', 'execute')";
        assert_eq!(one(&data, open).await, "f", "{database}");
    }
}

#[tokio::test]
async fn a_database_of_somebody_else_is_not_taken_over() {
    let place = place();
    let server = start_server(&place).await;
    let superuser = connect(&server, "postgres", "postgres").await;
    superuser.batch_execute("create database freehold_data").await.unwrap();
    connect(&server, "postgres", "freehold_data").await.batch_execute("create table theirs (id int)").await.unwrap();
    let error = installer(&server, "postgres", &Arc::new(MasterKey::generate())).install().await.unwrap_err();
    assert!(error.to_string().contains("freehold_data"), "{error}");
    let everybody =
        "select datacl::text like '%{=%' or datacl is null from pg_database where datname = 'freehold_data'";
    assert_eq!(one(&superuser, everybody).await, "t", "its rights were changed");
}

#[tokio::test]
async fn the_application_reaches_neither_the_catalog_nor_a_tenant_database_nor_the_template() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    for database in ["freehold_catalog", "freehold_data_template", &home.database] {
        assert!(
            try_connect(&fleet.server, "freehold_app", database).await.is_err(),
            "{database} let the application in"
        );
    }
    try_connect(&fleet.server, "freehold_app", "freehold_data").await.unwrap();
    try_connect(&fleet.server, &home.placement, &home.database).await.unwrap();
    assert!(
        try_connect(&fleet.server, &home.placement, "freehold_data").await.is_err(),
        "a tenant's login reached the data database"
    );
}

#[tokio::test]
async fn two_installations_at_once_make_one_deployment() {
    let place = place();
    let server = start_server(&place).await;
    let master_key = Arc::new(MasterKey::generate());
    let (one_installer, other) =
        (installer(&server, "postgres", &master_key), installer(&server, "postgres", &master_key));
    let (first, second) = tokio::join!(one_installer.install(), other.install());
    first.unwrap();
    second.unwrap();
    let counts = "select (select count(*) from catalog.clusters) || ' ' || (select count(*) from catalog.placements)";
    assert_eq!(one(&connect(&server, "postgres", "freehold_catalog").await, counts).await, "1 1");
    let counts =
        "select (select count(*) from freehold.placements) || ' ' || (select count(*) from freehold.seal_keys)";
    assert_eq!(one(&connect(&server, "postgres", "freehold_data").await, counts).await, "1 1");
}
