use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use super::super::session::{BIND, CLEAN, Opening, bind_behind_a_pooler, hello};

/// Statements of Freehold, sent as messages of the extended protocol.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(super) messages: BytesMut,
    /// Statements in it.
    pub(super) statements: u32,
    /// Which of them binds the context, counted from 0.
    pub(super) bind: Option<u32>,
    /// The last of them is a commit.
    pub(super) commits: bool,
    pub(super) end: End,
}

/// Where the answers to a script end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// When its statements are completed. What the driver sends follows under the same Sync.
    #[default]
    Completed,
    /// When the server is ready again.
    Ready,
}

/// A statement that every connection keeps prepared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    Rollback,
    BeginRead,
    BeginWrite,
    /// Rolls back a transaction for reading and begins another one.
    BeginReadAgain,
    Bind,
    Prove,
    Commit,
    /// The role and the login, which [`ResetAll`](Self::ResetAll) leaves alone.
    ResetLogin,
    ResetAll,
    DiscardSequences,
}

impl Kept {
    const ALL: [Self; Script::KEPT] = [
        Self::Rollback,
        Self::BeginRead,
        Self::BeginWrite,
        Self::BeginReadAgain,
        Self::Bind,
        Self::Prove,
        Self::Commit,
        Self::ResetLogin,
        Self::ResetAll,
        Self::DiscardSequences,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Rollback => "freehold_rollback",
            Self::BeginRead => "freehold_begin_read",
            Self::BeginWrite => "freehold_begin_write",
            Self::BeginReadAgain => "freehold_begin_read_again",
            Self::Bind => "freehold_bind",
            Self::Prove => "freehold_prove",
            Self::Commit => "freehold_commit",
            Self::ResetLogin => "freehold_reset_login",
            Self::ResetAll => "freehold_reset_all",
            Self::DiscardSequences => "freehold_discard_sequences",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::BeginRead => "begin isolation level read committed, read only, not deferrable",
            Self::BeginWrite => "begin isolation level read committed, read write, not deferrable",
            Self::BeginReadAgain => "rollback and chain",
            Self::Bind => BIND,
            Self::Prove => "select tenant from freehold.context",
            Self::Commit => "commit",
            Self::ResetLogin => "set session authorization default",
            Self::ResetAll => "reset all",
            Self::DiscardSequences => "discard sequences",
        }
    }
}

impl Kept {
    /// Names and texts, for a connection through a pooler.
    pub(super) fn behind_a_pooler() -> impl Iterator<Item = (&'static str, &'static str)> {
        Self::ALL.into_iter().map(|kept| {
            let text = if let Self::Bind = kept { bind_behind_a_pooler() } else { kept.text() };
            (kept.name(), text)
        })
    }
}

const FITS: &str = "the texts and parameters of Freehold fit into a message and have no zero byte";

impl Script {
    /// Statements that [`prepare`](Self::prepare) makes.
    pub(crate) const KEPT: usize = 10;

    /// Prepares the statements that the other scripts execute.
    pub(crate) fn prepare() -> Self {
        let mut script = Self::default();
        for kept in Kept::ALL {
            frontend::parse(kept.name(), kept.text(), [], &mut script.messages).expect(FITS);
        }
        script.alone()
    }

    /// Statements by the simple protocol: read from their text by the server each time, so that nothing that was prepared
    /// can stand in their place.
    pub(crate) fn simple(text: &str) -> Self {
        let mut script = Self { end: End::Ready, ..Self::default() };
        frontend::query(text, &mut script.messages).expect(FITS);
        script
    }

    /// Asks a server behind a pooler what it is, with the settings that a connection would start with.
    pub(crate) fn hello_behind_a_pooler() -> Self {
        let mut script = Self::default().clean().kept(Kept::BeginRead);
        script.execute(Kept::Bind.name(), &["pg_catalog", "", "0"]);
        script.control(&hello(true)).kept(Kept::Commit).alone()
    }

    /// Takes away what others left on a backend, in a transaction of its own.
    pub(super) fn clean(self) -> Self {
        CLEAN.iter().fold(self.kept(Kept::BeginWrite), |script, text| script.control(text)).kept(Kept::Commit)
    }

    /// Rolls back, alone.
    pub(crate) fn roll_back() -> Self {
        Self::default().kept(Kept::Rollback).alone()
    }

    /// Gives the transaction that was just begun its context.
    pub(super) fn bind(mut self, opening: &Opening) -> Self {
        let (path, seed) = (opening.path.path(), opening.seed.to_string());
        self.bind = Some(self.statements);
        self.execute(Kept::Bind.name(), &[path, opening.token.as_str(), &seed]);
        self
    }

    /// Reads the context, so that one that does not verify fails here.
    #[cfg(feature = "sqlx")]
    pub(crate) fn prove(self) -> Self {
        self.kept(Kept::Prove)
    }

    /// Keeps what the transaction did.
    pub(crate) fn commit(self) -> Self {
        Self { commits: true, ..self.kept(Kept::Commit) }
    }

    /// A statement of this crate, with nothing from outside in it.
    pub(crate) fn control(mut self, text: &str) -> Self {
        frontend::parse("", text, [], &mut self.messages).expect(FITS);
        self.execute("", &[]);
        self
    }

    /// The statements of both.
    pub(crate) fn followed_by(mut self, other: Self) -> Self {
        self.messages.extend_from_slice(&other.messages);
        self.statements += other.statements;
        self
    }

    /// Ends the script with a Sync, so that it can go by itself.
    pub(crate) fn alone(mut self) -> Self {
        frontend::sync(&mut self.messages);
        self.end = End::Ready;
        self
    }

    pub(super) fn kept(mut self, kept: Kept) -> Self {
        self.execute(kept.name(), &[]);
        self
    }

    fn execute(&mut self, name: &str, parameters: &[&str]) {
        let write = |value: &&str, out: &mut BytesMut| {
            out.extend_from_slice(value.as_bytes());
            Ok(IsNull::No)
        };
        // Parameters and results as text, which is what no format codes means.
        if frontend::bind("", name, [], parameters, write, [], &mut self.messages).is_err() {
            unreachable!("{FITS}");
        }
        frontend::execute("", 0, &mut self.messages).expect(FITS);
        self.statements += 1;
    }
}
