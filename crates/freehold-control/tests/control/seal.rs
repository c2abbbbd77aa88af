use freehold::tenant::Model;
use freehold_control::ControlError;

use crate::support::*;

#[tokio::test]
async fn a_rotation_reaches_every_database_and_keeps_two_generations() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    for generation in 2..=4 {
        let rotated = fleet.control.rotate_seal().await.unwrap();
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

    let error = fleet.control.verify_seal().await.unwrap_err();
    assert!(matches!(&error, ControlError::Copy { database } if *database == home.database), "{error:?}");
    fleet.control.rotate_seal().await.unwrap();
    fleet.control.verify_seal().await.unwrap();
    assert_eq!(
        one(&copy, "select count(*) from freehold.seal_keys").await,
        "1",
        "the key of the original still opens the copy"
    );
}
