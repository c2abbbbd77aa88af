//! What is known of an established connection: which backend it is, which key seals contexts for it, and its clock.

use std::time::{Duration, Instant};

use super::error::ScopeError;
use super::seal::{self, MasterKey, Mode, SealIdentity, SealKey};
use crate::tenant::{Placement, PlacementId, TenantId};

/// The versions of schema `freehold` this library works with.
const SUPPORTED: std::ops::RangeInclusive<i32> = 1..=1;
const SUPPORTED_TEXT: &str = "1";

/// How long a token is good for. It is compared with the start of the transaction, which the same message opens, so this
/// is time on the wire, not time at work.
const TOKEN_LIFE: Duration = Duration::from_secs(5);

/// Asked once per connection, before anything else.
pub(crate) const HELLO: &str = "select pid, clock, system, database, schema_version, compatible_from, generation, salt, fingerprint \
                                from freehold.hello";

/// The answer to [`HELLO`].
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

/// A connection that has proven to be usable.
#[derive(Debug)]
pub(crate) struct Session {
    pid: i32,
    key: SealKey,
    clock: ServerClock,
}

/// The server's clock, read through this process's monotonic one.
#[derive(Clone, Copy, Debug)]
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
    pub(crate) fn establish(hello: Hello, master: &MasterKey) -> Result<Self, ScopeError> {
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
        Ok(Self { pid: hello.pid, key: master.seal_key(&identity), clock: ServerClock::new(hello.clock) })
    }

    pub(crate) fn set_clock(&mut self, clock: ServerClock) {
        self.clock = clock;
    }

    /// What lets this connection, and no other, run as `tenant` for one transaction that begins now.
    pub(crate) fn open(&self, tenant: TenantId, placement: &Placement, mode: Mode) -> Opening {
        let token = seal::mint(
            &self.key,
            seal::Context {
                tenant,
                placement: &placement.id,
                epoch: placement.epoch,
                mode,
                pid: self.pid,
                expiry: self.clock.now() as i64 + TOKEN_LIFE.as_secs() as i64,
            },
        );
        let begin = match mode {
            Mode::Read => "begin read only",
            Mode::Write => "begin",
        };
        Opening { begin, path: placement.id.clone(), token: Token(token) }
    }
}

/// How a transaction opens: the statement that begins it, the schema it works in, and the sealed context.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) begin: &'static str,
    pub(crate) path: PlacementId,
    pub(crate) token: Token,
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
