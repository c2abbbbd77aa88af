use freehold::tenant::Model;
use freehold_control::{ControlError, Diagnosis};

use crate::support::*;

#[tokio::test]
async fn a_rotation_reaches_every_database_and_keeps_two_generations() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    for generation in 2..=4 {
        let rotated = fleet.control.rotate_seal(false).await.unwrap();
        let rotated: Vec<_> = rotated.into_iter().map(|(database, result)| (database, result.unwrap())).collect();
        assert_eq!(rotated, [("freehold_data".to_owned(), generation), (home.database.clone(), generation)]);
    }
    for database in ["freehold_data", &home.database] {
        let kept = "select string_agg(generation::text, ',' order by generation) from freehold.seal_keys";
        assert_eq!(one(&fleet.superuser(database).await, kept).await, "3,4");
    }
}

#[tokio::test]
async fn a_database_that_is_a_copy_of_another_is_recognised_and_a_rotation_mends_it() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    // A restored copy has the keys of the database it was copied from.
    let keys = "select format('insert into freehold.seal_keys values (%s, %L, %L, %L, %L)', generation, salt, fingerprint, inner_pad, outer_pad) \
                from freehold.seal_keys";
    let keys = one(&fleet.data().await, keys).await;
    let copy = fleet.superuser(&home.database).await;
    copy.batch_execute(&format!("delete from freehold.seal_keys; {keys}")).await.unwrap();

    let copied = |found: &[Diagnosis]| found.iter().any(|diagnosis| diagnosis.finding.contains("copied from"));
    assert!(copied(&fleet.control.doctor().await));
    fleet.control.rotate_seal(false).await.unwrap();
    assert!(!copied(&fleet.control.doctor().await));
    assert_eq!(
        one(&copy, "select count(*) from freehold.seal_keys").await,
        "1",
        "the key of the original still opens the copy"
    );
}

#[tokio::test]
async fn a_database_under_another_master_key_is_rotated_by_force_alone_and_the_others_are_rotated_anyway() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    let other = "update freehold.seal_keys set fingerprint = 'of another key'";
    fleet.data().await.batch_execute(other).await.unwrap();
    for force in [false, true] {
        let rotated = fleet.control.rotate_seal(force).await.unwrap();
        let of = |name: &str| &rotated.iter().find(|(database, _)| database == name).unwrap().1;
        match of("freehold_data") {
            Ok(_) => assert!(force),
            Err(error) => assert!(!force && matches!(error, ControlError::WrongKey { .. }), "{error:?}"),
        }
        assert!(of(&home.database).is_ok());
    }
}
