//! What goes between driver and server in front of a tenant's statements and behind them: whether messages and answers keep
//! step, and whether what a tenant did gets past what is watched.

use std::sync::Arc;

use freehold::Freehold;
use freehold::isolation::{Driver, ScopeError, Sqlx, TenantDb, TokioPostgres};
use freehold::tenant::{Model, Tenant};
use freehold_testing::{Twins, under_every_model};
use sqlx::Postgres;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};

use super::lender::{Lender, WIRES, Wire};
use super::victim::Victim;
use crate::support::{at_rest, cut_off, pool, until};

const BACKEND: &str = "select pg_backend_pid()::text";
const BEGUN: &str = "select pg_backend_pid()::text || ' ' || now()::text";
const NOTES: &str = "select text from notes";
const WRITE: &str = "update authors set email = email";

/// An application with one connection.
async fn one_connection(victim: &Victim) -> (Freehold, Arc<Tenant>, Arc<Tenant>) {
    let freehold = victim.twins.deployment.another_application(pool(1)).await;
    let [a, b] = [&victim.twins.a, &victim.twins.b].map(|twin| freehold.directory().get(twin.tenant.id()).unwrap());
    // Under `database` nobody but the same tenant uses the connection next.
    let next = if victim.twins.model == Model::Database { a.clone() } else { b };
    (freehold, a, next)
}

/// Drops a scope of A while its transaction opens by itself, after every number of polls there is. Whoever is next, for
/// writing, must get a transaction of its own.
macro_rules! cut_off_while_opening {
    ($twins:ident, $driver:ident, $ask:ident) => {{
        let victim = Victim::of($twins).await;
        let (freehold, a, next) = one_connection(&victim).await;
        let (a, next) = (freehold.tenant_db::<$driver>(&a), freehold.tenant_db::<$driver>(&next));
        for (polls, odd) in (0..).flat_map(|polls| [(polls, false), (polls, true)]) {
            assert!(polls < 1_000, "a nested scope never begins");
            let mut begun = Vec::new();
            let mut scope = a.read();
            let done = cut_off(scope.nested(), polls).await.is_some();
            drop(scope);
            for commit in [true, false] {
                let mut scope = next.write();
                $ask(&mut scope, WRITE).await.unwrap_or_else(|error| panic!("after {polls} polls: {error:?}"));
                begun.extend($ask(&mut scope, BEGUN).await.unwrap());
                if commit != odd {
                    scope.commit().await.unwrap();
                }
            }
            begun.dedup();
            assert_eq!(begun.len(), 2, "after {polls} polls the transaction is the same");
            at_rest(&next).await;
            if done && odd {
                break;
            }
        }
        victim.assert_unharmed().await;
    }};
}

async fn ask_tokio_postgres<A: freehold::isolation::Access>(
    scope: &mut freehold::isolation::Scope<TokioPostgres, A>,
    sql: &'static str,
) -> Result<Vec<String>, ScopeError> {
    Ok(scope.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

async fn ask_sqlx<A: freehold::isolation::Access>(
    scope: &mut freehold::isolation::Scope<Sqlx, A>,
    sql: &'static str,
) -> Result<Vec<String>, ScopeError> {
    Ok(sqlx::query_scalar(sql).fetch_all(scope).await?)
}

/// A type of a tenant's schema, by its name alone.
struct Mood(&'static str);

impl sqlx::Type<Postgres> for Mood {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("mood")
    }
}

impl sqlx::Encode<'_, Postgres> for Mood {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

async fn make_type(victim: &Victim, sql: &str) {
    for twin in [&victim.twins.a, &victim.twins.b] {
        victim.twins.truth(twin).await.batch_execute(sql).await.unwrap();
        if victim.twins.model == Model::Shared {
            break;
        }
    }
}

under_every_model! {
    "tests/migrations";

    async fn an_opening_that_is_cut_off_is_not_the_next_ones_transaction(twins: Twins) {
        cut_off_while_opening!(twins, TokioPostgres, ask_tokio_postgres);
    }

    async fn an_opening_of_sqlx_that_is_cut_off_is_not_the_next_ones_transaction(twins: Twins) {
        cut_off_while_opening!(twins, Sqlx, ask_sqlx);
    }

    /// The text is part of the program, and so is the one that sets the time zone; what it is set to is the tenant's.
    async fn a_setting_that_the_program_makes_for_a_is_not_in_a_statement_that_is_kept_for_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        const READINGS: &[(&str, &str)] = &[
            ("select set_config('TimeZone', 'Asia/Tokyo', true)", "select ('2026-01-01 00:00'::timestamptz at time zone 'UTC')::text"),
            ("select set_config('DateStyle', 'ISO, DMY', true)", "select '10/11/12'::date::text"),
            ("select set_config('IntervalStyle', 'sql_standard', true)", "select extract(epoch from '-1 2:03:04'::interval)::text"),
            ("select set_config('standard_conforming_strings', 'off', true)", r"select length('a\nb')::text"),
        ];
        for wire in WIRES {
            for (setter, sql) in READINGS {
                for commit in [false, true] {
                    let expected = Lender::new(&victim, wire).await.ask(&victim.twins.b.tenant, sql).await.unwrap();
                    let lender = Lender::new(&victim, wire).await;
                    let backend = lender.ask(&lender.a, BACKEND).await.unwrap();
                    lender.leave_kept(&[setter, sql], commit).await;
                    let next = if victim.twins.model == Model::Database { &lender.a } else { &lender.b };
                    assert_eq!(lender.ask(next, sql).await.unwrap(), expected, "{wire:?} {setter}");
                    assert_eq!(lender.ask(next, BACKEND).await.unwrap(), backend, "another connection shows nothing");
                }
            }
        }
    }

    /// `ts_stat` runs the text that it is given. What it runs has the tag of a query, so it must not run anything else.
    async fn a_function_that_runs_a_parameter_runs_queries_alone(twins: Twins) {
        let victim = Victim::of(twins).await;
        const READ: &str = "select ('2026-01-01 00:00'::timestamptz at time zone 'UTC')::text";
        const STAT: &str = "select word from ts_stat($1)";
        const REWRITE: &str = "select ts_rewrite('a', $1)::text";
        let lender = Lender::new(&victim, Wire::TokioPostgres).await;
        let next = if victim.twins.model == Model::Database { &lender.a } else { &lender.b };
        let expected = lender.ask(next, READ).await.unwrap();
        let kept = lender.kept_for(READ).await.remove(0);
        let set = |name: &str, value: &str| format!("select array_to_tsvector(array[set_config('{name}', {value}, false)])");
        for statement in [STAT, REWRITE] {
            let mut scope = lender.scopes(&lender.a).write();
            scope.query(STAT, &[&set("mine.path", "current_setting('search_path')")]).await.unwrap();
            scope.query(STAT, &[&set("TimeZone", "'Asia/Tokyo'")]).await.unwrap();
            for path in ["'pg_catalog'", "current_setting('mine.path')"] {
                scope.query(STAT, &[&set("search_path", path)]).await.unwrap();
                for text in [&*format!("execute {kept}"), "prepare left_behind as select 1", "listen left_behind", "deallocate all"] {
                    scope.nested().await.unwrap().query(statement, &[&text]).await.unwrap_err();
                }
            }
            drop(scope);
            assert_eq!(lender.ask(next, READ).await.unwrap(), expected);
        }
    }

    /// sqlx asks for it by a Query message, which may be the first one of a scope.
    async fn looking_up_a_type_keeps_step(twins: Twins) {
        let victim = Victim::of(twins).await;
        make_type(&victim, "create type mood as enum ('sad', 'happy'); create domain few as integer check (value < 10);
                            create type pair as (one few, two mood)").await;
        let (freehold, a, next) = one_connection(&victim).await;
        const ASK: &str = "select $1::text || text from notes";
        for tenant in [&a, &next, &a] {
            let db = freehold.tenant_db::<Sqlx>(tenant);
            for _ in 0..2 {
                let note = if tenant.id() == victim.twins.b.tenant.id() { &*victim.canary } else { "a note of anna" };
                let answer: Vec<String> = sqlx::query_scalar(ASK).bind(Mood("happy")).fetch_all(&mut db.read()).await.unwrap();
                assert_eq!(answer, [format!("happy{note}")]);
                let mut scope = db.read();
                sqlx::query("select row(1, 'sad')::pair, 1::few, 'sad'::mood, array['sad']::mood[]").fetch_all(&mut scope).await.unwrap();
                let answer: Vec<String> = sqlx::query_scalar(NOTES).fetch_all(&mut scope).await.unwrap();
                assert_eq!(answer, [note]);
            }
            sqlx::query("select 1").bind(Mood("none")).fetch_all(&mut db.read()).await.unwrap_err();
        }
        for tenant in [&a, &next, &a] {
            let db = freehold.tenant_db::<TokioPostgres>(tenant);
            let mut scope = db.read();
            scope.query("select row(1, 'sad')::pair, 1::few, 'sad'::mood, array['sad']::mood[]", &[]).await.unwrap();
            assert_eq!(scope.query(NOTES, &[]).await.unwrap().len(), 1);
        }
        victim.assert_unharmed().await;
    }

    /// It remembers types by their names, which are others in the next schema.
    async fn a_type_of_sqlx_is_that_of_the_schema_it_is_used_in(twins: Twins) {
        let victim = Victim::of(twins).await;
        make_type(&victim, "create type mood as enum ('sad', 'happy'); alter table notes add mood mood").await;
        let (freehold, a, next) = one_connection(&victim).await;
        for tenant in [&a, &next, &a, &next] {
            let db = freehold.tenant_db::<Sqlx>(tenant);
            let mut scope = db.write();
            sqlx::query("update notes set mood = $1").bind(Mood("happy")).execute(&mut scope).await.unwrap();
            scope.commit().await.unwrap();
            let here: bool = sqlx::query_scalar(
                "select typnamespace = current_schema()::regnamespace from pg_type where oid = pg_typeof($1)::oid"
            ).bind(Mood("sad")).fetch_one(&mut db.read()).await.unwrap();
            assert!(here);
        }
    }

    /// The way back to where a nested scope began fails in front of the last statement, and so does the commit behind it.
    async fn a_savepoint_taken_away_costs_a_no_more_than_its_scope(twins: Twins) {
        let victim = Victim::of(twins).await;
        let (freehold, a, next) = one_connection(&victim).await;
        let (a, next) = (freehold.tenant_db::<TokioPostgres>(&a), freehold.tenant_db::<TokioPostgres>(&next));
        next.read().query(NOTES, &[]).await.unwrap();
        a.read().query(NOTES, &[]).await.unwrap();
        let backend = ask_tokio_postgres(&mut next.read(), BACKEND).await.unwrap();
        const LAST: &str = "update notes set amount = 8";
        a.write().execute(LAST, &[]).await.unwrap();
        for hostile in ["release savepoint s1", "rollback", "commit"] {
            let mut scope = a.write();
            let nested = {
                let mut nested = scope.nested().await.unwrap();
                nested.ad_hoc(hostile, &[]).await.unwrap();
                nested
            };
            drop(nested);
            scope.execute_and_commit(LAST, &[]).await.unwrap_err();
            assert_eq!(next.read().query(NOTES, &[]).await.unwrap().len(), 1, "{hostile}");
        }
        assert_eq!(ask_tokio_postgres(&mut next.read(), BACKEND).await.unwrap(), backend, "the connection was lost");
        victim.assert_unharmed().await;
    }

    /// Notices and notifications come between the answers to what a scope did not ask.
    async fn what_the_server_says_unasked_is_no_answer(twins: Twins) {
        let victim = Victim::of(twins).await;
        let truth = victim.twins.truth(&victim.twins.a).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for _ in 0..3 {
                lender.leave(&["set client_min_messages = debug5", "listen noise", "commit", NOTES, "begin", "commit", "commit"]).await;
                truth.batch_execute("notify noise, 'one'; notify noise, 'two'").await.unwrap();
                lender.leave_kept(&["select set_config('client_min_messages', 'debug5', false)", NOTES], true).await;
                lender.leave_kept(&["select set_config('client_min_messages', 'debug5', false)", NOTES], false).await;
                assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary], "{wire:?}");
            }
        }
        victim.assert_unharmed().await;
    }

    async fn copies_and_empty_statements_and_endless_rows_leave_the_next_one_its_answers(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for hostile in [&[""][..], &[";", "-- nothing"], &["copy notes to stdout"], &["copy (select 1) to stdout", NOTES], &["values (1), (2)"],
                            &["select repeat('x', 5000000)"], &["select repeat('x', 20000) from generate_series(1, 200)"],
                            &["copy notes (text) from stdin"]] {
                let left = tokio::time::timeout(std::time::Duration::from_secs(3), lender.leave(hostile)).await;
                assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary], "{wire:?} {hostile:?} {left:?}");
            }
            lender.leave_kept(&["select ''", "select repeat('x', 5000000)"], true).await;
            assert_eq!(lender.ask(&lender.b, NOTES).await.unwrap(), [&*victim.canary], "{wire:?}");
        }
        victim.assert_unharmed().await;
    }

    /// More texts than are kept: the driver closes statements between those of a scope.
    async fn closing_what_is_no_longer_kept_keeps_step(twins: Twins) {
        let victim = Victim::of(twins).await;
        let texts: Vec<&'static str> = (0..520).map(|n| &*format!("select text || '{n}' from notes").leak()).collect();
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for (n, sql) in texts.iter().enumerate() {
                let of_a = n % 2 == 0 || victim.twins.model == Model::Database;
                let (tenant, note) = if of_a { (&lender.a, "a note of anna") } else { (&lender.b, &*victim.canary) };
                assert_eq!(lender.ask(tenant, sql).await.unwrap(), [format!("{note}{n}")], "{wire:?}");
            }
            for (n, sql) in texts.iter().enumerate().skip(490) {
                lender.leave_kept(&[sql], n % 3 == 0).await;
                assert_eq!(lender.ask(&lender.a, sql).await.unwrap(), [format!("a note of anna{n}")], "{wire:?}");
            }
        }
        victim.assert_unharmed().await;
    }

    /// The one that begins right behind must not get the error, nor an answer that is not its own.
    async fn a_backend_that_ends_while_it_is_idle_fails_nobody(twins: Twins) {
        let victim = Victim::of(twins).await;
        let truth = victim.twins.truth(&victim.twins.a).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for commit in [false, true] {
                let next = if victim.twins.model == Model::Database { &lender.a } else { &lender.b };
                let note = if victim.twins.model == Model::Database { "a note of anna" } else { &victim.canary };
                let pid = lender.ask(&lender.a, BACKEND).await.unwrap().remove(0);
                lender.leave_kept(&["select set_config('left.behind', 'here', false)"], commit).await;
                truth.execute("select pg_terminate_backend($1::text::integer)", &[&pid]).await.unwrap();
                until("the backend is gone", || async {
                    truth.query("select from pg_stat_activity where pid = $1::text::integer", &[&pid]).await.unwrap().is_empty()
                }).await;
                until("the end was noticed", || async {
                    match lender.ask(next, NOTES).await {
                        Ok(notes) => { assert_eq!(notes, [note], "{wire:?}"); true }
                        Err(error) => { assert!(matches!(error, ScopeError::Disconnected { .. }), "{wire:?} {error:?}"); false }
                    }
                }).await;
            }
        }
        victim.assert_unharmed().await;
    }

    /// A and B take turns on one connection, and A goes away at every point. Nobody waits for ever, and every answer is B's.
    async fn requests_that_go_away_leave_every_answer_to_whom_it_belongs(twins: Twins) {
        let victim = Victim::of(twins).await;
        let freehold = victim.twins.deployment.another_application(pool(2)).await;
        let [a, b] = [&victim.twins.a, &victim.twins.b].map(|twin| freehold.directory().get(twin.tenant.id()).unwrap());
        let going = tokio::spawn({
            let (first, second) = (freehold.tenant_db::<TokioPostgres>(&a), freehold.tenant_db::<Sqlx>(&a));
            async move {
                for polls in (0..120).map(|n| n % 12) {
                    cut_off(async {
                        let mut scope = first.write();
                        scope.query(NOTES, &[]).await?;
                        scope.execute_and_commit(WRITE, &[]).await
                    }, polls).await;
                    cut_off(async {
                        let mut scope = second.write();
                        ask_sqlx(&mut scope, NOTES).await?;
                        let nested = scope.nested().await?;
                        nested.commit().await?;
                        ask_sqlx(&mut scope, NOTES).await?;
                        scope.commit().await
                    }, polls).await;
                }
            }
        });
        let (first, second) = (freehold.tenant_db::<TokioPostgres>(&b), freehold.tenant_db::<Sqlx>(&b));
        for _ in 0..60 {
            assert_eq!(ask_tokio_postgres(&mut first.read(), NOTES).await.unwrap(), [&*victim.canary]);
            assert_eq!(ask_sqlx(&mut second.write(), NOTES).await.unwrap(), [&*victim.canary]);
        }
        going.await.unwrap();
        rests(&first).await;
        rests(&second).await;
        victim.assert_unharmed().await;
    }
}

async fn rests<D: Driver>(db: &TenantDb<D>) {
    let status = at_rest(db).await;
    assert!(status.open <= 2, "{status:?}");
}
