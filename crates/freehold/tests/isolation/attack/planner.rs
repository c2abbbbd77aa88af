use freehold::isolation::ScopeError;
use freehold::tenant::Model;
use freehold_testing::{Outcome, Twins, under_every_model};

use super::lender::{Lender, WIRES};
use super::victim::Victim;

/// What a planner could tell: plans, their settings, and its statistics.
const QUESTIONS: &[&str] = &[
    "explain (analyze, verbose, settings, buffers) select * from {schema}.notes where tenant_id = '{tenant}'",
    "explain (analyze, verbose, format json) select * from {schema}.notes n join {schema}.authors a on a.id = n.author_id",
    "explain (verbose, generic_plan) select * from {schema}.notes where text = $1",
    "explain (analyze, verbose) select * from freehold.context",
    "explain (analyze, verbose) update {schema}.notes set amount = 1 where tenant_id = '{tenant}'",
    "explain (verbose) select * from {schema}.readings where value = 11",
    "select * from pg_stats where schemaname = '{schema}'",
    "select * from pg_stats_ext",
    "select * from pg_stats_ext_exprs",
    "select * from pg_statistic where starelid = '{schema}.notes'::regclass",
    "select * from pg_statistic_ext_data",
    // Not of the catalogues: an oid there may have the digits of B's amount in it.
    "select most_common_vals::text, histogram_bounds::text from pg_stats where schemaname <> 'pg_catalog'",
];

/// Loud enough to print every plan to the client.
const LOUD: &[&str] = &[
    "set client_min_messages = debug5",
    "set debug_print_parse = on",
    "set debug_print_rewritten = on",
    "set debug_print_plan = on",
    "set debug_pretty_print = on",
    "select text from {schema}.notes",
    "select * from freehold.context",
];

/// Expressions that fail on B's rows and not on A's: where one is evaluated too early, the error tells.
const EARLY: &[&str] = &[
    "select count(*) from notes where case when text like 'canary%' then 1 / (amount - amount) else 1 end = 1",
    "select count(*) from notes where (text || '') is not null and 1 / (amount - 4711) < 5",
    "select count(*) from notes n join readings r on 1 / (n.amount - 4711) < r.value",
    "select count(*) from notes, lateral (select 1 / (amount - 4711)) x",
    "select count(*) from notes where (select 1 / (amount - 4711)) < 5",
    "select count(*) filter (where 1 / (amount - 4711) < 5) from notes",
    "select count(*) from notes group by 1 / (amount - 4711)",
    "select 1 from notes order by 1 / (amount - 4711)",
    "select count(*) from readings where 1 / (value - 11) < 5 and 1 / (value - 22) < 5",
    "select sum(1 / (amount - 4711)) over () from notes",
    "update notes set amount = amount where 1 / (amount - 4711) < 5",
    "delete from readings where 1 / (value - 22) < 5",
];

under_every_model! {
    "tests/migrations";

    /// 18, 56
    async fn no_plan_and_no_statistic_shows_a_value_of_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.twins.truth(&victim.twins.b).await.batch_execute("analyze").await.unwrap();
        for question in QUESTIONS {
            let outcome = victim.attack(question).await;
            assert!(!outcome.reveals(b"4711"), "{question} shows the amount of B: {outcome:?}");
        }
        victim.session(LOUD).await;
        victim.assert_unharmed().await;
    }

    /// 17: every expression is judged after the policy, whatever the planner thinks of its cost.
    async fn no_expression_is_evaluated_on_a_row_that_the_policy_hides(twins: Twins) {
        let victim = Victim::of(twins).await;
        for switches in ["select 1", "set enable_indexscan = off", "set enable_seqscan = off", "set enable_hashjoin = off", "set parallel_setup_cost = 0"] {
            for sql in EARLY {
                let outcomes = victim.session(&[switches, sql]).await;
                assert!(matches!(outcomes[1], Outcome::Rows(_)), "{sql} after {switches} was evaluated on a row of B: {:?}", outcomes[1]);
            }
        }
        victim.assert_unharmed().await;
    }

    /// 18: estimates come from statistics over all rows of a table, and `=` and `<` count as leakproof. Where A may name B's
    /// table, that is in the same database, an estimate would tell whether a value is frequent there.
    async fn explain_is_refused_where_an_estimate_would_tell_of_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        let truth = victim.twins.truth(&victim.twins.b).await;
        let rows = "insert into notes (tenant_id, text, amount) select $1, 'row ' || i, case when i % 3 = 0 then 815 else i end from generate_series(1, 900) i";
        truth.execute(rows, &[victim.twins.b.tenant.id().as_uuid()]).await.unwrap();
        truth.batch_execute("analyze notes").await.unwrap();
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            for explain in ["explain", "; explain", "/* explain /* it */ */ -- now\n EXPLAIN"] {
                let sql = format!("{explain} (format text) select 1 from {}.notes where amount = 815", victim.schema);
                let answer = lender.ask_ad_hoc(&lender.a, &sql).await;
                if victim.twins.model == Model::Database {
                    let own = lender.ask_ad_hoc(&lender.a, &format!("{explain} select 1 from notes")).await.unwrap();
                    assert!(own[0].contains("rows="), "a database of one's own may be explained: {own:?}");
                    answer.unwrap_err();
                } else {
                    assert!(matches!(answer, Err(ScopeError::Explain)), "{wire:?} {answer:?}");
                }
            }
            let hidden = lender.ask_ad_hoc(&lender.a, "prepare hidden as explain select 1").await;
            assert_eq!(hidden.unwrap_err().sqlstate(), Some("42601"), "a prepared statement is never an EXPLAIN");
        }
    }
}
