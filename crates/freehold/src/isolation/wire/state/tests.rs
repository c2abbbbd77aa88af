//! What is known of a session, message by message.

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
