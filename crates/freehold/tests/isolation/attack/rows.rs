use freehold::tenant::Model;
use freehold_testing::{Outcome, Twins, under_every_model};

use super::victim::Victim;

/// Ways to write a row that says it is B's.
const PLANTS: &[&str] = &[
    "insert into {schema}.notes (tenant_id, text) values ('{tenant}', 'planted')",
    "insert into {schema}.notes (tenant_id, text) select '{tenant}', text from notes",
    "insert into {schema}.notes (tenant_id, text) values ('{tenant}', 'planted') on conflict do nothing",
    "insert into {schema}.notes (tenant_id, text) values ('{tenant}', 'planted') on conflict (tenant_id, text) do update set amount = 9",
    "insert into {schema}.readings (tenant_id, at, value) values ('{tenant}', '2026-06-06', 9) on conflict (tenant_id, at) do update set value = 9",
    "update notes set tenant_id = '{tenant}'",
    "update readings set tenant_id = '{tenant}'",
    "update readings set tenant_id = '{tenant}', at = at + 400",
    "merge into {schema}.notes n using (select 'planted' as text) s on n.text = s.text when not matched then insert (tenant_id, text) values ('{tenant}', s.text)",
    "merge into notes n using (select 'a note of anna' as text) s on n.text = s.text when matched then update set tenant_id = '{tenant}'",
    "with moved as (update notes set tenant_id = '{tenant}' returning id) select id from moved",
];

/// Ways to change or remove rows of B by naming them.
///
/// A statement that reads no column is not subject to the policy for reading, so there are some of that kind.
const RAIDS: &[&str] = &[
    "update {schema}.notes set amount = 9",
    "update {schema}.readings set value = 9",
    "delete from {schema}.readings",
    "delete from {schema}.notes",
    "update {schema}.notes set text = 'raided' where tenant_id = '{tenant}'",
    "update {schema}.notes set amount = 9 where ctid >= '(0,0)'",
    "delete from {schema}.notes where tenant_id = '{tenant}'",
    "delete from {schema}.readings where at > '2000-01-01' and tenant_id = '{tenant}'",
    "delete from {schema}.authors where tenant_id = '{tenant}' or true",
    "merge into {schema}.notes n using (select '{tenant}'::uuid as t) s on n.tenant_id = s.t when matched then delete",
    "with gone as (delete from {schema}.notes where tenant_id = '{tenant}' returning *) select * from gone",
];

/// Ways to read rows of B.
const LOOKS: &[&str] = &[
    "select * from {schema}.notes where tenant_id = '{tenant}'",
    "select text, amount from {schema}.notes where amount = 4711",
    "select * from only {schema}.readings where tenant_id = '{tenant}'",
    "select n.*, n.ctid, n.xmin, n.tableoid from {schema}.notes n where ctid = any (array['(0,1)', '(0,2)', '(0,3)', '(0,4)']::tid[])",
    "select * from {schema}.notes where tenant_id = '{tenant}' for update",
    "select * from {schema}.notes where tenant_id = '{tenant}' for key share skip locked",
    "select a.email from {schema}.authors a join {schema}.notes n on n.author_id = a.id where n.tenant_id = '{tenant}'",
    "select (select max(text) from {schema}.notes where tenant_id = '{tenant}')",
    "select max(text) over () from {schema}.notes",
    "select string_agg(text, ',') filter (where tenant_id = '{tenant}') from {schema}.notes",
    "select n from {schema}.notes n where tenant_id = '{tenant}' union all select n from {schema}.notes n",
    "with recursive r as (select text from {schema}.notes union select n.text from {schema}.notes n, r) select * from r",
    "insert into notes (text) select text from {schema}.notes where tenant_id = '{tenant}' returning text",
    "update notes set text = (select text from {schema}.notes where tenant_id = '{tenant}' limit 1) where false returning (select max(email) from {schema}.authors where tenant_id = '{tenant}')",
    "delete from readings returning (select max(text) from {schema}.notes where tenant_id = '{tenant}')",
    "select row_to_json(n) from {schema}.notes n where tenant_id = '{tenant}'",
    "select * from ts_stat('select to_tsvector(text) from {schema}.notes')",
    "copy {schema}.notes to stdout",
    "copy (select text from {schema}.notes where tenant_id = '{tenant}') to stdout",
    "values ((select text from {schema}.notes where tenant_id = '{tenant}'))",
    "select * from {schema}.notes tablesample system (100)",
    "table {schema}.notes",
    // PostgreSQL 17 and 18; a syntax error before.
    "merge into notes n using {schema}.notes b on n.amount <> b.amount when matched then update set text = b.text returning merge_action(), b.text",
    "update notes set amount = 8 returning old.text, new.text, (select max(text) from {schema}.notes where tenant_id = '{tenant}')",
    "insert into notes (text) values ('a note of anna') on conflict (tenant_id, text) do update set amount = 3 returning old.*, new.*",
];

under_every_model! {
    "tests/migrations";

    /// 16, 46: also by MERGE and ON CONFLICT.
    async fn no_statement_writes_a_row_that_is_another_tenants(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.refuses(PLANTS).await;
    }

    async fn no_statement_changes_or_removes_a_row_of_another_tenant(twins: Twins) {
        let victim = Victim::of(twins).await;
        for raid in RAIDS {
            victim.attack(raid).await;
            victim.assert_unharmed().await;
        }
    }

    async fn no_query_reads_a_row_of_another_tenant(twins: Twins) {
        let victim = Victim::of(twins).await;
        let id_of_b = *victim.twins.b.tenant.id().as_uuid();
        for look in LOOKS {
            let outcome = victim.attack(look).await;
            let shown = matches!(outcome, Outcome::Rows(_)) && outcome.reveals(id_of_b.as_bytes());
            assert!(!shown, "{look} revealed a row of B: {outcome:?}");
        }
        victim.assert_unharmed().await;
    }

    /// The sums, not the rows: an aggregate over B's numbers is an answer about B.
    async fn an_aggregate_counts_the_tenants_own_rows_and_no_others(twins: Twins) {
        let victim = Victim::of(twins).await;
        let outcome = victim.attack("select count(*), sum(amount)::bigint, min(amount), max(amount) from notes").await;
        let row = &outcome.rows()[0];
        let numbers = [0, 1, 2, 3].map(|column| row.get::<_, i64>(column));
        assert_eq!(numbers, [1, 7, 7, 7]);
        let sum = victim.attack("select sum(value)::bigint from readings").await;
        assert_eq!(sum.rows()[0].get::<_, i64>(0), 3);
    }

    /// 13: a partition has no policies of its parent, so it has its own, and no grants.
    async fn a_partition_cannot_be_addressed_past_its_parent(twins: Twins) {
        let victim = Victim::of(twins).await;
        for leaf in ["readings_2025", "readings_2026"] {
            let statements = [
                format!("select * from {{schema}}.{leaf}"),
                format!("insert into {{schema}}.{leaf} (tenant_id, at, value) values ('{{tenant}}', '2026-07-07', 1)"),
                format!("update {{schema}}.{leaf} set value = 9"),
                format!("delete from {{schema}}.{leaf}"),
                format!("truncate {{schema}}.{leaf}"),
                format!("copy {{schema}}.{leaf} to stdout"),
            ];
            victim.refuses(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
    }

    /// 10, 12: unique keys. What B has can be inserted by A, and the error for a key of B's is the error for any other.
    async fn a_unique_key_tells_nothing_of_the_keys_another_tenant_has(twins: Twins) {
        let victim = Victim::of(twins).await;
        let same = format!("insert into notes (text) values ('{}')", victim.canary);
        assert!(matches!(victim.twins.attack(&same).await, Outcome::Rows(_)), "a unique key spans tenants");
        let refusal = async |sql: &str| match victim.attack(sql).await {
            Outcome::Refused(error) => format!("{error:?}"),
            Outcome::Rows(_) => panic!("{sql} was not refused"),
        };
        let id: uuid::Uuid = victim.twins.truth(&victim.twins.b).await
            .query_one("select id from notes where tenant_id = $1", &[victim.twins.b.tenant.id().as_uuid()]).await.unwrap().get(0);
        let at = |id: uuid::Uuid| format!("insert into {{schema}}.notes (tenant_id, id, text) values ('{{tenant}}', '{id}', 'x')");
        assert_eq!(refusal(&at(id)).await, refusal(&at(uuid::Uuid::new_v4())).await);
    }

    /// 10: foreign keys.
    async fn a_foreign_key_to_a_row_of_another_tenant_fails_like_one_to_no_row(twins: Twins) {
        let victim = Victim::of(twins).await;
        let id: uuid::Uuid = victim.twins.truth(&victim.twins.b).await
            .query_one("select id from authors where tenant_id = $1", &[victim.twins.b.tenant.id().as_uuid()]).await.unwrap().get(0);
        let refer = async |id: uuid::Uuid| {
            let outcome = victim.attack(&format!("insert into notes (author_id, text) values ('{id}', 'mine')")).await;
            format!("{:?}", outcome.refusal()).replace(&id.to_string(), "ID")
        };
        assert_eq!(refer(id).await, refer(uuid::Uuid::new_v4()).await);
        victim.assert_unharmed().await;
    }

    /// 11
    async fn a_cascade_ends_at_the_tenant(twins: Twins) {
        let victim = Victim::of(twins).await;
        // The same id in both tenants: only the tenant keeps the two apart.
        if victim.twins.model != Model::Database {
            let truth = victim.twins.truth(&victim.twins.b).await;
            let id: uuid::Uuid = truth.query_one("select id from authors where tenant_id = $1", &[victim.twins.b.tenant.id().as_uuid()]).await.unwrap().get(0);
            let outcome = victim.session(&[
                &format!("insert into authors (id, email) values ('{id}', 'twin@example.org')"),
                &format!("insert into notes (author_id, text) values ('{id}', 'mine')"),
                &format!("delete from authors where id = '{id}'"),
                "commit",
            ]).await;
            assert!(outcome.iter().all(|outcome| matches!(outcome, Outcome::Rows(_))), "{outcome:?}");
        }
        assert!(matches!(victim.attack("delete from authors").await, Outcome::Rows(_)));
        victim.assert_unharmed().await;
    }

    /// 20: the row's own system columns are the tenant's; a sequence is nobody's.
    async fn the_state_of_a_sequence_is_not_readable(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.refuses(&[
            "select last_value from {schema}.notes_number_seq",
            "select nextval('{schema}.notes_number_seq')",
            "select currval('{schema}.notes_number_seq')",
            "select setval('{schema}.notes_number_seq', 1)",
            "alter sequence {schema}.notes_number_seq restart",
            "insert into notes (number, text) values (1, 'x')",
        ]).await;
        let seen = victim.attack("select last_value from pg_sequences where sequencename = 'notes_number_seq' and last_value is not null").await;
        assert_eq!(seen.rows().len(), 0);
        let seen = victim.attack("select pg_sequence_last_value(c.oid) as value from pg_class c where relkind = 'S' and pg_sequence_last_value(c.oid) is not null").await;
        assert!(matches!(&seen, Outcome::Refused(_)) || seen.rows().is_empty(), "{seen:?}");
    }
}
