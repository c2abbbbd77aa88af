use std::collections::BTreeMap;

use freehold_testing::{Outcome, Twins, under_every_model};

use super::victim::Victim;

const STATEMENTS: usize = 700;

/// Every function, aggregate aside, that A may call: its name and the types of its arguments.
const CALLABLE: &str = "select p.oid::regproc::text, coalesce((select string_agg(t::regtype::text, '|' order by i) from unnest(p.proargtypes::oid[]) with ordinality as a(t, i)), '')
    from pg_proc p
    where p.prokind in ('f', 'w') and has_function_privilege(p.oid, 'execute') and has_schema_privilege(p.pronamespace, 'usage')
      and not p.proargtypes::regtype[]::text[] && array['internal', 'cstring', 'trigger', 'event_trigger']
      and p.prorettype::regtype::text not in ('internal', 'trigger', 'event_trigger', 'fdw_handler', 'index_am_handler', 'table_am_handler', 'tsm_handler', 'language_handler')
      and p.proname !~ '^pg_(sleep|stop_making)'
    order by p.oid";

/// A small generator of numbers, the same for the same seed (George Marsaglia: Xorshift RNGs).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// Arguments that point at B: its id, its tables, its rows, its columns.
fn argument(random: &mut Random, kind: &str) -> String {
    let table = [
        "{schema}.notes",
        "{schema}.authors",
        "{schema}.readings_2025",
        "{schema}.notes_pkey",
        "{schema}.notes_number_seq",
    ];
    let choices: Vec<String> = match kind {
        "regclass" | "oid" => table.iter().map(|table| format!("'{table}'::regclass")).collect(),
        "text" | "name" | "\"char\"" | "character varying" | "character" | "unknown" => {
            let texts = [
                "{schema}.notes",
                "{schema}",
                "{tenant}",
                "notes",
                "text",
                "select text from {schema}.notes",
                "freehold.token",
                "on",
            ];
            texts
                .iter()
                .map(|text| format!("'{text}'::{kind}"))
                .chain(["(select max(n.text) from {schema}.notes n)".into()])
                .collect()
        }
        "uuid" => vec!["'{tenant}'::uuid".into(), "(select tenant from freehold.context)".into()],
        "tid" => vec!["'(0,1)'::tid".into(), "'(0,2)'::tid".into()],
        "boolean" => vec!["true".into(), "false".into()],
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => {
            ["0", "1", "2", "4711", "-1"].iter().map(|number| format!("{number}::{kind}")).collect()
        }
        "record" | "anyelement" | "\"any\"" | "anycompatible" | "anynonarray" => {
            vec!["(select n from {schema}.notes n limit 1)".into(), "'{tenant}'::uuid".into(), "'x'::text".into()]
        }
        "anyarray" | "anycompatiblearray" => vec!["(select array_agg(text) from {schema}.notes)".into()],
        "xml" => vec!["'<a/>'::xml".into()],
        "json" | "jsonb" => {
            vec![format!("(select to_jsonb(n)::{kind} from {{schema}}.notes n limit 1)"), format!("'{{}}'::{kind}")]
        }
        "regrole" => vec!["current_user::regrole".into()],
        "regnamespace" => vec!["'{schema}'::regnamespace".into()],
        _ => vec![format!("null::{kind}"), format!("(select null::{kind})")],
    };
    random.of(&choices).clone()
}

/// A call in one of the places a call can stand.
fn statement(random: &mut Random, function: &str, kinds: &str) -> String {
    let arguments: Vec<_> =
        kinds.split('|').filter(|kind| !kind.is_empty()).map(|kind| argument(random, kind)).collect();
    let call = format!("{function}({})", arguments.join(", "));
    let places = [
        format!("select {call}"),
        format!("select * from {call}"),
        format!("select n.text from {{schema}}.notes n where {call} is not null"),
        format!("select {call} from {{schema}}.notes"),
        format!("with c as materialized (select {call} as c) select c, (select count(*) from {{schema}}.notes) from c"),
        format!("select * from {{schema}}.notes n, lateral (select {call}) l"),
        format!("update {{schema}}.notes set amount = amount where ({call}) is null returning text"),
        format!("insert into notes (text) select left(({call})::text, 100) on conflict do nothing returning text"),
    ];
    random.of(&places).clone()
}

under_every_model! {
    "tests/migrations";

    /// Every function of the server that A may call, with arguments that point at B. `FREEHOLD_FUZZ_SEED` repeats a run.
    async fn no_function_of_the_server_gives_b_away(twins: Twins) {
        let victim = Victim::of(twins).await;
        let seed = std::env::var("FREEHOLD_FUZZ_SEED").map_or_else(|_| uuid::Uuid::new_v4().as_u128() as u64 | 1, |seed| seed.parse().unwrap());
        println!("FREEHOLD_FUZZ_SEED={seed}");
        let mut random = Random(seed);
        let callable = victim.attack(CALLABLE).await;
        let callable: Vec<(String, String)> = callable.rows().iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(callable.len() > 1_000, "{} functions may be called", callable.len());
        let id_of_b = *victim.twins.b.tenant.id().as_uuid();
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        for _ in 0..STATEMENTS {
            let (function, kinds) = random.of(&callable);
            let sql = statement(&mut random, function, kinds);
            let bounded = victim.session(&["set local statement_timeout = 500", &sql, "commit"]).await;
            let answer = match &bounded[1] {
                Outcome::Rows(_) => "answered".to_owned(),
                Outcome::Refused(error) => error.sqlstate().unwrap_or("refused").to_owned(),
            };
            // The id is in the question, so only a row can give it away: with the canary beside it.
            let both = bounded[1].reveals(id_of_b.as_bytes()) && bounded[1].reveals(b"4711") && !sql.contains("4711");
            assert!(!both, "{sql} revealed a row of B");
            *outcomes.entry(answer).or_default() += 1;
        }
        println!("{outcomes:?}");
        assert!(outcomes.get("answered").copied().unwrap_or(0) > STATEMENTS / 10, "too few statements were good SQL: {outcomes:?}");
        victim.assert_unharmed().await;
    }
}
