use freehold::tenant::Model;
use freehold_control::{Change, ControlError};

use crate::support::*;

#[tokio::test]
async fn every_change_is_in_the_audit_with_actor_and_reason() {
    let fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Shared).await;
    let changes = [
        (Change::Suspend, "suspended"),
        (Change::ReadOnly, "read_only"),
        (Change::Resume, "active"),
        (Change::Name("Acme Ltd".into()), "active"),
        (Change::Plan(Some("pro".into())), "active"),
    ];
    for (change, status) in changes {
        fleet.control.change(&slug("acme"), &change, "alice", "because").await.unwrap();
        let tenant = fleet.control.tenant(&slug("acme")).await.unwrap();
        assert_eq!(tenant.status, status, "{change:?}");
    }
    let tenant = fleet.control.tenant(&slug("acme")).await.unwrap();
    assert_eq!((tenant.name.as_str(), tenant.plan.as_deref()), ("Acme Ltd", Some("pro")));
    let audit = "select count(*) from catalog.audit where actor = 'alice' and reason = 'because'";
    assert_eq!(one(&fleet.catalog().await, audit).await, "5");
}

#[tokio::test]
async fn a_tenant_that_nobody_knows_and_a_change_that_cannot_be_are_refused() {
    let fleet = Fleet::start().await;
    let unknown = fleet.control.change(&slug("nobody"), &Change::Suspend, "alice", "x").await.unwrap_err();
    assert!(matches!(unknown, ControlError::UnknownTenant { .. }), "{unknown:?}");
    fleet.request("acme", Model::Shared).await;
    let early = fleet.control.change(&slug("acme"), &Change::Resume, "alice", "x").await.unwrap_err();
    assert!(matches!(early, ControlError::WrongStatus { .. }), "{early:?}");
}

#[tokio::test]
async fn a_change_without_a_reason_is_refused_and_not_made() {
    let fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Shared).await;
    assert!(fleet.control.change(&slug("acme"), &Change::Suspend, "alice", "").await.is_err());
    assert_eq!(fleet.control.tenant(&slug("acme")).await.unwrap().status, "active");
}

#[tokio::test]
async fn the_pooler_of_a_cluster_is_set_and_taken_away_on_record() {
    let fleet = Fleet::start().await;
    let pooler = "pooler.internal:6432".parse().unwrap();
    for (pooler, seen) in [(Some(&pooler), "pooler.internal 6432 true"), (None, "direct")] {
        fleet.control.set_pooler("main", pooler, "alice", "because").await.unwrap();
        let endpoint =
            "select case when pooled then host || ' ' || port || ' true' else 'direct' end from catalog.endpoints";
        assert_eq!(one(&fleet.catalog().await, endpoint).await, seen);
    }
    let audit = "select string_agg(detail ->> 'pooler', '') || count(*) from catalog.audit where actor = 'alice'";
    assert_eq!(one(&fleet.catalog().await, audit).await, "pooler.internal:64322");
    let unknown = fleet.control.set_pooler("other", None, "alice", "because").await.unwrap_err();
    assert!(matches!(unknown, ControlError::UnknownCluster { .. }), "{unknown:?}");
    let unexplained = fleet.control.set_pooler("main", None, "alice", " ").await.unwrap_err();
    assert!(matches!(unexplained, ControlError::Unexplained), "{unexplained:?}");
}
