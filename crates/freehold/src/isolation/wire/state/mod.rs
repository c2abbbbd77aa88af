//! What is known of a session from the messages that pass: decisions only, no I/O.
//!
//! Formats: PostgreSQL, "Message Formats" in the chapter on the frontend/backend protocol.

use std::collections::VecDeque;
use std::io;
use std::task::Waker;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::sync::oneshot;

use super::framing::Framing;
use super::message::{Interpreters, Opened, Refusal, columns, decides_reading, is_query};
use super::script::{End, Kept, Script};
use super::unnamed::{self, Unnamed};
use crate::isolation::session::Opening;

/// The last row of an answer, column by column, as text.
pub(crate) type Reply = Vec<Option<String>>;

type Answer = oneshot::Sender<Result<Reply, Refusal>>;

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

#[cfg(test)]
mod tests;
