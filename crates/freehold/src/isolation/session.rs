//! What is known of an established connection (which backend it is, which key seals contexts for it, and its clock), and
//! what is said to it when it is opened, when a transaction begins and when it is cleaned.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::endpoint::STARTUP;
use super::error::{ScopeError, Source};
use super::seal::{self, MasterKey, Mode, SealIdentity, SealKey};
use super::wire::{Reply, Script};
use crate::tenant::{Placement, PlacementId, TenantId};

/// The versions of schema `freehold` this library works with.
const SUPPORTED: std::ops::RangeInclusive<i32> = 1..=1;
const SUPPORTED_TEXT: &str = "1";

/// How long a token is good for. It is compared with the start of the transaction, which the same message opens, so this
/// is time on the wire, not time at work.
const TOKEN_LIFE: Duration = Duration::from_secs(5);

/// How long, where a token is good for any backend.
const UNBOUND_TOKEN_LIFE: Duration = Duration::from_secs(2);

/// Asked once per connection, before anything else. Also whether the settings of the start-up packet arrived: a pooler can
/// drop them, and what they set could then be set otherwise, by `alter role` or by whoever had the backend before.
///
/// Behind a pooler no settings come with the start-up packet; there the transaction itself has set them.
pub(crate) fn hello(pooled: bool) -> String {
    let source = if pooled { "session" } else { "client" };
    format!(
        "select h.pid, h.clock, h.system, h.database, h.schema_version, h.compatible_from, \
         (select pg_catalog.count(*) operator(pg_catalog.=) 2 from pg_catalog.pg_settings s \
          where s.name operator(pg_catalog.=) any ('{{search_path,row_security}}') and s.source operator(pg_catalog.=) '{source}'), \
         h.generation, h.salt, h.fingerprint from freehold.hello h"
    )
}

/// Binds path and context to the transaction that was begun just before, and draws the line between the random numbers of
/// the last tenant and those of this one. All are parameters: a literal could be read in `pg_stat_activity`.
///
/// Returns the server's clock, and which routines of the database run text that they are given; null where the privileges
/// are not those of profile `hardened`, so that built-in functions have to be reckoned with.
pub(crate) const BIND: &str = "select pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('freehold.token', $2, true), \
                               pg_catalog.setseed($3), pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()), \
                               (select i.interpreters from freehold.installation i where i.profile = 'hardened')";

/// What brings a backend that a pooler chose back to how it was when it was opened, since whoever had it before may have left
/// anything there. Committed before the tenant's transaction begins, and under the same Sync, so that no other backend can
/// be given in between.
///
/// Read from its text each time, and nothing that tenants can make answers to these words.
pub(crate) const CLEAN: &[&str] = &[
    "set session authorization default",
    "reset all",
    "close all",
    "deallocate all",
    "unlisten *",
    "discard sequences",
    "discard plans",
];

/// [`BIND`] behind a pooler: with the settings that a connection would start with, since a login can change its own defaults,
/// and without the locks of others.
pub(crate) fn bind_behind_a_pooler() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // What drivers say in the start-up packet, and poolers by a SET of their own, which the cleaning takes away.
        let named = [("application_name", "freehold"), ("client_encoding", "UTF8")];
        let settings = STARTUP.iter().chain(&named).filter(|(name, _)| *name != "search_path").map(|(name, value)| {
            // Both are part of the program, and neither holds a quote.
            format!("pg_catalog.set_config('{name}', '{value}', true), ")
        });
        format!(
            "select pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('freehold.token', $2, true), \
             pg_catalog.setseed($3), {}pg_catalog.pg_advisory_unlock_all(), \
             pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()), null::pg_catalog.text",
            settings.collect::<String>()
        )
    });
    &TEXT
}

/// What brings a connection back to how it was when it was opened, and tells whether that can be believed.
///
/// A message of its own, so that it is committed before the next tenant begins: a reset inside the next transaction would
/// be undone by its rollback. By the simple protocol, from text: a tenant's SQL can `deallocate` a statement that the
/// driver prepared and prepare another under its name, so a prepared inspection would be answered by the tenant.
/// `prepared` is how many statements the driver believes in, beside [ours](Script::KEPT): where one is missing, every tenant's
/// use of it would fail. The driver may have left some behind besides, so ours are counted by their names.
///
/// A kept statement is read with the settings of the moment: `'2026-01-01'::timestamptz` is a constant in the time zone of
/// whoever made the server read it. Text made at run time can change settings and `execute` what the driver keeps, so after
/// such text every kept statement is read anew.
///
/// Not `discard all`: it drops the prepared statements that the driver believes in.
pub(crate) fn reset(roll_back: bool, prepared: usize, ran_ad_hoc: bool) -> String {
    // Where nothing is open the server would log a warning each time.
    let roll_back = if roll_back { "rollback; " } else { "" };
    let read_anew = if ran_ad_hoc { "discard plans; " } else { "" };
    format!(
        "{roll_back}set session authorization default; reset all; unlisten *; close all; discard sequences; discard temp; {read_anew}\
         select pg_catalog.pg_advisory_unlock_all(), pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()), \
         (select coalesce(pg_catalog.bool_or(s.from_sql), false) \
                 or pg_catalog.count(*) filter (where pg_catalog.starts_with(s.name, 'freehold_')) operator(pg_catalog.<>) {ours} \
                 or pg_catalog.count(*) operator(pg_catalog.<) {all} \
          from pg_catalog.pg_prepared_statement() s)",
        ours = Script::KEPT,
        all = Script::KEPT + prepared,
    )
}

/// What [`reset`] found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inspection {
    /// The server's clock, if it was asked.
    pub(crate) clock: Option<ServerClock>,
    /// Some SQL prepared a statement, which may stand in the place of a kept one, or took one of those away: the connection
    /// is condemned.
    pub(crate) hijacked: bool,
}

impl Inspection {
    pub(crate) fn read(row: &Reply) -> Result<Self, Source> {
        let [_, Some(clock), hijacked] = &row[..] else {
            return Err("the inspection of a connection was not answered".into());
        };
        let clock = Some(ServerClock::new(clock.parse()?));
        Ok(Self { clock, hijacked: hijacked.as_deref() != Some("f") })
    }
}

/// The answer to [`hello`].
#[derive(Debug)]
pub(crate) struct Hello {
    pub(crate) pid: i32,
    pub(crate) clock: f64,
    pub(crate) system: String,
    pub(crate) database: String,
    pub(crate) schema_version: i32,
    pub(crate) compatible_from: i32,
    /// Generation, salt and fingerprint of the newest key; absent before the database was sealed.
    pub(crate) key: Option<(i32, Vec<u8>, String)>,
}

impl Hello {
    pub(crate) fn read(row: &Reply) -> Result<Self, Source> {
        let [
            Some(pid),
            Some(clock),
            Some(system),
            Some(database),
            Some(schema_version),
            Some(compatible_from),
            Some(settings),
            key @ ..,
        ] = &row[..]
        else {
            return Err("the database has no schema freehold that answers: run `freehold up`".into());
        };
        if settings != "t" {
            return Err("the settings that a connection starts with did not reach the server: a pooler dropped them. \
                        Name it with `freehold cluster pooler`, or connect to PostgreSQL itself"
                .into());
        }
        let key = match key {
            [Some(generation), Some(salt), Some(fingerprint)] => {
                // The text format of bytea: a backslash, an x, hex digits.
                Some((generation.parse()?, hex::decode(salt.trim_start_matches("\\x"))?, fingerprint.clone()))
            }
            _ => None,
        };
        Ok(Self {
            pid: pid.parse()?,
            clock: clock.parse()?,
            system: system.clone(),
            database: database.clone(),
            schema_version: schema_version.parse()?,
            compatible_from: compatible_from.parse()?,
            key,
        })
    }
}

/// A connection that has proven to be usable.
#[derive(Debug)]
pub(crate) struct Session {
    /// The backend; `None` where a pooler decides on that.
    pid: Option<i32>,
    key: SealKey,
    clock: ServerClock,
}

/// The server's clock, read through this process's monotonic one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ServerClock {
    read_at: Instant,
    seconds: f64,
}

impl ServerClock {
    pub(crate) fn new(seconds: f64) -> Self {
        Self { read_at: Instant::now(), seconds }
    }

    fn now(&self) -> f64 {
        self.seconds + self.read_at.elapsed().as_secs_f64()
    }
}

impl Session {
    /// Checks that the database speaks our language and was sealed with our key.
    pub(crate) fn establish(hello: Hello, master: &MasterKey, pooled: bool) -> Result<Self, ScopeError> {
        if !SUPPORTED.contains(&hello.schema_version) && hello.compatible_from > *SUPPORTED.end() {
            return Err(ScopeError::Incompatible {
                database: hello.database,
                found: hello.schema_version,
                supported: SUPPORTED_TEXT,
                advice: "upgrade the application",
            });
        }
        if hello.schema_version < *SUPPORTED.start() {
            return Err(ScopeError::Incompatible {
                database: hello.database,
                found: hello.schema_version,
                supported: SUPPORTED_TEXT,
                advice: "run `freehold up`",
            });
        }
        let configured = master.fingerprint();
        let (generation, salt) = match hello.key {
            Some((generation, salt, fingerprint)) if fingerprint == configured => (generation, salt),
            other => {
                return Err(ScopeError::WrongKey {
                    database: hello.database,
                    sealed_with: other.map_or_else(|| "no key".to_owned(), |(_, _, fingerprint)| fingerprint),
                    configured,
                });
            }
        };
        let mut identity = SealIdentity { system: hello.system, database: hello.database, generation, salt: [0; 32] };
        let Ok(salt) = salt.try_into() else {
            return Err(ScopeError::WrongKey {
                database: identity.database,
                sealed_with: "a key without its salt".into(),
                configured,
            });
        };
        identity.salt = salt;
        let pid = (!pooled).then_some(hello.pid);
        Ok(Self { pid, key: master.seal_key(&identity), clock: ServerClock::new(hello.clock) })
    }

    pub(crate) fn set_clock(&mut self, clock: ServerClock) {
        self.clock = clock;
    }

    /// What lets this connection, and no other, run as `tenant` for one transaction that begins now.
    pub(crate) fn open(&self, tenant: TenantId, placement: &Placement, mode: Mode) -> Opening {
        let life = if self.pid.is_some() { TOKEN_LIFE } else { UNBOUND_TOKEN_LIFE };
        let token = seal::mint(
            &self.key,
            seal::Context {
                tenant,
                placement: &placement.id,
                epoch: placement.epoch,
                mode,
                pid: self.pid,
                expiry: self.clock.now() as i64 + life.as_secs() as i64,
            },
        );
        let read_only = mode == Mode::Read;
        Opening { read_only, path: placement.id.clone(), token: Token(token), seed: rand::random_range(-1.0..=1.0) }
    }
}

/// How a transaction opens: whether it may write, the schema it works in, the sealed context, and where its random
/// numbers begin.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) read_only: bool,
    pub(crate) path: PlacementId,
    pub(crate) token: Token,
    pub(crate) seed: f64,
}

/// A sealed token. It does not print: drivers log parameters.
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}
