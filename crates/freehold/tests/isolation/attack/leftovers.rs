use freehold::tenant::Model;
use freehold_testing::{Twins, under_every_model};

use super::lender::{Lender, WIRES, Wire};
use super::victim::Victim;

const BACKEND: &str = "select pg_backend_pid()::text";
const NOTES: &str = "select text from notes";
const SETTINGS: &str = "select coalesce(string_agg(name || '=' || setting, e'\\n' order by name), '') from pg_settings \
                        where name not like 'transaction%' and name <> 'search_path'";

/// Every setting a tenant can change, changed, and some that are not in the list of settings.
const SET_EVERYTHING: &[&str] = &[
    "select set_config(name, (not setting::boolean)::text, false) from pg_settings
     where context = 'user' and vartype = 'bool' and name not like 'transaction%'",
    "commit",
    "select set_config(name, enumvals[cardinality(enumvals)], false) from pg_settings
     where context = 'user' and vartype = 'enum' and name not like 'transaction%' and name <> 'default_toast_compression'",
    "commit",
    "select set_config(name, min_val, false) from pg_settings where context = 'user' and vartype = 'integer' and name ~ '(mem|limit|timeout|interval)'",
    "commit",
    "select set_config('search_path', '{schema}', false), set_config('TimeZone', 'Asia/Tokyo', false), set_config('DateStyle', 'SQL', false)",
    "select set_config('freehold.token', 'left behind', false), set_config('left.behind', 'here', false)",
    "set default_transaction_isolation = 'serializable'",
    "set session characteristics as transaction read only",
    "commit",
];

/// A connection on which B's statements are kept.
async fn warm(victim: &Victim, wire: Wire) -> Lender {
    let lender = Lender::new(victim, wire).await;
    for _ in 0..2 {
        assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary]);
    }
    lender
}

/// Settings that decide how a text is read when it is prepared, and a text that is read differently.
const READINGS: &[(&str, &str)] = &[
    ("set TimeZone = 'Asia/Tokyo'", "select ('2026-01-01 00:00'::timestamptz at time zone 'UTC')::text"),
    ("set DateStyle = 'ISO, DMY'", "select '10/11/12'::date::text"),
    ("set standard_conforming_strings = off", r"select length('a\nb')::text"),
    ("set transform_null_equals = on", "select coalesce((1 = null)::text, 'null')"),
    ("set array_nulls = off", "select (('{NULL}'::text[])[1] is null)::text"),
    ("set IntervalStyle = 'sql_standard'", "select extract(epoch from '-1 2:03:04'::interval)::text"),
    ("set search_path = pg_catalog", "select coalesce(to_regclass('notes')::text, 'none') || '/' || current_schema()"),
];

under_every_model! {
    "tests/migrations";

    /// 3, 42: also when B's transaction, which would undo a reset inside it, is rolled back before the next one.
    async fn no_setting_survives_the_scope_that_made_it(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let (settings, backend) = (lender.ask(&lender.b, SETTINGS).await.unwrap(), lender.ask(&lender.b, BACKEND).await.unwrap());
            let everything: Vec<_> = SET_EVERYTHING.iter().map(|sql| victim.aimed(sql)).collect();
            lender.leave(&everything.iter().map(String::as_str).collect::<Vec<_>>()).await;
            lender.ask(&lender.b, "select (1 / 0)::text").await.unwrap_err();
            assert_eq!(lender.ask(&lender.b, SETTINGS).await.unwrap(), settings, "{wire:?}");
            assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary], "{wire:?}");
            let same = lender.ask(&lender.b, BACKEND).await.unwrap() == backend;
            assert!(same || victim.twins.model == Model::Database, "the connection was not borrowed, so nothing was shown");
        }
        victim.assert_unharmed().await;
    }

    /// 41: every statement the driver keeps is replaced in turn.
    async fn a_statement_prepared_by_a_never_answers_for_one_of_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            for nth in 0..4 {
                let lender = warm(&victim, wire).await;
                let kept = lender.kept().await;
                let Some(name) = kept.get(nth) else { continue };
                for text in ["select 'hijacked'::text", "select 'hijacked'::text where $1::text is null or $2::text is null"] {
                    let hijack = [&*format!("deallocate {name}"), &format!("prepare {name} as {text}"), "commit"];
                    lender.leave(&hijack).await;
                    assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary], "{wire:?} {name}");
                }
            }
        }
    }

    /// 41: with the driver's statements gone, those that believe in them would fail until the connection is closed.
    async fn deallocating_the_drivers_statements_fails_no_request_of_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            for nth in 0..5 {
                let lender = warm(&victim, wire).await;
                let kept = lender.kept().await;
                let name = kept.get(nth).map_or("all", String::as_str);
                lender.leave(&[&format!("deallocate {name}")]).await;
                assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary], "{wire:?} {name}");
            }
        }
    }

    /// The driver leaves statements behind that it asks for types with: as many of ours may be missing, by their number.
    async fn deallocating_what_opens_a_scope_fails_no_request_of_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            for name in ["freehold_begin_read", "freehold_begin_read_again", "freehold_bind", "freehold_rollback"] {
                let lender = warm(&victim, wire).await;
                lender.leave(&["select t from pg_catalog.pg_tables t limit 0", &format!("deallocate {name}")]).await;
                for _ in 0..2 {
                    assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary], "{wire:?} {name}");
                }
            }
        }
    }

    /// 27, 41: a text is read once, with the settings of the moment, and kept. What A set by then is in it for good.
    async fn a_setting_of_a_is_not_in_a_statement_that_is_kept_for_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            for (setting, sql) in READINGS {
                let expected = Lender::new(&victim, wire).await.ask(&victim.twins.b.tenant, sql).await.unwrap();
                let lender = Lender::new(&victim, wire).await;
                lender.leave_before(setting, sql).await;
                assert_eq!(lender.ask(&lender.b, sql).await.unwrap(), expected, "{wire:?} {setting}");
            }
        }
    }

    /// 41: what the driver keeps can be executed from SQL, twice under a changed path, which makes the server read it anew.
    async fn executing_what_the_driver_keeps_leaves_no_setting_in_it(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            for (setting, sql) in READINGS {
                let lender = Lender::new(&victim, wire).await;
                let expected = lender.ask(&lender.b, sql).await.unwrap();
                let mut poison = vec![
                    "select set_config('mine.path', current_setting('search_path'), false)".to_owned(),
                    (*setting).to_owned(),
                    "commit".to_owned(),
                ];
                for path in ["'pg_catalog'", "current_setting('mine.path')"] {
                    poison.push(format!("select set_config('search_path', {path}, false)"));
                    for name in lender.kept().await {
                        poison.extend([format!("execute {name}"), "rollback".to_owned()]);
                    }
                }
                lender.leave(&poison.iter().map(String::as_str).collect::<Vec<_>>()).await;
                assert_eq!(lender.ask(&lender.b, sql).await.unwrap(), expected, "{wire:?} {setting}");
            }
        }
    }

    /// 22, 24: what lives as long as a session.
    async fn cursors_channels_and_temporary_tables_end_with_the_scope(twins: Twins) {
        let victim = Victim::of(twins).await;
        const LEFT: &str = "select name from pg_cursors where name <> '' union all select pg_listening_channels() \
                            union all select relname from pg_class where relpersistence = 't' \
                            union all select name from pg_prepared_statements where from_sql";
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let leave = ["declare left_cursor cursor with hold for select text from notes", "listen left_channel", "commit",
                         "create temporary table notes (text text)", "rollback", "select pg_advisory_lock(1)", "rollback",
                         "prepare left_statement as select 1"];
            lender.leave(&leave).await;
            assert_eq!(lender.ask(&lender.b, LEFT).await.unwrap(), [""; 0], "{wire:?}");
            let locks = victim.twins.truth(&victim.twins.b).await.query("select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())", &[]).await.unwrap();
            assert_eq!(locks.len(), 0);
        }
    }

    /// 44: `set seed` needs no function.
    async fn a_seed_left_behind_does_not_foretell_the_random_numbers_of_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        const RANDOM: &str = "select random()::text";
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            let mut seen = Vec::new();
            for _ in 0..3 {
                lender.leave(&["set seed = 0.5", "commit", "select setseed(0.5)", "commit"]).await;
                seen.extend(lender.ask(&lender.b, RANDOM).await.unwrap());
            }
            assert!(seen[0] != seen[1] && seen[1] != seen[2], "{wire:?}: {seen:?}");
        }
    }

    /// 27: one text, one connection, one kept statement, also when its plan is generic.
    async fn a_kept_statement_shows_each_tenant_its_own_rows(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for mode in ["auto", "force_generic_plan", "force_custom_plan"] {
                for _ in 0..7 {
                    lender.leave(&[&format!("set plan_cache_mode = {mode}"), NOTES, "commit"]).await;
                    assert_eq!(lender.ask(&lender.a, NOTES).await.unwrap(), ["a note of anna"], "{wire:?}");
                    assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary], "{wire:?}");
                }
            }
        }
    }

    /// 27: the same name stands for another type in B's schema.
    async fn a_kept_statement_survives_a_column_of_another_type_elsewhere(twins: Twins) {
        let victim = Victim::of(twins).await;
        if victim.twins.model == Model::Shared {
            return;
        }
        let truth = victim.twins.truth(&victim.twins.b).await;
        truth.batch_execute("alter table notes alter text type varchar(80)").await.unwrap();
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for _ in 0..3 {
                for (tenant, note) in [(&lender.a, "a note of anna"), (&lender.b, &*victim.canary)] {
                    let answer = match lender.ask(tenant, NOTES).await {
                        // sqlx keeps its statement; the connection is closed, and the next scope plans anew.
                        Err(error) if error.sqlstate() == Some("0A000") => lender.ask(tenant, NOTES).await,
                        answer => answer,
                    };
                    assert_eq!(answer.unwrap(), [note], "{wire:?}");
                }
            }
        }
    }
}
