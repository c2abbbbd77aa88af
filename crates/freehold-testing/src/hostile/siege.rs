use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::AddAssign;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use freehold::isolation::{ErrorKind, PoolOptions, ScopeError, TokioPostgres};
use freehold::tenant::Model;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Grammar;
use crate::attack::Outcome;
use crate::server::server;
use crate::twins::{Twin, Twins};

/// Every function, aggregate aside, that a login may call, with the types of its arguments.
const CALLABLE: &str = "select p.oid::regproc::text, coalesce((select string_agg(t::regtype::text, '|' order by i) from unnest(p.proargtypes::oid[]) with ordinality as a(t, i)), '')
    from pg_proc p
    where p.prokind in ('f', 'w') and has_function_privilege(p.oid, 'execute') and has_schema_privilege(p.pronamespace, 'usage')
      and not p.proargtypes::regtype[]::text[] && array['internal', 'cstring', 'trigger', 'event_trigger']
      and p.prorettype::regtype::text not in ('internal', 'trigger', 'event_trigger', 'fdw_handler', 'index_am_handler', 'table_am_handler', 'tsm_handler', 'language_handler')
      and p.proname !~ '^pg_(sleep|stop_making)'
    order by p.oid";
const RELATIONS: &str = "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm', 'p') and n.nspname in ('pg_catalog', 'information_schema', 'freehold', 'global') order by c.oid";
/// A login that sets one of these for itself keeps its next connections out, the second behind a pooler alone, until a worker takes
/// it back; on this server other tests log in too.
const SETTINGS: &str =
    "select name from pg_settings where name not in ('transaction_timeout', 'local_preload_libraries') order by name";
const ROLES: &str = "select quote_ident(rolname) from pg_roles order by oid";

/// How long one scope of A may take. The server is shared, and hostile SQL sorts, joins and loops.
const DEADLINE: Duration = Duration::from_secs(1);
/// Attackers at the same time, on as many connections and two more, which they share with B and C.
const ATTACKERS: usize = 4;
/// B or C looks once for so many statements of an attacker.
const PER_WATCH: usize = 8;
/// Letters no number, uuid or word of SQL is made of in this order: nine of them give B away.
const LETTERS: &[u8] = b"jkqvwxyz";
/// How much of the canary is enough.
const PREFIX: usize = 12;

/// Tenant A with hostile SQL; B, who has something to hide; and C, who is busy. All through one pool.
#[derive(Debug)]
pub struct Siege {
    twins: Twins,
    c: Twin,
    canary: String,
    schema: String,
    before: String,
    log: (PathBuf, u64),
    watch_now: Semaphore,
}

/// What came of a siege.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Statements that A ran.
    pub statements: usize,
    /// Statements that were answered.
    pub answered: usize,
    /// Refused statements, by SQLSTATE or what else refused them.
    pub refused: BTreeMap<String, usize>,
    /// What B and C did meanwhile, and got.
    pub served: usize,
    /// What B and C asked for and did not get in time.
    pub unserved: usize,
    /// Statements that revealed something of B, changed it, or ended a process of the server, with what they did.
    pub leaks: Vec<String>,
}

impl Siege {
    /// Three tenants of one model, with rows.
    pub async fn lay(model: Model) -> Self {
        let mut pool = PoolOptions::default();
        pool.capacity = ATTACKERS + 2;
        pool.deadline = DEADLINE;
        let migrations = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/hostile/migrations");
        let twins = Twins::with_pool(migrations, model, pool).await;
        let c = Twin::new(twins.deployment.tenant("carl", model).await, &twins.deployment.freehold);
        let mut random: StdRng = rand::make_rng();
        let canary: String = (0..32).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect();
        for (twin, word, amount) in
            [(&twins.a, "a note of anna", 7), (&twins.b, canary.as_str(), 4711), (&c, "carl", 0)]
        {
            let rows = format!(
                "with a as (insert into authors (email) values ('{word}@example.org') returning id),
                 r as (insert into readings (at, value) values ('2025-06-06', 11), ('2026-06-06', 22))
                 insert into notes (author_id, text, amount) select id, '{word}', {amount} from a"
            );
            let mut scope = twin.db::<TokioPostgres>().write();
            scope.ad_hoc(&rows, &[]).await.unwrap();
            scope.commit().await.unwrap();
        }
        let schema = twins.truth(&twins.b).await.query_one("select current_schema()::text", &[]).await.unwrap().get(0);
        let log = server().log_file();
        let length = fs::metadata(&log).map_or(0, |file| file.len());
        let mut siege =
            Self { twins, c, canary, schema, before: String::new(), log: (log, length), watch_now: Semaphore::new(2) };
        siege.before = siege.fingerprint().await;
        siege
    }

    /// The database A lives in.
    pub async fn database(&self) -> String {
        let row = self.twins.truth(&self.twins.a).await.query_one("select current_database()::text", &[]).await;
        row.unwrap().get(0)
    }

    /// The grammar, aimed at B, with what the server offers A.
    pub async fn grammar(&self) -> Grammar {
        let mut grammar = Grammar::hostile();
        let calls = self.twins.attack(CALLABLE).await;
        let calls: Vec<_> = calls.rows().iter().map(|row| call(&grammar, row.get(0), row.get(1))).collect();
        grammar.add("call", calls.iter().map(String::as_str));
        for (rule, query) in [("relation", RELATIONS), ("setting", SETTINGS), ("role", ROLES)] {
            let found = self.twins.attack(query).await;
            grammar.add(rule, found.rows().iter().map(|row| row.get(0)));
        }
        grammar
    }

    /// So many statements of the grammar, and `more`, mixed; the same for the same seed.
    pub async fn run(self, grammar: &Grammar, seed: u64, statements: usize, more: Vec<String>) -> Tally {
        let siege = Arc::new(self);
        let watchers = [Watcher::B, Watcher::C].map(|watcher| {
            let siege = siege.clone();
            tokio::spawn(async move { siege.watch(watcher).await })
        });
        let mut attackers = JoinSet::new();
        let share = more.len().div_ceil(ATTACKERS).max(1);
        let mut more = more.chunks(share).map(<[String]>::to_vec);
        for number in 0..ATTACKERS {
            let attacker = Attacker {
                siege: siege.clone(),
                grammar: grammar.clone(),
                random: StdRng::seed_from_u64(seed.wrapping_add(number as u64)),
                left: statements.div_ceil(ATTACKERS),
                more: more.next().unwrap_or_default(),
                stops_at_refusal: number > 0,
            };
            attackers.spawn(attacker.run());
        }
        let mut tally = Tally::default();
        while let Some(part) = attackers.join_next().await {
            tally += part.unwrap();
        }
        siege.watch_now.close();
        for watcher in watchers {
            tally += watcher.await.unwrap();
        }
        siege.look_after(&mut tally).await;
        tally
    }

    /// What is left to see when it is over.
    async fn look_after(&self, tally: &mut Tally) {
        if self.fingerprint().await != self.before {
            tally.leaks.push("something of B changed".to_owned());
        }
        let log = fs::read(&self.log.0).unwrap_or_default();
        let log = String::from_utf8_lossy(&log[log.len().min(self.log.1 as usize)..]).into_owned();
        let crashes = log.lines().filter(|line| line.contains("was terminated by signal"));
        tally.leaks.extend(crashes.map(|line| format!("a process of the server crashed: {line}")));
    }

    /// B reads what is its own and no more; C writes, and finds what it wrote.
    async fn watch(&self, watcher: Watcher) -> Tally {
        let mut tally = Tally::default();
        let mut number = 0;
        while let Ok(turn) = self.watch_now.acquire().await {
            turn.forget();
            number += 1;
            let seen = match watcher {
                Watcher::B => self.texts_of(&self.twins.b).await,
                Watcher::C => self.busy(number).await,
            };
            match seen {
                Ok(texts) => {
                    tally.served += 1;
                    let is_own = |text: &String| match watcher {
                        Watcher::B => *text == self.canary,
                        Watcher::C => text.starts_with("carl"),
                    };
                    if texts.is_empty() || !texts.iter().all(is_own) || watcher == Watcher::B && texts.len() != 1 {
                        tally.leaks.push(format!("{watcher:?} saw {texts:?}"));
                    }
                }
                Err(error) => {
                    tally.unserved += 1;
                    // A may hold a lock or all connections for as long as its deadline lets it.
                    let waited = matches!(
                        error.kind(),
                        ErrorKind::Timeout | ErrorKind::Busy | ErrorKind::Conflict | ErrorKind::Unavailable
                    );
                    if !waited {
                        tally.leaks.push(format!("{watcher:?} was refused: {error:?}"));
                    }
                }
            }
        }
        tally
    }

    async fn texts_of(&self, twin: &Twin) -> Result<Vec<String>, ScopeError> {
        let rows = twin.db::<TokioPostgres>().read().query("select text from notes", &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn busy(&self, number: i64) -> Result<Vec<String>, ScopeError> {
        let mut scope = self.c.db::<TokioPostgres>().write();
        let note = format!("carl {}", number % 50);
        scope.execute("delete from notes where text = $1", &[&note]).await?;
        scope.execute("insert into notes (text) values ($1)", &[&note]).await?;
        scope.commit().await?;
        self.texts_of(&self.c).await
    }

    /// B's rows, everybody's rows where B lives alone, and the guards of the tables.
    async fn fingerprint(&self) -> String {
        let truth = self.twins.truth(&self.twins.b).await;
        let whose = if self.twins.model == Model::Shared { "tenant_id = $1" } else { "$1::uuid is not null" };
        let mut fingerprint = String::new();
        for table in ["authors", "notes", "readings"] {
            let rows = format!(
                "select coalesce(string_agg(t::text, e'\\n' order by t::text), '') from {table} t where {whose}"
            );
            let rows = truth.query_one(&rows, &[self.twins.b.tenant.id().as_uuid()]).await.unwrap();
            fingerprint.push_str(rows.get(0));
        }
        let guards = truth
            .query_one(
                "select string_agg(format('%s %s %s %s %s', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relacl,
                        (select string_agg(format('%s %s %s %s', p.polname, p.polroles, p.polqual, p.polwithcheck), ';' order by p.polname)
                         from pg_policy p where p.polrelid = c.oid)), e'\\n' order by c.relname)
                 from pg_class c where c.relnamespace = $1::text::regnamespace",
                &[&self.schema],
            )
            .await
            .unwrap();
        fingerprint + guards.get(0)
    }

    fn aimed(&self, sql: &str) -> String {
        sql.replace("{b schema}", &self.schema).replace("{b}", &self.twins.b.tenant.id().to_string())
    }

    /// Whether an answer has the canary in it, as it is or as a statement may have turned it.
    fn gives_b_away(&self, outcome: &Outcome) -> bool {
        let canary = &self.canary[..PREFIX];
        let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
        let reversed: String = self.canary.chars().rev().take(PREFIX).collect();
        [canary, &canary.to_uppercase(), &reversed, &hex].iter().any(|form| outcome.reveals(form.as_bytes()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watcher {
    B,
    C,
}

struct Attacker {
    siege: Arc<Siege>,
    grammar: Grammar,
    random: StdRng,
    left: usize,
    more: Vec<String>,
    /// Whether a refusal ends the scope. What comes behind it is refused for that alone, but for the end of the transaction.
    stops_at_refusal: bool,
}

impl Attacker {
    async fn run(mut self) -> Tally {
        let mut tally = Tally::default();
        while self.left + self.more.len() > 0 {
            if self.random.random_range(0..self.left + self.more.len()) < self.more.len() {
                let statement = self.more.pop();
                self.fire(statement.as_slice(), &mut tally).await;
            } else {
                let volley = self.volley();
                self.left -= self.fire(&volley, &mut tally).await;
            }
        }
        tally
    }

    /// Statements for one scope: mostly one, so that an error ends no others.
    fn volley(&mut self) -> Vec<String> {
        let length = if self.random.random_ratio(1, 4) { self.random.random_range(2..5) } else { 1 };
        (0..length.min(self.left)).map(|_| self.siege.aimed(&self.grammar.statement(&mut self.random))).collect()
    }

    /// How many of the statements were run.
    async fn fire(&self, volley: &[String], tally: &mut Tally) -> usize {
        let before = tally.statements;
        let mut scope = self.siege.twins.a.db::<TokioPostgres>().write();
        let mut outcome = None;
        for sql in volley {
            let answer = scope.ad_hoc(sql, &[]).await.map_or_else(Outcome::Refused, Outcome::Rows);
            tally.statements += 1;
            self.siege.watch_now.add_permits(usize::from(tally.statements.is_multiple_of(PER_WATCH)));
            if self.siege.gives_b_away(&answer) {
                tally.leaks.push(format!("{volley:?} revealed a row of B: {answer:?}"));
            }
            match &answer {
                Outcome::Rows(_) => tally.answered += 1,
                Outcome::Refused(error) => {
                    let reason = error.sqlstate().map_or_else(|| format!("{:?}", error.kind()), ToOwned::to_owned);
                    *tally.refused.entry(reason).or_default() += 1;
                }
            }
            let refused = matches!(answer, Outcome::Refused(_));
            outcome = Some(answer);
            if refused && self.stops_at_refusal {
                break;
            }
        }
        if matches!(outcome, Some(Outcome::Rows(_))) {
            // What A can commit is committed: the fingerprint tells whether it reached B.
            let _ = scope.commit().await;
        }
        tally.statements - before
    }
}

/// A call of a function with arguments of the right types, as an alternative of a grammar.
fn call(grammar: &Grammar, function: &str, types: &str) -> String {
    let arguments = types.split('|').filter(|kind| !kind.is_empty()).map(|kind| {
        let (rule, cast) = match kind {
            "text" | "name" | "\"char\"" | "character varying" | "character" | "unknown" => ("text", true),
            "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => ("number", true),
            "record" | "anyelement" | "\"any\"" | "anycompatible" | "anynonarray" => ("any", false),
            "anyarray" | "anycompatiblearray" => ("array", false),
            other => (other, false),
        };
        let rule = format!("argument {rule}");
        if !grammar.has(&rule) {
            format!("null::{kind}")
        } else if cast {
            format!("(<{rule}>)::{kind}")
        } else {
            format!("<{rule}>")
        }
    });
    format!("{function}({})", arguments.collect::<Vec<_>>().join(", "))
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.statements += other.statements;
        self.answered += other.answered;
        self.served += other.served;
        self.unserved += other.unserved;
        self.leaks.extend(other.leaks);
        for (reason, count) in other.refused {
            *self.refused.entry(reason).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons: Vec<_> = self.refused.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let most: Vec<_> = reasons.iter().take(8).map(|(reason, count)| format!("{reason} {count}")).collect();
        write!(
            f,
            "{} statements, {} answered; refused with {} and {} other codes; B and C were served {} times, {} times not; {} leaks",
            self.statements,
            self.answered,
            most.join(", "),
            reasons.len().saturating_sub(most.len()),
            self.served,
            self.unserved,
            self.leaks.len()
        )
    }
}
