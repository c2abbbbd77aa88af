use freehold_testing::{Outcome, Twins, under_every_model};

use super::victim::Victim;

/// Things a migration can leave in B's schema that run or answer with other rights than the caller's: owned by the owner
/// of the tables, and granted to everybody.
const OBJECTS: &str = "
    set role freehold_owner;
    create view owners_view as select text from notes;
    create view barrier_view with (security_barrier) as select text from notes;
    create view invoker_view with (security_invoker) as select text from notes;
    create function definer() returns setof text language sql security definer set search_path = {schema} as 'select text from notes';
    create function definer_writes() returns void language sql security definer set search_path = {schema}
        as $$insert into notes (tenant_id, text) values ('{tenant}', 'planted')$$;
    create function definer_defaults() returns void language sql security definer set search_path = {schema}
        as $$insert into notes (text) values ('planted by default')$$;
    create procedure definer_procedure() language plpgsql security definer set search_path = {schema}
        as $$begin delete from notes; end$$;
    create procedure committing() language plpgsql as $$begin commit; insert into {schema}.notes (tenant_id, text) values ('{tenant}', 'x'); end$$;
    create function poly(text) returns boolean language plpgsql cost 0.0000001 as $$begin raise warning '%', $1; return true; end$$;
    grant select on owners_view, barrier_view, invoker_view to public;
    grant execute on all routines in schema {schema} to public;
    reset role";

/// With rows of B in it and not granted: the name alone must not help.
const UNGRANTED: &str = "
    create materialized view frozen as select text from notes;
    create table settings (name text, value text);
    insert into settings select 'secret', text from notes;
    create sequence numbers start 4711;
    create view superusers_view as select text from notes;
    create table extra partition of readings for values from ('2030-01-01') to ('2031-01-01')";

under_every_model! {
    "tests/migrations";

    /// 7, 8, 49: policies bind the owner too, so the owner's rights show nothing.
    async fn views_and_functions_with_the_rights_of_the_owner_show_and_write_nothing_of_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.twins.truth(&victim.twins.b).await.batch_execute(&victim.aimed(OBJECTS)).await.unwrap();
        for sql in [
            "select * from {schema}.owners_view",
            "select * from {schema}.barrier_view",
            "select * from {schema}.invoker_view",
            "select * from {schema}.definer()",
            "select {schema}.definer_writes()",
            "select {schema}.definer_defaults()",
            "call {schema}.definer_procedure()",
            "call {schema}.committing()",
            "insert into {schema}.owners_view (text) values ('planted') returning text",
            "update {schema}.owners_view set text = 'raided' returning text",
            "delete from {schema}.invoker_view returning text",
        ] {
            victim.attack(sql).await;
        }
        // What A may write through them is A's, and where A lives.
        let truth = victim.twins.truth(&victim.twins.b).await;
        let planted: i64 = truth.query_one("select count(*) from notes where tenant_id = $1", &[victim.twins.b.tenant.id().as_uuid()]).await.unwrap().get(0);
        assert_eq!(planted, 1);
    }

    /// 17: a cheap function of a migration is not leakproof, so it sees no row before the policy has.
    async fn a_cheap_function_sees_no_row_that_the_policy_hides(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.twins.truth(&victim.twins.b).await.batch_execute(&victim.aimed(OBJECTS)).await.unwrap();
        let raising = "create function {schema}.raising(text) returns boolean language plpgsql cost 0.0000001
                       as $$begin if $1 like 'canary%' then raise exception 'seen: %', $1; end if; return true; end$$";
        victim.twins.truth(&victim.twins.b).await.batch_execute(&victim.aimed(raising)).await.unwrap();
        victim.attack("select count(*) from {schema}.notes where {schema}.raising(text)").await;
        victim.attack("select count(*) from {schema}.notes where text::integer = 1").await;
        victim.attack("select count(*) from {schema}.notes where 1 / (amount - 4711) > 0").await;
        let divided = victim.attack("select count(*) from notes where 1 / (amount - 4711) > -2").await;
        assert!(matches!(divided, Outcome::Rows(_)), "an expression was evaluated on a row of B: {divided:?}");
        victim.assert_unharmed().await;
    }

    /// 7, 13, 53
    async fn what_is_not_granted_is_closed_whatever_kind_it_is(twins: Twins) {
        let victim = Victim::of(twins).await;
        victim.twins.truth(&victim.twins.b).await.batch_execute(&victim.aimed(UNGRANTED)).await.unwrap();
        for sql in [
            "select * from {schema}.frozen",
            "select * from {schema}.settings",
            "select nextval('{schema}.numbers')",
            "select last_value from {schema}.numbers",
            "select * from {schema}.superusers_view",
            "select * from {schema}.extra",
            "insert into {schema}.settings values ('a', 'b')",
        ] {
            assert!(matches!(victim.attack(sql).await, Outcome::Refused(_)), "{sql} was answered");
        }
    }
}
