//! What is known of a session from the messages that pass: decisions only, no I/O.
//!
//! Formats: PostgreSQL, "Message Formats" in the chapter on the frontend/backend protocol.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::task::Waker;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::sync::oneshot;

use super::script::{End, Kept, Script};
use super::unnamed::{self, Unnamed};
use crate::isolation::session::{Opening, ServerClock};

/// The last row of an answer, column by column, as text.
pub(crate) type Reply = Vec<Option<String>>;

type Answer = oneshot::Sender<Result<Reply, Refusal>>;

/// An error that the server answered a script with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) sqlstate: String,
    pub(crate) message: String,
    /// The server ended the session.
    pub(crate) fatal: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.sqlstate)
    }
}

impl std::error::Error for Refusal {}

/// What the server said when it bound a context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Opened {
    pub(crate) clock: ServerClock,
    interpreters: Interpreters,
}

/// Which routines of a database run text that they are given, so that the tag of a statement does not tell all that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interpreters {
    /// Some that tenants may call, or not known.
    Callable,
    /// None but triggers, which only writes set off.
    Triggers,
    None,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// Outside a transaction.
    None,
    Open,
    /// Open, and nothing but a rollback can follow.
    Failed,
}

/// What is left to do behind a scope of which nothing but queries is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// It read, and its transaction is open.
    Read,
    /// It wrote, and its transaction is open.
    Write,
    /// Its transaction was committed.
    Committed,
}

impl Leaving {
    /// What does it.
    fn script(self) -> Script {
        let script = Script::default();
        match self {
            Self::Read => script.kept(Kept::Rollback),
            // A rollback takes back every setting, but not what a sequence gave last.
            Self::Write => script.kept(Kept::Rollback).kept(Kept::DiscardSequences),
            Self::Committed => script.kept(Kept::ResetLogin).kept(Kept::ResetAll).kept(Kept::DiscardSequences),
        }
        .alone()
    }
}

/// What becomes of a message of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The driver gets it.
    Deliver,
    /// It answers a script.
    Take,
    /// Not decided before all of it is there.
    Wait,
}

/// A script whose answers are not all there.
#[derive(Debug)]
struct Expected {
    /// How often the server is ready before the answers begin.
    after: u64,
    /// How many statements of the driver are completed before, in the same group.
    behind: u32,
    statements: u32,
    completed: u32,
    bind: Option<u32>,
    commits: bool,
    end: End,
    row: Reply,
    refusal: Option<Refusal>,
    answer: Option<Answer>,
}

impl Expected {
    /// Whether the next statement to be completed is a commit.
    fn is_at_its_commit(&self) -> bool {
        self.commits && self.completed + 1 == self.statements
    }
}

#[derive(Debug)]
pub(super) struct State {
    framing: Framing,
    /// The driver may send Query messages.
    simple: bool,
    /// Statements, where a pooler gives each transaction whatever backend it likes.
    unnamed: Option<Unnamed>,
    /// How often the server was asked to say when it is ready: once at the start, and with every Sync and every Query.
    asked: u64,
    /// How often it said so.
    ready: u64,
    /// The driver sent messages since its last Sync.
    in_group: bool,
    /// Statements that it executed since then.
    executed: u32,
    transaction: Transaction,
    /// A context was opened since the session was left or cleaned. Otherwise there may be a transaction of another tenant,
    /// and no statement of a driver goes out.
    bound: bool,
    leaving: Option<Leaving>,
    before: Vec<Script>,
    commit_behind: bool,
    alone: VecDeque<(Script, Option<Answer>)>,
    expected: VecDeque<Expected>,
    opened: Option<Opened>,
    /// How many statements of the driver were read.
    parsed: u64,
    /// The transaction that was opened last only reads.
    read_only: bool,
    /// Text made at run time was sent, or a setting changed that decides how text is read.
    ad_hoc: bool,
    /// Something else than queries ran, or what ran is not known.
    disturbed: bool,
    /// A statement took prepared statements away, which may be the driver's or ours.
    deallocated: bool,
    /// The driver sent Query messages, by which it asks what types there are.
    asked_for_types: bool,
    key: Option<(i32, i32)>,
    closed: bool,
    waker: Option<Waker>,
}

impl State {
    pub(super) fn new(simple: bool, pooled: bool) -> Self {
        Self {
            simple,
            unnamed: pooled.then(|| Unnamed::new(Kept::behind_a_pooler())),
            framing: Framing::start(),
            asked: 1,
            ready: 0,
            in_group: false,
            executed: 0,
            transaction: Transaction::None,
            bound: false,
            leaving: None,
            before: Vec::new(),
            commit_behind: false,
            alone: VecDeque::new(),
            expected: VecDeque::new(),
            opened: None,
            parsed: 0,
            read_only: false,
            ad_hoc: false,
            disturbed: false,
            deallocated: false,
            asked_for_types: false,
            key: None,
            closed: false,
            waker: None,
        }
    }

    pub(super) fn open(&mut self, opening: &Opening) {
        let (ahead, script) = self.opening(opening);
        self.before.extend(ahead);
        self.before.push(script);
    }

    /// What opens a transaction, and what has to be done ahead of it under a Sync of its own.
    pub(super) fn opening(&mut self, opening: &Opening) -> (Option<Script>, Script) {
        self.read_only = opening.read_only;
        if self.is_pooled() {
            let begin = if opening.read_only { Kept::BeginRead } else { Kept::BeginWrite };
            return (None, Script::default().clean().kept(begin).bind(opening));
        }
        let (ahead, begin) = match self.leaving.take() {
            Some(Leaving::Read) if opening.read_only => (None, Script::default().kept(Kept::BeginReadAgain)),
            Some(Leaving::Read) => (None, Script::default().kept(Kept::Rollback).kept(Kept::BeginWrite)),
            leaving => {
                let begin = if opening.read_only { Kept::BeginRead } else { Kept::BeginWrite };
                (leaving.map(Leaving::script), Script::default().kept(begin))
            }
        };
        (ahead, begin.bind(opening))
    }

    pub(super) fn precede(&mut self, script: Script) {
        self.before.push(script);
    }

    #[cfg(feature = "tokio-postgres")]
    pub(super) fn commit_behind(&mut self) {
        self.commit_behind = true;
    }

    pub(super) fn distrust(&mut self) {
        self.commit_behind = false;
        self.disturbed = true;
    }

    pub(super) fn give_up(&mut self) {
        self.distrust();
        self.before.clear();
    }

    /// Sends a script that ends with the server being ready.
    pub(super) fn send(&mut self, script: Script, answer: Option<Answer>) {
        debug_assert_eq!(script.end, End::Ready);
        if self.closed {
            return;
        }
        self.alone.push_back((script, answer));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn is_pooled(&self) -> bool {
        self.unnamed.is_some()
    }

    pub(super) fn leave(&mut self) -> bool {
        if self.is_pooled() {
            // A transaction that is open keeps a backend from others.
            let clean = self.transaction == Transaction::None && self.is_settled();
            if clean {
                (self.bound, self.ad_hoc, self.disturbed) = (false, false, false);
            }
            return clean;
        }
        let leaving = match (self.transaction, self.read_only) {
            (Transaction::None, _) => Leaving::Committed,
            (Transaction::Open, true) => Leaving::Read,
            (Transaction::Open, false) => Leaving::Write,
            (Transaction::Failed, _) => return false,
        };
        let known = match self.opened.map(|opened| opened.interpreters) {
            Some(Interpreters::None) => true,
            Some(Interpreters::Triggers) => leaving == Leaving::Read,
            Some(Interpreters::Callable) | None => false,
        };
        let clean = self.is_settled() && known && !self.disturbed && !self.ad_hoc && self.leaving.is_none();
        if clean {
            self.leaving = Some(leaving);
            self.bound = false;
        }
        clean
    }

    pub(super) fn has_lost_its_backend(&self) -> bool {
        self.is_pooled() && self.is_settled() && self.transaction == Transaction::None
    }

    /// Whether nothing is under way, or about to be.
    fn is_settled(&self) -> bool {
        self.is_answered() && self.before.is_empty() && !self.commit_behind && !self.closed
    }

    pub(super) fn tidy_up(&mut self) {
        if let Some(leaving) = self.leaving.take() {
            self.send(leaving.script(), None);
        }
    }

    pub(super) fn ran_ad_hoc(&mut self) {
        self.ad_hoc = true;
    }

    pub(super) fn has_run_ad_hoc(&self) -> bool {
        self.ad_hoc
    }

    pub(super) fn has_deallocated(&self) -> bool {
        self.deallocated
    }

    pub(super) fn parsed(&self) -> u64 {
        self.parsed
    }

    pub(super) fn cleaned(&mut self) {
        self.disturbed = false;
        self.ad_hoc = false;
        self.opened = None;
        self.bound = false;
    }

    pub(super) fn opened(&self) -> Option<Opened> {
        self.opened
    }

    pub(super) fn transaction(&self) -> Transaction {
        self.transaction
    }

    /// Whether the server answered everything that it was sent, and nothing waits to be sent by itself.
    pub(super) fn is_answered(&self) -> bool {
        self.asked == self.ready && self.alone.is_empty()
    }

    pub(super) fn take_asked_for_types(&mut self) -> bool {
        std::mem::take(&mut self.asked_for_types)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The stream has ended; nobody is going to answer.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.alone.clear();
        for mut expected in self.expected.drain(..) {
            if let (Some(answer), Some(refusal)) = (expected.answer.take(), expected.refusal.take()) {
                // Nobody may be waiting any more.
                let _ = answer.send(Err(refusal));
            }
        }
    }

    pub(super) fn cancel_request(&self) -> Option<BytesMut> {
        let (process, secret) = self.key?;
        let mut request = BytesMut::new();
        frontend::cancel_request(process, secret, &mut request);
        Some(request)
    }

    /// Appends the scripts that go by themselves. `waker` is woken when there is another one.
    pub(super) fn send_alone(&mut self, out: &mut BytesMut, waker: &Waker) {
        if self.framing.is_between() {
            self.put_alone(out);
        }
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    /// Appends what the driver sends, with what has to go before and behind it.
    pub(super) fn transmit(&mut self, bytes: &[u8], out: &mut BytesMut) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // A Sync belongs to the group that it ends.
            let group = self.asked;
            if let Some(kind) = self.framing.kind(rest) {
                // What was to go by itself was decided before this.
                self.put_alone(out);
                self.put_before(out);
                // Sync, Close, Flush, Terminate, and what answers Authentication.
                if !self.bound && !matches!(kind, b'S' | b'C' | b'H' | b'X' | b'p') {
                    return Err(io::Error::other("a driver sent a statement outside a scope"));
                }
                // What answers Authentication belongs to no group.
                self.in_group = !matches!(kind, b'S' | b'Q' | b'p');
                match kind {
                    b'E' => self.executed += 1,
                    b'S' => {
                        if self.commit_behind && self.executed > 0 {
                            self.commit_behind = false;
                            self.put(Script::default().commit(), self.executed, None, out);
                        }
                        self.executed = 0;
                        self.asked += 1;
                    }
                    b'Q' if self.simple => {
                        self.asked += 1;
                        self.disturbed = true;
                        self.asked_for_types = true;
                    }
                    b'Q' | b'F' => return Err(io::Error::other("a driver sent a message of the simple protocol")),
                    _ => {}
                }
            }
            let count = self.framing.advance(rest);
            match &mut self.unnamed {
                // The start-up packet has no kind, and is alone before the server was ready.
                Some(unnamed) if self.ready > 0 => {
                    unnamed.put_part(&rest[..count], self.framing.is_between(), group, out);
                }
                _ => out.extend_from_slice(&rest[..count]),
            }
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Between two groups of the driver's messages, appends the scripts that go by themselves.
    fn put_alone(&mut self, out: &mut BytesMut) {
        while !self.in_group
            && let Some((script, answer)) = self.alone.pop_front()
        {
            if answer.is_some() {
                self.put_before(out);
            }
            self.put(script, 0, answer, out);
        }
    }

    /// What has to go before anything else that a scope sends.
    fn put_before(&mut self, out: &mut BytesMut) {
        for script in std::mem::take(&mut self.before) {
            self.put(script, 0, None, out);
        }
    }

    fn put(&mut self, script: Script, behind: u32, answer: Option<Answer>, out: &mut BytesMut) {
        match &mut self.unnamed {
            Some(unnamed) => unnamed.put_script(&script.messages, out),
            None => out.extend_from_slice(&script.messages),
        }
        if script.bind.is_some() {
            self.opened = None;
            self.bound = true;
        }
        self.expected.push_back(Expected {
            after: self.asked,
            behind,
            statements: script.statements,
            completed: 0,
            bind: script.bind,
            commits: script.commits,
            end: script.end,
            row: Reply::new(),
            refusal: None,
            answer,
        });
        if script.end == End::Ready {
            self.asked += 1;
        }
    }

    /// Whether the next message, of this kind, may have to be kept from the driver.
    pub(super) fn may_take(&self, kind: u8) -> bool {
        kind == b'A' || (self.is_pooled() && matches!(kind, b'1' | b'T' | b'n')) || self.is_expecting()
    }

    /// Whether the next message may be an answer to a script.
    fn is_expecting(&self) -> bool {
        self.expected.front().is_some_and(|expected| expected.after == self.ready)
    }

    /// A message of the server: its kind, and its body once it is there.
    pub(super) fn receive(&mut self, kind: u8, body: Option<&[u8]>) -> io::Result<Verdict> {
        // They come unasked, whatever is being answered.
        match (kind, body) {
            // NotificationResponse: perhaps to what an earlier tenant listened for. No scope can ask for one.
            (b'A', Some(_)) => return Ok(Verdict::Take),
            // ParameterStatus
            (b'S', Some(body)) => {
                self.ad_hoc |= self.bound && !self.is_pooled() && decides_reading(body);
                return Ok(Verdict::Deliver);
            }
            (b'A' | b'S', None) => return Ok(Verdict::Wait),
            // NoticeResponse
            (b'N', _) => return Ok(Verdict::Deliver),
            _ => {}
        }
        if self.is_expecting()
            && let Some(expected) = self.expected.front_mut()
        {
            let Some(body) = body else { return Ok(Verdict::Wait) };
            if expected.behind > 0 && matches!(kind, b'C' | b'I') {
                expected.behind -= 1;
            } else if expected.behind == 0 {
                return self.receive_answer(kind, body);
            } else if kind == b'E' {
                return self.receive_error(body);
            }
            return self.observe(kind, Some(body));
        }
        self.observe(kind, body)
    }

    fn receive_answer(&mut self, kind: u8, body: &[u8]) -> io::Result<Verdict> {
        if kind == b'E' {
            return self.receive_error(body);
        }
        let Some(mut expected) = self.expected.pop_front() else { return Ok(Verdict::Deliver) };
        match (kind, expected.end) {
            // In a transaction that failed a commit is a rollback, and no error (PostgreSQL: COMMIT).
            (b'C', End::Ready) if expected.is_at_its_commit() && body.starts_with(b"ROLLBACK") => {
                expected.completed += 1;
                expected.refusal = Some(Refusal::rolled_back());
            }
            (b'D', _) => {
                let Some(columns) = columns(body) else {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a row that ends too early"));
                };
                if expected.bind == Some(expected.completed) {
                    self.opened = Opened::read(&columns);
                } else {
                    expected.row = columns.into_iter().map(|column| column.map(str::to_owned)).collect();
                }
            }
            (b'C', End::Completed) if expected.completed + 1 == expected.statements => return Ok(Verdict::Take),
            (b'C', _) => expected.completed += 1,
            // A pooler can give a client what the one before it was waiting for.
            (b'Z', End::Completed) => return Err(out_of_step()),
            (b'Z', _) if expected.refusal.is_none() && expected.completed < expected.statements => {
                return Err(out_of_step());
            }
            (b'Z', _) => {
                self.is_ready(body)?;
                if expected.refusal.is_some() && expected.answer.is_none() {
                    return Err(io::Error::other("a connection could not be cleaned"));
                }
                if let Some(answer) = expected.answer.take() {
                    // Nobody may be waiting any more.
                    let _ = answer.send(expected.refusal.take().map_or(Ok(expected.row), Err));
                }
                return Ok(Verdict::Take);
            }
            _ => {}
        }
        self.expected.push_front(expected);
        Ok(Verdict::Take)
    }

    /// An error: the server skips what follows up to the next Sync, also what stands there of ours.
    fn receive_error(&mut self, body: &[u8]) -> io::Result<Verdict> {
        while self.is_expecting()
            && let Some(expected) = self.expected.front_mut()
        {
            if expected.end == End::Ready {
                expected.refusal = Some(Refusal::read(body));
                return Ok(Verdict::Take);
            }
            self.expected.pop_front();
        }
        // The messages in the group are the driver's, so the error is too.
        self.observe(b'E', Some(body))
    }

    /// A message for the driver.
    fn observe(&mut self, kind: u8, body: Option<&[u8]>) -> io::Result<Verdict> {
        if let (Some(unnamed), b'1' | b't' | b'T' | b'n') = (&mut self.unnamed, kind) {
            let Some(body) = body else { return Ok(Verdict::Wait) };
            return match unnamed.answered(kind, body, self.ready) {
                unnamed::Answer::Driver => Ok(Verdict::Deliver),
                unnamed::Answer::Ours => Ok(Verdict::Take),
                unnamed::Answer::Outdated => Err(io::Error::other("the columns of a statement are not what they were")),
            };
        }
        match (kind, body) {
            // RowDescription and DataRow may be long, and tell nothing.
            (b'T' | b'D', _) => {}
            (_, None) => return Ok(Verdict::Wait),
            (b'C', Some(tag)) => {
                self.disturbed |= !is_query(tag);
                self.deallocated |= tag.starts_with(b"DEALLOCATE") || tag.starts_with(b"DISCARD ALL");
            }
            (b'Z', Some(body)) => self.is_ready(body)?,
            // PgBouncer 1.18 loses count of a client's messages behind a COPY, and no driver of a scope has a use for one.
            (b'G' | b'H' | b'W', Some(_)) if self.is_pooled() => {
                return Err(io::Error::other("COPY behind a pooler"));
            }
            (b'K', Some(body)) => {
                if let Some((process, secret)) = body.split_first_chunk() {
                    let secret = secret.first_chunk().copied().unwrap_or_default();
                    self.key = Some((i32::from_be_bytes(*process), i32::from_be_bytes(secret)));
                }
            }
            (b'1', Some(_)) => self.parsed += 1,
            // Authentication, and what answers Bind, Close and Describe.
            (b'R' | b'2' | b'3' | b't' | b'n', Some(_)) => {}
            // ErrorResponse, PortalSuspended, the beginnings of COPY, and what else there may be.
            (_, Some(_)) => self.disturbed = true,
        }
        Ok(Verdict::Deliver)
    }

    fn is_ready(&mut self, body: &[u8]) -> io::Result<()> {
        if self.ready >= self.asked {
            return Err(out_of_step());
        }
        if let Some(unnamed) = &mut self.unnamed {
            unnamed.is_ready(self.ready);
        }
        self.ready += 1;
        self.transaction = match body {
            b"I" => Transaction::None,
            b"T" => Transaction::Open,
            _ => Transaction::Failed,
        };
        // Whatever came next would go to any backend, with whatever another tenant left there.
        self.bound &= !self.is_pooled() || self.transaction != Transaction::None || !self.expected.is_empty();
        Ok(())
    }
}

/// An answer to what nobody asked here: nothing that follows can be told apart.
fn out_of_step() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the server answered something else than what it was asked")
}

/// Whether a setting whose value the server tells is one that decides how a text is read when it is prepared.
fn decides_reading(body: &[u8]) -> bool {
    let name = body.split(|byte| *byte == 0).next().unwrap_or(body);
    matches!(name, b"TimeZone" | b"DateStyle" | b"IntervalStyle" | b"standard_conforming_strings" | b"client_encoding")
}

/// Whether the tag of a completed statement is that of a query. The tag of EXECUTE is that of what it executes, but what it
/// executes was prepared before, and the tag of PREPARE told that.
fn is_query(tag: &[u8]) -> bool {
    let word = tag.split(|byte| *byte == b' ' || *byte == 0).next().unwrap_or(tag);
    matches!(word, b"SELECT" | b"INSERT" | b"UPDATE" | b"DELETE" | b"MERGE" | b"SHOW")
}

impl Opened {
    /// Reads the row that [`BIND`](crate::isolation::session::BIND) returns.
    fn read(row: &[Option<&str>]) -> Option<Self> {
        let [.., Some(clock), interpreters] = row else { return None };
        let interpreters = match interpreters {
            Some("none") => Interpreters::None,
            Some("triggers") => Interpreters::Triggers,
            _ => Interpreters::Callable,
        };
        Some(Self { clock: ServerClock::new(clock.parse().ok()?), interpreters })
    }
}

impl Refusal {
    /// As the server refuses everything else in a transaction that failed.
    fn rolled_back() -> Self {
        Self { sqlstate: "25P02".to_owned(), message: "the commit was a rollback".to_owned(), fatal: false }
    }

    fn read(body: &[u8]) -> Self {
        let mut refusal = Self::default();
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, text)) = field.split_first() else { break };
            let text = String::from_utf8_lossy(text);
            match kind {
                b'C' => refusal.sqlstate = text.into_owned(),
                b'M' => refusal.message = text.into_owned(),
                // The severity in English.
                b'V' => refusal.fatal = matches!(&*text, "FATAL" | "PANIC"),
                _ => {}
            }
        }
        refusal
    }
}

/// The columns of a DataRow, in the text format.
fn columns(mut body: &[u8]) -> Option<Vec<Option<&str>>> {
    let (count, rest) = body.split_first_chunk()?;
    body = rest;
    let column = |_| {
        let (length, rest) = body.split_first_chunk()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            body = rest;
            return Some(None);
        };
        let (value, rest) = rest.split_at_checked(length)?;
        body = rest;
        std::str::from_utf8(value).ok().map(Some)
    };
    (0..u16::from_be_bytes(*count)).map(column).collect()
}

/// Where one message of the driver ends and the next one begins.
#[derive(Debug)]
struct Framing {
    header: [u8; 5],
    /// Bytes of the header that are there.
    filled: usize,
    /// Bytes of the body that are not.
    rest: usize,
}

impl Framing {
    /// The start-up packet has no kind.
    fn start() -> Self {
        Self { header: [0; 5], filled: 1, rest: 0 }
    }

    fn is_between(&self) -> bool {
        self.filled == 0 && self.rest == 0
    }

    /// The kind of the message that begins here, if one does.
    fn kind(&self, bytes: &[u8]) -> Option<u8> {
        if self.is_between() { bytes.first().copied() } else { None }
    }

    /// Goes on to the end of the header or of the message, or of `bytes`, and says how far that is.
    fn advance(&mut self, bytes: &[u8]) -> usize {
        if self.rest > 0 {
            let count = self.rest.min(bytes.len());
            self.rest -= count;
            return count;
        }
        let count = (5 - self.filled).min(bytes.len());
        self.header[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
        self.filled += count;
        if self.filled == 5 {
            let [_, length @ ..] = self.header;
            // The length counts itself.
            self.rest = (u32::from_be_bytes(length) as usize).saturating_sub(4);
            self.filled = 0;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::isolation::seal::{MasterKey, Mode};
    use crate::isolation::session::{Hello, Session};
    use crate::tenant::{ClusterId, Model, Placement, PlacementId, TenantId};

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
    }

    /// What a driver sends to run a statement that is prepared.
    fn run() -> Vec<u8> {
        [message(b'B', b"\0s0\0\0\0\0\0\0\0"), message(b'E', b"\0\0\0\0\0"), message(b'S', b"")].concat()
    }

    fn kinds(mut bytes: &[u8]) -> String {
        let mut kinds = String::new();
        while let [kind, a, b, c, d, ..] = bytes {
            kinds.push(char::from(*kind));
            bytes = &bytes[1 + u32::from_be_bytes([*a, *b, *c, *d]) as usize..];
        }
        kinds
    }

    fn opening(mode: Mode) -> Opening {
        let master = MasterKey::generate();
        let hello = Hello {
            pid: 7,
            clock: 0.0,
            system: "1".into(),
            database: "d".into(),
            schema_version: 1,
            compatible_from: 1,
            key: Some((1, vec![0; 32], master.fingerprint())),
        };
        let placement = Placement::new(PlacementId::generate(), Model::Shared, ClusterId("local".into()), "d", 1);
        Session::establish(hello, &master, false).unwrap().open(TenantId::generate(), &placement, mode)
    }

    /// A session that has started and said that it is ready.
    fn started() -> State {
        let mut state = State::new(false, false);
        let mut out = BytesMut::new();
        state.transmit(&[0, 0, 0, 8, 0, 3, 0, 0], &mut out).unwrap();
        assert_eq!(answers(&mut state, &[(b'R', b"\0\0\0\0"), (b'Z', b"I")]), "DD");
        state
    }

    /// What becomes of messages of the server: delivered or taken.
    fn answers(state: &mut State, messages: &[(u8, &[u8])]) -> String {
        messages
            .iter()
            .map(|(kind, body)| match state.receive(*kind, Some(body)).unwrap() {
                Verdict::Deliver => 'D',
                Verdict::Take => 'T',
                Verdict::Wait => 'W',
            })
            .collect()
    }

    /// The row that binding a context returns.
    fn bound(interpreters: &str) -> Vec<u8> {
        let columns = ["t_x,pg_temp", "token", "", "17.5", interpreters];
        let mut row = (columns.len() as u16).to_be_bytes().to_vec();
        for column in columns {
            row.extend((column.len() as u32).to_be_bytes());
            row.extend(column.as_bytes());
        }
        row
    }

    fn transmitted(state: &mut State) -> String {
        let mut out = BytesMut::new();
        state.transmit(&run(), &mut out).unwrap();
        kinds(&out)
    }

    /// Runs one statement in a scope, whose tag is `tag`.
    fn serve(state: &mut State, mode: Mode, interpreters: &str, tag: &[u8]) {
        state.open(&opening(mode));
        assert!(transmitted(state).ends_with("BEBEBES"));
        let before: &[(u8, &[u8])] =
            &[(b'2', b""), (b'C', b"BEGIN\0"), (b'2', b""), (b'D', &bound(interpreters)), (b'C', b"SELECT 1\0")];
        assert_eq!(answers(state, before), "TTTTT");
        assert_eq!(answers(state, &[(b'2', b""), (b'D', b"\0\0"), (b'C', tag), (b'Z', b"T")]), "DDDD");
    }

    #[test]
    fn the_opening_travels_under_the_drivers_sync_and_its_answers_are_taken_out() {
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        assert_eq!(state.transaction(), Transaction::Open);
        assert!(state.opened().is_some());
    }

    #[test]
    fn what_a_read_scope_leaves_goes_with_the_next_opening() {
        let mut state = started();
        serve(&mut state, Mode::Read, "triggers", b"SELECT 1\0");
        assert!(state.leave());
        state.open(&opening(Mode::Read));
        assert_eq!(transmitted(&mut state), "BEBEBES", "rollback and begin are one statement");
    }

    #[test]
    fn what_a_write_scope_leaves_is_done_before_the_next_opening_under_a_sync_of_its_own() {
        let mut state = started();
        serve(&mut state, Mode::Write, "none", b"INSERT 0 1\0");
        assert!(state.leave());
        state.open(&opening(Mode::Read));
        assert_eq!(transmitted(&mut state), "BEBESBEBEBES");
        let done: &[(u8, &[u8])] =
            &[(b'2', b""), (b'C', b"ROLLBACK\0"), (b'2', b""), (b'C', b"DISCARD SEQUENCES\0"), (b'Z', b"I")];
        assert_eq!(answers(&mut state, done), "TTTTT");
    }

    #[test]
    fn what_is_being_done_comes_before_an_opening_that_is_decided_later() {
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        assert!(state.leave());
        state.tidy_up();
        state.open(&opening(Mode::Read));
        assert_eq!(transmitted(&mut state), "BESBEBEBES", "the rollback is first");
    }

    #[test]
    fn nothing_of_ours_gets_between_the_messages_of_a_group() {
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        let mut out = BytesMut::new();
        state.transmit(&message(b'P', b"s1\0select 1\0\0\0"), &mut out).unwrap();
        state.send(Script::simple("select 1"), None);
        state.send_alone(&mut out, Waker::noop());
        state.transmit(&message(b'D', b"Ss1\0"), &mut out).unwrap();
        state.transmit(&message(b'S', b""), &mut out).unwrap();
        state.send_alone(&mut out, Waker::noop());
        assert_eq!(kinds(&out), "PDSQ");
    }

    #[test]
    fn a_session_that_cannot_be_vouched_for_is_not_left_as_it_is() {
        for (mode, interpreters, tag) in [
            (Mode::Read, "none", &b"PREPARE\0"[..]),
            (Mode::Read, "none", b"DEALLOCATE\0"),
            (Mode::Read, "none", b"SET\0"),
            (Mode::Read, "none", b"LISTEN\0"),
            (Mode::Read, "none", b"DO\0"),
            (Mode::Read, "none", b"CALL\0"),
            (Mode::Read, "none", b"ROLLBACK\0"),
            (Mode::Read, "none", b"SELECTED\0"),
            (Mode::Read, "none", b"DECLARE CURSOR\0"),
            (Mode::Read, "callable", b"SELECT 1\0"),
            (Mode::Read, "", b"SELECT 1\0"),
            (Mode::Write, "triggers", b"SELECT 1\0"),
        ] {
            let mut state = started();
            serve(&mut state, mode, interpreters, tag);
            assert!(!state.leave(), "{mode:?} {interpreters} {:?}", String::from_utf8_lossy(tag));
        }
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        state.ran_ad_hoc();
        assert!(!state.leave(), "text made at run time");
    }

    #[test]
    fn a_statement_that_failed_or_was_not_seen_to_end_is_not_vouched_for() {
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        transmitted(&mut state);
        assert!(!state.leave(), "it is not answered");
        assert_eq!(answers(&mut state, &[(b'E', b"C22012\0\0"), (b'Z', b"E")]), "DD");
        assert!(!state.leave(), "it failed");
    }

    #[test]
    fn an_error_of_the_opening_reaches_the_driver() {
        let mut state = started();
        state.open(&opening(Mode::Read));
        transmitted(&mut state);
        assert_eq!(answers(&mut state, &[(b'2', b""), (b'E', b"C57P01\0\0"), (b'Z', b"I")]), "TDD");
        assert!(!state.leave());
    }

    /// A pooler can give a client what the one before it was waiting for.
    #[test]
    fn an_answer_to_what_nobody_asked_ends_the_connection() {
        let mut state = started();
        assert!(state.receive(b'Z', Some(b"I")).is_err(), "ready once more");
        let mut state = started();
        state.open(&opening(Mode::Read));
        transmitted(&mut state);
        assert!(state.receive(b'Z', Some(b"I")).is_err(), "ready before the context is bound");
        let mut state = started();
        state.send(Script::default().kept(Kept::Commit).alone(), None);
        state.send_alone(&mut BytesMut::new(), Waker::noop());
        assert!(state.receive(b'Z', Some(b"I")).is_err(), "ready before the commit is done");
    }

    #[test]
    fn a_copy_ends_the_connection_behind_a_pooler() {
        let mut state = started();
        state.unnamed = Some(Unnamed::new(Kept::behind_a_pooler()));
        assert!(state.receive(b'H', Some(b"")).is_err());
        assert_eq!(answers(&mut started(), &[(b'H', b"")]), "D");
    }

    #[test]
    fn no_statement_of_a_driver_goes_out_where_no_context_was_opened() {
        let refused = |state: &mut State| state.transmit(&run(), &mut BytesMut::new()).is_err();
        let mut state = started();
        assert!(refused(&mut state), "a new session");
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        assert!(state.leave());
        assert!(refused(&mut state), "a session that was left");
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SET\0");
        state.cleaned();
        assert!(refused(&mut state), "a session that was cleaned");
    }

    #[test]
    fn an_opening_that_was_not_sent_stays_due_whatever_is_sent_next() {
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        assert!(state.leave());
        state.open(&opening(Mode::Write));
        state.distrust();
        assert!(!state.leave());
        assert_eq!(transmitted(&mut state), "BEBEBEBES");

        let mut state = started();
        state.open(&opening(Mode::Write));
        state.distrust();
        let (sender, _receiver) = oneshot::channel();
        state.send(Script::default().commit().alone(), Some(sender));
        let mut out = BytesMut::new();
        state.send_alone(&mut out, Waker::noop());
        assert_eq!(kinds(&out), "BEBEBES");
    }

    #[test]
    fn a_commit_goes_behind_the_statement_that_is_executed_and_behind_no_other_message() {
        let mut state = started();
        serve(&mut state, Mode::Write, "none", b"INSERT 0 1\0");
        state.commit_behind();
        let mut out = BytesMut::new();
        let close = [message(b'C', b"Ss1\0"), message(b'S', b"")].concat();
        state.transmit(&close, &mut out).unwrap();
        assert_eq!(kinds(&out), "CS");
        assert_eq!(transmitted(&mut state), "BEBES");
        let seen: &[(u8, &[u8])] = &[
            (b'3', b""),
            (b'Z', b"T"),
            (b'2', b""),
            (b'C', b"INSERT 0 1\0"),
            (b'2', b""),
            (b'C', b"COMMIT\0"),
            (b'Z', b"I"),
        ];
        assert_eq!(answers(&mut state, seen), "DDDDTTD");
        assert!(state.leave());
    }

    #[test]
    fn a_commit_behind_a_statement_that_failed_is_not_waited_for() {
        let mut state = started();
        serve(&mut state, Mode::Write, "none", b"INSERT 0 1\0");
        state.commit_behind();
        transmitted(&mut state);
        assert_eq!(answers(&mut state, &[(b'E', b"C23505\0\0"), (b'Z', b"E")]), "DD");
        assert!(!state.is_expecting());
    }

    #[test]
    fn nothing_of_a_group_that_failed_is_waited_for() {
        let mut state = started();
        serve(&mut state, Mode::Write, "none", b"INSERT 0 1\0");
        state.precede(Script::default().control("rollback to savepoint s1"));
        state.commit_behind();
        transmitted(&mut state);
        assert_eq!(answers(&mut state, &[(b'1', b""), (b'2', b""), (b'E', b"C3B001\0\0"), (b'Z', b"E")]), "TTDD");

        state.precede(Script::default().control("rollback to savepoint s1"));
        let (sender, mut receiver) = oneshot::channel();
        state.send(Script::default().commit().alone(), Some(sender));
        state.send_alone(&mut BytesMut::new(), Waker::noop());
        assert_eq!(answers(&mut state, &[(b'1', b""), (b'2', b""), (b'E', b"C3B001\0\0"), (b'Z', b"E")]), "TTTT");
        assert_eq!(receiver.try_recv().unwrap().unwrap_err().sqlstate, "3B001", "whoever waits is told");
        assert!(state.is_answered() && state.expected.is_empty());
    }

    #[test]
    fn behind_a_login_with_a_password_a_script_goes_by_itself() {
        let mut state = State::new(false, false);
        state.transmit(b"\0\0\0\x09\0\x03\0\0\0", &mut BytesMut::new()).unwrap();
        assert_eq!(answers(&mut state, &[(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")]), "D");
        state.transmit(&message(b'p', b"SCRAM-SHA-256\0"), &mut BytesMut::new()).unwrap();
        assert_eq!(answers(&mut state, &[(b'R', b"\0\0\0\0"), (b'Z', b"I")]), "DD");
        state.send(Script::simple("select 1"), None);
        let mut out = BytesMut::new();
        state.send_alone(&mut out, Waker::noop());
        assert_eq!(out.first(), Some(&b'Q'));
    }

    #[test]
    fn a_notification_is_for_nobody_and_a_setting_that_decides_reading_is_noted() {
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        assert_eq!(answers(&mut state, &[(b'A', b"\0\0\0\x07channel\0payload\0")]), "T");
        assert_eq!(answers(&mut state, &[(b'S', b"search_path\0t_x\0")]), "D");
        assert!(!state.has_run_ad_hoc());
        assert_eq!(answers(&mut state, &[(b'S', b"TimeZone\0Asia/Tokyo\0")]), "D");
        assert!(state.has_run_ad_hoc() && !state.leave());
    }

    #[test]
    fn messages_that_arrive_in_pieces_are_the_same_messages() {
        let mut state = started();
        state.open(&opening(Mode::Read));
        let mut out = BytesMut::new();
        for byte in run() {
            state.transmit(&[byte], &mut out).unwrap();
        }
        assert_eq!(kinds(&out), "BEBEBES");
        assert_eq!(state.receive(b'2', None).unwrap(), Verdict::Wait);
    }

    #[test]
    fn the_simple_protocol_is_refused_to_a_driver_that_can_do_without() {
        let query = message(b'Q', b"select 1; select 2\0");
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        assert!(state.transmit(&query, &mut BytesMut::new()).is_err());
        let mut state = State { simple: true, ..started() };
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        state.transmit(&query, &mut BytesMut::new()).unwrap();
        assert!(state.disturbed);
    }

    #[test]
    fn a_script_goes_by_itself_and_its_last_row_or_error_is_returned() {
        let mut state = started();
        let (sender, mut receiver) = oneshot::channel();
        state.send(Script::simple("select 1"), Some(sender));
        let mut out = BytesMut::new();
        state.send_alone(&mut out, Waker::noop());
        assert_eq!(kinds(&out), "Q");
        let row = [&[0, 1, 0, 0, 0, 1][..], b"1"].concat();
        assert_eq!(answers(&mut state, &[(b'T', b""), (b'D', &row), (b'C', b"SELECT 1\0"), (b'Z', b"I")]), "TTTT");
        assert_eq!(receiver.try_recv().unwrap().unwrap(), [Some("1".to_owned())]);

        let (sender, mut receiver) = oneshot::channel();
        state.send(Script::simple("select 1"), Some(sender));
        state.send_alone(&mut BytesMut::new(), Waker::noop());
        assert_eq!(answers(&mut state, &[(b'E', b"SERROR\0VERROR\0C42601\0Mno\0\0"), (b'Z', b"I")]), "TT");
        let refusal = receiver.try_recv().unwrap().unwrap_err();
        assert_eq!((refusal.sqlstate.as_str(), refusal.message.as_str(), refusal.fatal), ("42601", "no", false));
    }

    #[test]
    fn what_was_left_to_do_and_failed_ends_the_connection() {
        let mut state = started();
        serve(&mut state, Mode::Read, "none", b"SELECT 1\0");
        assert!(state.leave());
        state.tidy_up();
        state.send_alone(&mut BytesMut::new(), Waker::noop());
        assert_eq!(answers(&mut state, &[(b'E', b"C57014\0\0")]), "T");
        assert!(state.receive(b'Z', Some(b"E")).is_err());
    }
}
