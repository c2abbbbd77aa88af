use std::time::Duration;

use freehold::tenant::Model;
use freehold_control::MigrateReport;

use crate::support::*;

/// What failed, in words: the message of each failure.
fn failures(report: &MigrateReport) -> Vec<String> {
    report.failures.iter().map(|failure| failure.error.to_string()).collect()
}

#[tokio::test]
async fn every_placement_gets_every_migration_and_a_second_run_finds_nothing_to_do() {
    let mut fleet = Fleet::start().await;
    let mut homes = Vec::new();
    for model in Model::ALL {
        homes.push(fleet.tenant(&format!("the-{model}"), model).await);
    }
    fleet.write_migration("tenant/0003_note.sql", "alter table accounts add note text;");
    fleet.write_migration("shared/0002_euro.sql", "insert into global.currencies values ('EUR');");
    let report = fleet.control.migrate().await.unwrap();
    assert_eq!(
        (report.applied, report.failures.len()),
        (6, 0),
        "three databases, counting the template, and three placements"
    );
    for home in &homes {
        let data = fleet.superuser(&home.database).await;
        one(&data, &format!("select note from {}.accounts", home.placement)).await;
        assert_eq!(one(&data, "select count(*) from global.currencies").await, "2");
    }
    let report = fleet.control.migrate().await.unwrap();
    assert_eq!((report.applied, report.current, report.failures.len()), (0, 3, 0));
}

#[tokio::test]
async fn a_migration_that_fails_names_file_line_tenant_and_cure_and_leaves_nothing_and_the_others_go_on() {
    let mut fleet = Fleet::start().await;
    let broken = fleet.tenant("broken", Model::Schema).await;
    let fine = fleet.tenant("fine", Model::Schema).await;
    fleet.fill(&broken).await;
    fleet.write_migration(
        "tenant/0003_strict.sql",
        "alter table accounts add checked int;\n\nalter table entries add constraint small check (minor < 10);\n",
    );
    let report = fleet.control.migrate().await.unwrap();
    assert_eq!(report.failures.len(), 1, "{report:#?}");
    let failure = &report.failures[0];
    let text = failure.to_string() + &failure.retry();
    for part in ["broken", "0003_strict.sql", "small", "23514", "migrate --tenant broken"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    let columns = |home: &Home| {
        format!(
            "select count(*) from pg_attribute where attrelid = '{}.accounts'::regclass and attname = 'checked'",
            home.placement
        )
    };
    let data = fleet.data().await;
    assert_eq!(one(&data, &columns(&broken)).await, "0", "half a migration is there");
    assert_eq!(one(&data, &columns(&fine)).await, "1");
}

#[tokio::test]
async fn an_error_is_located_by_line() {
    let mut fleet = Fleet::start().await;
    fleet.write_migration("tenant/0003_typo.sql", "-- ünïcödé before it\nselect 1;\n\nselect nonsense;\n");
    let report = fleet.control.migrate().await.unwrap();
    assert!(failures(&report)[0].contains("line 4"), "{:?}", failures(&report));
}

#[tokio::test]
async fn a_table_that_nobody_declared_is_refused_by_name() {
    let mut fleet = Fleet::start().await;
    fleet.write_migration(
        "tenant/0003_forgotten.sql",
        "create table forgotten (tenant_id uuid not null, id uuid, primary key (tenant_id, id));",
    );
    let report = fleet.control.migrate().await.unwrap();
    assert!(failures(&report)[0].contains("freehold.tenant_table('forgotten')"), "{:?}", failures(&report));
    let left = "select count(*) from pg_class where relname = 'forgotten'";
    assert_eq!(one(&fleet.data().await, left).await, "0");
}

#[tokio::test]
async fn a_partition_that_was_added_later_is_refused_until_its_parent_is_declared_again() {
    let mut fleet = Fleet::start().await;
    fleet.write_migration(
        "tenant/0003_events.sql",
        "create table events (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id)) partition by hash (tenant_id);
         create table events_0 partition of events for values with (modulus 2, remainder 0);
         select freehold.tenant_table('events');",
    );
    fleet.migrate().await;
    let later = "create table events_1 partition of events for values with (modulus 2, remainder 1);";
    fleet.write_migration("tenant/0004_partition.sql", later);
    let report = fleet.control.migrate().await.unwrap();
    assert!(failures(&report)[0].contains("events_1"), "{:?}", failures(&report));
    fleet.write_migration("tenant/0004_partition.sql", &format!("{later} select freehold.tenant_table('events');"));
    fleet.migrate().await;
}

#[tokio::test]
async fn indexes_are_built_outside_a_transaction_where_the_file_says_so() {
    let mut fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Schema).await;
    fleet.write_migration(
        "tenant/0003_indexes.sql",
        "-- freehold: no-transaction
         create index concurrently if not exists accounts_name on accounts (tenant_id, name); -- ; not the end
         /* nor; this */ create index concurrently if not exists entries_minor on entries (tenant_id, minor);
         do $body$ begin perform 1; perform ';'; end $body$;",
    );
    fleet.migrate().await;
    let valid = "select count(*) from pg_index i where i.indexrelid::regclass::text ~ '(accounts_name|entries_minor)' and i.indisvalid";
    assert_eq!(one(&fleet.data().await, valid).await, "4");
}

#[tokio::test]
async fn an_index_waits_for_transactions_that_are_open_and_one_that_was_cut_off_is_built_again() {
    let mut fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Shared).await;
    let index = format!("{}.accounts_name", home.placement);
    let data = fleet.data().await;
    let unique = "-- freehold: no-transaction
         create unique index concurrently if not exists accounts_name on accounts (tenant_id, name);";
    fleet.write_migration("tenant/0003_index.sql", unique);
    // Two rows that contradict each other end the build in the middle.
    let twice = format!(
        "insert into {}.accounts (tenant_id, name) values ('{t}', 'same'), ('{t}', 'same')",
        home.placement,
        t = home.tenant
    );
    data.batch_execute(&twice).await.unwrap();
    let report = fleet.control.migrate().await.unwrap();
    assert!(failures(&report)[0].contains("accounts_name"), "{:?}", failures(&report));
    let valid = format!("select indisvalid from pg_index where indexrelid = '{index}'::regclass");
    assert_eq!(one(&data, &valid).await, "f");

    data.batch_execute(&format!("delete from {}.accounts", home.placement)).await.unwrap();
    let long = fleet.data().await;
    long.batch_execute(&format!(
        "begin; insert into {}.accounts (tenant_id, name) values ('{}', 'late')",
        home.placement, home.tenant
    ))
    .await
    .unwrap();
    let migrating = tokio::spawn({
        let control = fleet.control.clone();
        async move { control.migrate().await }
    });
    // Longer than a migration waits for a lock that keeps others out.
    let waits = "select count(*) > 0 from pg_stat_activity \
                 where wait_event_type = 'Lock' and query like '%index concurrently%' and now() - query_start > interval '2200 milliseconds'";
    eventually(&data, waits).await;
    long.batch_execute("commit").await.unwrap();
    let report = migrating.await.unwrap().unwrap();
    assert!(report.failures.is_empty(), "{:?}", failures(&report));
    assert_eq!(one(&data, &valid).await, "t");
}

#[tokio::test]
async fn a_backfill_sees_every_row_and_any_other_migration_that_changes_rows_is_an_error() {
    let mut fleet = Fleet::start().await;
    for model in Model::ALL {
        let home = fleet.tenant(&format!("the-{model}"), model).await;
        fleet.fill(&home).await;
    }
    fleet.write_migration("tenant/0003_names.sql", "update accounts set name = upper(name);");
    assert_eq!(fleet.control.migrate().await.unwrap().failures.len(), 3);
    fleet.write_migration("tenant/0003_names.sql", "-- freehold: backfill\nupdate accounts set name = upper(name);");
    fleet.migrate().await;
    for model in Model::ALL {
        let home = fleet.home(&format!("the-{model}")).await;
        let lower = format!("select count(*) from {}.accounts where name <> upper(name)", home.placement);
        assert_eq!(one(&fleet.superuser(&home.database).await, &lower).await, "0");
    }
}

#[tokio::test]
async fn a_change_of_an_empty_shared_table_is_no_silent_success() {
    let mut fleet = Fleet::start().await;
    fleet.write_migration("tenant/0003_names.sql", "update accounts set name = upper(name);");
    assert_eq!(
        fleet.control.migrate().await.unwrap().failures.len(),
        1,
        "it passes while no tenant is here, and fails in production"
    );
}

#[tokio::test]
async fn a_foreign_key_between_tables_that_are_there_needs_sight_of_their_rows() {
    let mut fleet = Fleet::start().await;
    let home = fleet.tenant("acme", Model::Shared).await;
    fleet.fill(&home).await;
    let key = "alter table entries add other uuid;
         alter table entries add constraint other foreign key (tenant_id, other) references accounts (tenant_id, id);
         select freehold.tenant_table('entries');";
    fleet.write_migration("tenant/0003_key.sql", key);
    let report = fleet.control.migrate().await.unwrap();
    assert!(failures(&report)[0].contains("begins with `-- freehold: backfill`"), "{:?}", failures(&report));
    fleet.write_migration("tenant/0003_key.sql", &format!("-- freehold: backfill\n{key}"));
    fleet.migrate().await;
}

#[tokio::test]
async fn a_file_that_was_changed_after_it_was_applied_is_named() {
    let mut fleet = Fleet::start().await;
    fleet.write_migration("tenant/0002_entries.sql", "select 1;");
    let report = fleet.control.migrate().await.unwrap();
    assert!(failures(&report)[0].contains("0002_entries.sql"), "{:?}", failures(&report));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_at_once_apply_every_migration_once() {
    let fleet = Fleet::unmigrated(MIGRATIONS).await;
    let (control, other) = (fleet.control.clone(), fleet.control.clone());
    let other = tokio::spawn(async move { other.migrate().await.unwrap() });
    let mut reports = [control.migrate().await.unwrap(), other.await.unwrap()];
    assert!(reports.iter().all(|report| report.failures.is_empty()), "{reports:#?}");
    reports.sort_by_key(|report| report.applied);
    assert_eq!(reports.iter().map(|report| report.applied).sum::<usize>(), 4);
}

#[tokio::test]
async fn a_tenant_database_that_is_down_does_not_stop_the_others() {
    let mut fleet = Fleet::start().await;
    let down = fleet.tenant("down", Model::Database).await;
    let up = fleet.tenant("up", Model::Database).await;
    fleet
        .superuser("postgres")
        .await
        .batch_execute(&format!("alter database {} allow_connections false", down.database))
        .await
        .unwrap();
    fleet.write_migration("tenant/0003_note.sql", "alter table accounts add note text;");
    let report = fleet.control.migrate().await.unwrap();
    assert_eq!(report.failures.len(), 1, "{report:#?}");
    assert_eq!(report.failures[0].database, down.database);
    one(&fleet.superuser(&up.database).await, &format!("select note from {}.accounts", up.placement)).await;
}

#[tokio::test]
async fn a_migration_gives_way_to_a_lock_and_tries_again() {
    let mut fleet = Fleet::start().await;
    let data = fleet.data().await;
    let shared = one(&data, "select id from freehold.placements").await;
    let holder = fleet.data().await;
    holder.batch_execute(&format!("begin; lock table {shared}.accounts in access share mode")).await.unwrap();
    fleet.write_migration("tenant/0003_note.sql", "alter table accounts add note text;");
    let migrating = tokio::spawn({
        let control = fleet.control.clone();
        async move { control.migrate().await.unwrap() }
    });
    // It waited, and it made way: nobody waits for the table, and the migration goes on.
    let waits =
        format!("select count(*) > 0 from pg_locks where relation = '{shared}.accounts'::regclass and not granted");
    eventually(&data, &waits).await;
    eventually(&data, &waits.replace("> 0", "= 0")).await;
    assert!(!migrating.is_finished());
    holder.batch_execute("commit").await.unwrap();
    let report = tokio::time::timeout(Duration::from_secs(20), migrating).await.unwrap().unwrap();
    assert!(report.failures.is_empty(), "{:?}", failures(&report));
}

#[tokio::test]
async fn a_tenant_can_be_created_while_the_fleet_is_behind() {
    let mut fleet = Fleet::start().await;
    fleet.tenant("early", Model::Shared).await;
    fleet.write_migration("shared/0002_euro.sql", "insert into global.currencies values ('EUR');");
    fleet.write_migration("tenant/0003_note.sql", "alter table accounts add note text default 'x';");
    for model in Model::ALL {
        fleet.tenant(&format!("late-{model}"), model).await;
    }
    fleet.migrate().await;
}

#[tokio::test]
async fn what_is_pending_is_told_and_nothing_is_done() {
    let mut fleet = Fleet::start().await;
    fleet.tenant("acme", Model::Schema).await;
    fleet.write_migration("tenant/0003_note.sql", "alter table accounts add note text;");
    let status = fleet.control.migration_status().await.unwrap();
    let pending: usize =
        status.iter().flat_map(|(_, plan)| &plan.pending).map(|pending| pending.migrations.len()).sum();
    assert_eq!(pending, 2);
    assert_eq!(one(&fleet.data().await, "select count(*) from freehold.ledger where version = 3").await, "0");
}
