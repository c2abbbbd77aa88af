//! Behind a scope in which nothing but queries ran, a connection is not reset. What such queries can leave is tried here,
//! with text that is part of the program: text made at run time always makes for a reset.

use std::sync::Arc;

use freehold::tenant::{Model, Tenant};
use freehold_testing::{Twins, under_every_model};

use super::lender::{Lender, WIRES};
use super::victim::Victim;
use crate::support::until;

const BACKEND: &str = "select pg_backend_pid()::text";
const SETTINGS: &str = "select coalesce(string_agg(name || '=' || setting, e'\\n' order by name), '') from pg_settings \
                        where name not like 'transaction%' and name not in ('search_path', 'seed')";
const PREPARED: &str = "select name from pg_prepared_statements where from_sql";
const LAST: &str = "select lastval()::text";
const RANDOM: &str = "select string_agg(random()::text, ' ') from generate_series(1, 3)";
const NOTES: &str = "select text from notes";

/// Whoever uses the connection next: under `database` nobody but the same tenant does.
fn next<'l>(victim: &Victim, lender: &'l Lender) -> &'l Arc<Tenant> {
    if victim.twins.model == Model::Database { &lender.a } else { &lender.b }
}

/// The last statement that the server got on the connection that `lender` uses.
async fn last_statement(victim: &Victim, pid: &str) -> String {
    let truth = victim.twins.truth(&victim.twins.a).await;
    let row =
        truth.query_one("select query from pg_stat_activity where pid = $1::text::integer", &[&pid]).await.unwrap();
    row.get(0)
}

under_every_model! {
    "tests/migrations";

    /// Otherwise nothing below would show anything.
    async fn behind_queries_alone_a_connection_is_rolled_back_and_not_reset(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let pid = lender.ask(&lender.a, BACKEND).await.unwrap().remove(0);
            lender.ask(&lender.a, NOTES).await.unwrap();
            until("the rollback follows", || async { last_statement(&victim, &pid).await == "rollback" }).await;
            lender.leave_kept(&["insert into authors (email) values ('quiet@example.org')"], true).await;
            until("the settings are reset", || async { last_statement(&victim, &pid).await == "discard sequences" }).await;
            assert_eq!(lender.ask(&lender.a, BACKEND).await.unwrap(), [&*pid], "{wire:?}");
            victim.twins.truth(&victim.twins.a).await.execute("delete from authors where email like 'quiet@%'", &[]).await.unwrap();
        }
    }

    async fn no_setting_survives_the_query_that_made_it(twins: Twins) {
        let victim = Victim::of(twins).await;
        const SETTERS: &[&str] = &[
            "select set_config('TimeZone', 'Asia/Tokyo', false), set_config('work_mem', '77kB', false)",
            "select set_config('left.behind', 'here', false)",
            "select set_config('search_path', 'pg_catalog', false)",
            "update pg_settings set setting = 'off' where name = 'enable_seqscan'",
        ];
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let next = next(&victim, &lender);
            let (settings, backend) = (lender.ask(next, SETTINGS).await.unwrap(), lender.ask(next, BACKEND).await.unwrap());
            for setter in SETTERS {
                for commit in [false, true] {
                    lender.leave_kept(&[setter], commit).await;
                    assert_eq!(lender.ask(next, SETTINGS).await.unwrap(), settings, "{wire:?} {setter}");
                    assert_eq!(lender.ask(next, "select coalesce(current_setting('left.behind', true), '')").await.unwrap(), [""], "{wire:?}");
                    lender.ask(next, NOTES).await.unwrap();
                }
            }
            assert_eq!(lender.ask(next, BACKEND).await.unwrap(), backend, "another connection shows nothing");
        }
    }

    /// 41: the tag of EXECUTE is that of what it executes, so nothing but queries seems to run. Under a path that changed the
    /// server reads what the driver keeps anew, with the settings of A.
    async fn executing_what_the_driver_keeps_is_no_query_of_the_program(twins: Twins) {
        let victim = Victim::of(twins).await;
        const READ: &str = "select ('2026-01-01 00:00'::timestamptz at time zone 'UTC')::text";
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let next = next(&victim, &lender);
            let (expected, backend) = (lender.ask(next, READ).await.unwrap(), lender.ask(next, BACKEND).await.unwrap());
            let mut poison = vec![
                "select set_config('TimeZone', 'Asia/Tokyo', false), set_config('mine.path', current_setting('search_path'), false)"
                    .to_owned(),
            ];
            for path in ["'pg_catalog'", "current_setting('mine.path')"] {
                poison.push(format!("select set_config('search_path', {path}, false)"));
                poison.extend(lender.kept_for(READ).await.into_iter().map(|name| format!("execute {name}")));
            }
            lender.leave(&poison.iter().map(String::as_str).collect::<Vec<_>>()).await;
            assert_eq!(lender.ask(next, READ).await.unwrap(), expected, "{wire:?}");
            assert_eq!(lender.ask(next, BACKEND).await.unwrap(), backend, "another connection shows nothing");
        }
    }

    /// A scope that reads ends with the statement that begins the next one.
    async fn a_scope_that_reads_ends_before_the_next_one_begins(twins: Twins) {
        let victim = Victim::of(twins).await;
        const BEGUN: &str = "select pg_backend_pid()::text || ' ' || now()::text";
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let next = next(&victim, &lender);
            for setter in [
                "select set_config('left.behind', 'here', true)",
                "select set_config('left.behind', 'here', false)",
            ] {
                let backend = lender.ask(&lender.a, BACKEND).await.unwrap();
                let begun = lender.ask(&lender.a, BEGUN).await.unwrap();
                assert_eq!(lender.ask(&lender.a, setter).await.unwrap(), ["here"]);
                let left = lender.ask(next, "select coalesce(current_setting('left.behind', true), '')").await.unwrap();
                assert_eq!(left, [""], "{wire:?} {setter}");
                assert_ne!(lender.ask(next, BEGUN).await.unwrap(), begun, "{wire:?}: the transaction is the same");
                assert_eq!(lender.ask(next, BACKEND).await.unwrap(), backend, "another connection shows nothing");
            }
        }
    }

    /// A statement whose parameters do not encode is never sent, and what opens the transaction with it. The next statement
    /// must not run in the transaction that the last tenant left.
    async fn a_statement_that_was_never_sent_leaves_no_door_open(twins: Twins) {
        let victim = Victim::of(twins).await;
        const BY_TEXT: &str = "select text from notes where text <> $1";
        let lender = Lender::new(&victim, WIRES[0]).await;
        let (a, b) = (lender.scopes(&lender.a), lender.scopes(&lender.b));
        for _ in 0..2 {
            assert_eq!(b.read().query(BY_TEXT, &[&"x"]).await.unwrap().len(), 1);
            assert_eq!(a.read().query(BY_TEXT, &[&"x"]).await.unwrap().len(), 1);
        }
        for end in 0..3 {
            assert_eq!(b.read().query(BY_TEXT, &[&"x"]).await.unwrap().len(), 1);
            let mut scope = a.read();
            scope.query(BY_TEXT, &[&5_i32]).await.unwrap_err();
            if end == 1 {
                drop(scope.nested().await.unwrap());
            }
            if end < 2 {
                let rows = scope.query(BY_TEXT, &[&"x"]).await.unwrap();
                assert_eq!(rows[0].get::<_, &str>(0), "a note of anna");
            }
        }
        for _ in 0..2 {
            let rows = b.read().query(BY_TEXT, &[&"x"]).await.unwrap();
            assert_eq!(rows[0].get::<_, &str>(0), victim.canary);
        }
    }

    /// Nobody may read the sequence; but whether there was one is told by which error there is.
    async fn what_a_sequence_gave_a_is_not_told_to_the_next_one(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let next = next(&victim, &lender);
            let backend = lender.ask(next, BACKEND).await.unwrap();
            for commit in [false, true] {
                lender.leave_kept(&["insert into notes (text) values ('numbered')", "delete from notes where text = 'numbered'"], commit).await;
                let error = lender.ask(next, LAST).await.unwrap_err();
                assert_eq!(error.sqlstate(), Some("55000"), "{wire:?} {error:?}");
            }
            assert_eq!(lender.ask(next, BACKEND).await.unwrap(), backend, "another connection shows nothing");
        }
    }

    async fn a_seed_that_a_query_sets_foretells_no_random_number_of_the_next_one(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let next = next(&victim, &lender);
            let mut drawn = Vec::new();
            for _ in 0..3 {
                lender.leave_kept(&["select setseed(0.5)"], false).await;
                drawn.extend(lender.ask(next, RANDOM).await.unwrap());
            }
            drawn.sort();
            drawn.dedup();
            assert_eq!(drawn.len(), 3, "{wire:?}");
        }
    }

    async fn a_statement_that_the_program_prepares_by_sql_is_noticed(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for commit in [false, true] {
                lender.leave_kept(&["prepare left_behind as select 'by a'::text"], commit).await;
                assert!(lender.ask(next(&victim, &lender), PREPARED).await.unwrap().is_empty(), "{wire:?}");
            }
        }
    }

    /// The tag of a statement tells nothing of what a routine in it ran.
    async fn a_routine_that_runs_text_makes_for_a_reset_from_the_moment_it_is_there(twins: Twins) {
        let victim = Victim::of(twins).await;
        let truth = victim.twins.truth(&victim.twins.a).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let next = next(&victim, &lender);
            lender.ask(&lender.a, NOTES).await.unwrap();
            truth
                .batch_execute(
                    "begin;
                     create or replace function run(text text) returns text language plpgsql as
                         $$ begin execute text; return 'ran'; end $$;
                     grant execute on function run(text) to public;
                     select freehold.note_interpreters();
                     commit",
                )
                .await
                .unwrap();
            for commit in [false, true] {
                lender.leave_kept(&["select run('prepare left_behind as select 1')"], commit).await;
                assert!(lender.ask(next, PREPARED).await.unwrap().is_empty(), "{wire:?}");
            }
            truth.batch_execute("drop function run(text); select freehold.note_interpreters()").await.unwrap();
        }
    }

    async fn a_trigger_that_runs_text_makes_for_a_reset_behind_writes(twins: Twins) {
        let victim = Victim::of(twins).await;
        let truth = victim.twins.truth(&victim.twins.a).await;
        truth
            .batch_execute(
                "create function obey() returns trigger language plpgsql as $$ begin execute new.email; return new; end $$;
                 create trigger obey before insert on authors for each row execute function obey();
                 select freehold.note_interpreters()",
            )
            .await
            .unwrap();
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for commit in [false, true] {
                lender.leave_kept(&["insert into authors (email) values ('prepare left_behind as select 1')", "delete from authors where email like 'prepare%'"], commit).await;
                assert!(lender.ask(next(&victim, &lender), PREPARED).await.unwrap().is_empty(), "{wire:?}");
            }
        }
        truth.batch_execute("drop trigger obey on authors; drop function obey(); select freehold.note_interpreters()").await.unwrap();
    }
}
