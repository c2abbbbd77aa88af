use std::fs;

use freehold_control::{ControlError, NewOperator};

use crate::support::*;

fn named(name: &str) -> NewOperator {
    NewOperator { name: name.to_owned(), password: None }
}

#[tokio::test]
async fn an_operator_is_known_by_name_and_password_until_removed() {
    let fleet = Fleet::start().await;
    let control = &fleet.control;
    let made = control.create_operator(&named("ann@example.com"), "alice", "she joins").await.unwrap().unwrap();
    assert!(control.is_operator("Ann@Example.com", &made).await.unwrap());
    assert!(!control.is_operator("ann@example.com", &"another password".into()).await.unwrap());
    assert!(!control.is_operator("bob", &made).await.unwrap());
    let stored = one(&fleet.catalog().await, "select password from catalog.operators").await;
    assert!(stored.starts_with("$argon2id$"), "{stored}");

    let given = fleet.migrations().join("password");
    fs::write(&given, "correct horse battery\n").unwrap();
    let bob = NewOperator { name: "bob".to_owned(), password: Some(format!("file:{}", given.display())) };
    assert!(
        control.create_operator(&bob, "alice", "he joins").await.unwrap().is_none(),
        "a password that was given is not told"
    );
    assert!(control.is_operator("bob", &"correct horse battery".into()).await.unwrap());
    let names: Vec<_> = control.operators().await.unwrap().into_iter().map(|operator| operator.name).collect();
    assert_eq!(names, ["ann@example.com", "bob"]);

    control.remove_operator("ann@example.com", "alice", "she left").await.unwrap();
    assert!(!control.is_operator("ann@example.com", &made).await.unwrap());
    let audit = "select string_agg(action || ' ' || (detail ->> 'name'), ', ' order by id) from catalog.audit where actor = 'alice'";
    assert_eq!(
        one(&fleet.catalog().await, audit).await,
        "operator created ann@example.com, operator created bob, operator removed ann@example.com"
    );
}

#[tokio::test]
async fn names_that_are_none_or_taken_and_passwords_that_are_easy_are_refused() {
    let fleet = Fleet::start().await;
    let control = &fleet.control;
    control.create_operator(&named("ann"), "alice", "x").await.unwrap();
    let taken = control.create_operator(&named("ANN"), "alice", "x").await.unwrap_err();
    assert!(matches!(taken, ControlError::OperatorTaken { .. }), "{taken:?}");
    for name in ["", "a b", "a\nb", "a\0b", &"a".repeat(201)] {
        let refused = control.create_operator(&named(name), "alice", "x").await.unwrap_err();
        assert!(matches!(refused, ControlError::OperatorName { .. }), "{name:?}: {refused:?}");
    }
    let short = fleet.migrations().join("password");
    fs::write(&short, "hunter2").unwrap();
    let weak = NewOperator { name: "bob".to_owned(), password: Some(format!("file:{}", short.display())) };
    let refused = control.create_operator(&weak, "alice", "x").await.unwrap_err();
    assert!(matches!(refused, ControlError::UnfitPassword), "{refused:?}");
    let unknown = control.remove_operator("bob", "alice", "x").await.unwrap_err();
    assert!(matches!(unknown, ControlError::UnknownOperator { .. }), "{unknown:?}");
    let unexplained = control.create_operator(&named("bob"), "alice", "").await.unwrap_err();
    assert!(matches!(unexplained, ControlError::Unexplained), "{unexplained:?}");
    assert_eq!(control.operators().await.unwrap().len(), 1);
    assert_eq!(one(&fleet.catalog().await, "select count(*) from catalog.audit where actor = 'alice'").await, "1");
}

#[tokio::test]
async fn an_application_cannot_read_who_runs_the_deployment() {
    let fleet = Fleet::start().await;
    let reader = connect(&fleet.server, "freehold_reader", "freehold_catalog").await;
    let refused = reader.batch_execute("select * from catalog.operators").await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "42501", "{refused:?}");
}
