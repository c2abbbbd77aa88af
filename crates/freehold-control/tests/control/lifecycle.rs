use std::time::Duration;

use freehold::tenant::Model;
use freehold_control::{Change, ControlError, NoObserver};

use crate::support::*;

#[tokio::test]
async fn every_change_is_in_the_audit_with_actor_and_reason() {
    let fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Shared).await;
    let changes = [
        (Change::ReadOnly, "read_only"),
        (Change::Suspend, "suspended"),
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
async fn a_suspended_tenant_is_not_unlocked_by_making_it_read_only() {
    let fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Shared).await;
    fleet.control.change(&slug("acme"), &Change::Suspend, "alice", "x").await.unwrap();
    let refused = fleet.control.change(&slug("acme"), &Change::ReadOnly, "alice", "x").await.unwrap_err();
    assert_eq!(refused.to_string(), "tenant acme is suspended: it cannot be made read-only");
    assert_eq!(fleet.control.tenant(&slug("acme")).await.unwrap().status, "suspended");
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

const DAY: Duration = Duration::from_secs(86_400);

fn rename(to: &str, reserve: Duration) -> Change {
    Change::Rename { to: slug(to), reserve }
}

#[tokio::test]
async fn a_slug_that_was_given_up_is_reserved_for_who_had_it() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Schema).await;
    let neighbour = fleet.tenant("bolt", Model::Shared).await;
    fleet.control.change(&slug("acme"), &rename("zenith", DAY), "alice", "a merger").await.unwrap();
    assert_eq!(fleet.home("zenith").await.tenant, home.tenant);
    assert_eq!(fleet.home("zenith").await.placement, home.placement, "nothing moves");
    let unknown = fleet.control.tenant(&slug("acme")).await.unwrap_err();
    assert!(matches!(unknown, ControlError::UnknownTenant { .. }), "{unknown:?}");

    let asked = fleet.control.create_tenant(&slug("acme"), "x", Model::Shared, "new", "test").await.unwrap_err();
    assert!(matches!(asked, ControlError::SlugReserved { .. }), "{asked:?}");
    let renamed = fleet.control.change(&slug("bolt"), &rename("acme", DAY), "alice", "x").await.unwrap_err();
    assert!(matches!(renamed, ControlError::SlugReserved { .. }), "{renamed:?}");
    let taken = fleet.control.change(&slug("bolt"), &rename("zenith", DAY), "alice", "x").await.unwrap_err();
    assert!(matches!(taken, ControlError::SlugTaken { .. }), "{taken:?}");
    assert_eq!(fleet.home("bolt").await.tenant, neighbour.tenant, "a rename that is refused changes nothing");

    // Its own slug a tenant may have back, and then it is the other that is reserved.
    fleet.control.change(&slug("zenith"), &rename("acme", DAY), "alice", "no merger").await.unwrap();
    let reserved = fleet.control.change(&slug("bolt"), &rename("zenith", DAY), "alice", "x").await.unwrap_err();
    assert!(matches!(reserved, ControlError::SlugReserved { .. }), "{reserved:?}");
}

#[tokio::test]
async fn a_slug_is_free_when_its_reservation_is_over_or_its_tenant_was_erased() {
    let fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Shared).await;
    fleet.control.change(&slug("acme"), &rename("beta", Duration::ZERO), "alice", "x").await.unwrap();
    fleet.tenant("acme", Model::Shared).await;

    fleet.control.change(&slug("beta"), &rename("gamma", DAY), "alice", "x").await.unwrap();
    let now = Change::Delete { grace: Duration::ZERO };
    fleet.control.change(&slug("gamma"), &now, "alice", "they left").await.unwrap();
    fleet.tenant("beta", Model::Shared).await;
    assert_eq!(one(&fleet.catalog().await, "select count(*) from catalog.former_slugs").await, "0");
}

#[tokio::test]
async fn a_slug_is_not_taken_between_a_rename_and_its_commit() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Shared).await;
    let mut catalog = fleet.catalog().await;
    let transaction = catalog.transaction().await.unwrap();
    let half = format!(
        "insert into catalog.former_slugs values ('acme', '{0}', now() + interval '1 day');
         update catalog.tenants set slug = 'zenith' where id = '{0}'",
        home.tenant
    );
    transaction.batch_execute(&half).await.unwrap();
    let control = fleet.control.clone();
    let asked =
        tokio::spawn(async move { control.create_tenant(&slug("acme"), "x", Model::Shared, "k", "test").await });
    let waits = "select exists (select from pg_locks where locktype = 'advisory' and not granted)";
    eventually(&fleet.catalog().await, waits).await;
    transaction.commit().await.unwrap();
    let refused = asked.await.unwrap().unwrap_err();
    assert!(matches!(refused, ControlError::SlugReserved { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_deletion_is_taken_back_to_what_the_tenant_was() {
    let fleet = Fleet::start().await;
    for (name, before) in [("one", Change::Suspend), ("two", Change::ReadOnly), ("three", Change::Resume)] {
        let home = fleet.tenant(name, Model::Schema).await;
        fleet.fill(&home).await;
        fleet.control.change(&slug(name), &before, "alice", "x").await.unwrap();
        let status = fleet.control.tenant(&slug(name)).await.unwrap().status;
        for _ in 0..2 {
            // Asked for twice, what it was is still what it was before the first time.
            fleet.control.change(&slug(name), &Change::Delete { grace: DAY }, "alice", "x").await.unwrap();
            fleet.control.change(&slug(name), &Change::Delete { grace: DAY }, "alice", "x").await.unwrap();
            assert!(fleet.control.tenant(&slug(name)).await.unwrap().delete_after.is_some());
            fleet.control.change(&slug(name), &Change::Undelete, "alice", "they stay").await.unwrap();
            let tenant = fleet.control.tenant(&slug(name)).await.unwrap();
            assert_eq!((tenant.status, tenant.delete_after), (status.clone(), None));
        }
        end_leases(&fleet.catalog().await).await;
        assert!(!fleet.control.run_one("eager", None, &NoObserver).await.unwrap(), "nothing is left to be erased");
        let twice = fleet.control.change(&slug(name), &Change::Undelete, "alice", "x").await.unwrap_err();
        assert!(matches!(twice, ControlError::WrongStatus { .. }), "{twice:?}");
    }
    let audit = "select count(*) from catalog.audit where action = 'tenant undeleted' and reason = 'they stay'";
    assert_eq!(one(&fleet.catalog().await, audit).await, "6");
}

#[tokio::test]
async fn a_deletion_that_has_begun_to_erase_is_not_taken_back_and_ends() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Schema).await;
    fleet.fill(&home).await;
    fleet.control.change(&slug("acme"), &Change::Delete { grace: DAY }, "alice", "x").await.unwrap();
    end_leases(&fleet.catalog().await).await;
    fleet.control.run_one("killed", None, &DiesAfter::steps(1)).await.unwrap();
    for makes_it_look_untouched in ["select 1", "update catalog.operations set attempts = 0, state = 'pending'"] {
        fleet.catalog().await.batch_execute(makes_it_look_untouched).await.unwrap();
        let late = fleet.control.change(&slug("acme"), &Change::Undelete, "alice", "x").await.unwrap_err();
        assert!(matches!(late, ControlError::ErasureBegun { .. }), "{late:?}");
    }
    fleet.work_until("select status = 'deleted' from catalog.tenants").await;
}

#[tokio::test]
async fn a_tenant_that_was_deleted_while_it_was_made_is_made_after_all() {
    let fleet = Fleet::start().await;
    fleet.request("acme", Model::Schema).await;
    fleet.control.change(&slug("acme"), &Change::Delete { grace: DAY }, "alice", "x").await.unwrap();
    fleet.control.change(&slug("acme"), &Change::Undelete, "alice", "x").await.unwrap();
    fleet.work_until("select status = 'active' from catalog.tenants").await;
}
