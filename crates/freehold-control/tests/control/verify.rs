use freehold::tenant::Model;
use freehold_control::{NoObserver, Verification};

use crate::support::*;

async fn verify(fleet: &Fleet) -> Verification {
    fleet.control.verify_migrations(&NoObserver).await.unwrap()
}

#[tokio::test]
async fn placements_with_the_same_migrations_are_the_same_whatever_their_model() {
    let mut fleet = Fleet::start().await;
    fleet.write_migration(
        "tenant/0003_more.sql",
        "create function doubled(a bigint) returns bigint language sql immutable return a * 2;
         create view balances with (security_invoker) as select account, sum(minor) from entries group by account;
         create function note() returns trigger language plpgsql as 'begin return new; end';
         create trigger note before insert on accounts for each row execute function note();
         create domain percent as integer check (value between 0 and 100);",
    );
    fleet.migrate().await;
    for model in Model::ALL {
        fleet.tenant(&format!("of-{model}"), model).await;
    }
    let verification = verify(&fleet).await;
    assert_eq!((verification.compared, verification.behind), (3, 0));
    assert!(verification.drifted.is_empty(), "{:#?}", verification.drifted);
}

#[tokio::test]
async fn what_somebody_changed_in_one_placement_is_named_beside_what_most_have() {
    let fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Database).await;
    fleet.tenant("bolt", Model::Schema).await;
    let changes = [
        ("alter table accounts add column note text", "column accounts.note"),
        ("alter table accounts alter name drop not null", "column accounts.name"),
        ("drop index entries_by_account", "index entries_by_account of entries"),
        ("alter table entries no force row level security", "relation entries"),
        ("grant truncate on entries to freehold_app", "grant on entries to freehold_app"),
        ("alter policy freehold_insert on accounts with check (true)", "policy freehold_insert of accounts"),
        ("alter table entries drop constraint entries_currency_fkey", "constraint entries_currency_fkey of entries"),
        ("create function extra() returns int language sql return 1", "routine extra()"),
        ("create type colour as enum ('red')", "type colour"),
    ];
    for (change, _) in changes {
        let sql = format!("set search_path = {}; {change}", home.placement);
        fleet.superuser(&home.database).await.batch_execute(&sql).await.unwrap();
    }
    let verification = verify(&fleet).await;
    assert_eq!(verification.compared, 3);
    let [drifted] = &verification.drifted[..] else { panic!("{:#?}", verification.drifted) };
    assert_eq!((drifted.placement.as_str(), drifted.tenant.as_deref()), (home.placement.as_str(), Some("acme")));
    for (change, object) in changes {
        assert!(drifted.differences.iter().any(|difference| difference.object == object), "{change}: {drifted:#?}");
    }
    assert_eq!(drifted.differences.len(), changes.len(), "{drifted:#?}");
    let of = |object: &str| drifted.differences.iter().find(|difference| difference.object == object).unwrap();
    assert_eq!(
        (&of("column accounts.note").expected, of("column accounts.note").found.as_deref()),
        (&None, Some("text"))
    );
    assert!(of("index entries_by_account of entries").found.is_none());
    assert!(!format!("{:?}", drifted.differences).contains(&home.placement), "differences name no placement");
}

#[tokio::test]
async fn a_placement_that_lacks_a_migration_is_not_compared() {
    let mut fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Schema).await;
    fleet.write_migration("tenant/0003_note.sql", "alter table accounts add column note text;");
    let verification = verify(&fleet).await;
    assert_eq!((verification.compared, verification.behind), (0, 2));
    fleet.control.migrate_tenant(&slug("acme")).await.unwrap();
    let verification = verify(&fleet).await;
    assert_eq!((verification.compared, verification.behind), (1, 1));
    assert!(verification.drifted.is_empty());
}
