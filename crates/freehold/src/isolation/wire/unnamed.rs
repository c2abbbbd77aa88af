use std::collections::{HashMap, VecDeque};

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Prepared statements behind a pooler, where the backend of one transaction knows nothing of what was prepared on another.
///
/// The server is never given a name. What a driver prepares is remembered here, and where it refers to a name, the statement
/// is read anew as the unnamed one right before. No tenant's SQL can stand in its place, and none can read it afterwards.
///
/// A server refuses a kept statement whose columns have changed since it was described. Here the columns are asked for with
/// each execution, and compared, since the driver reads rows as they were described.
#[derive(Debug)]
pub(super) struct Unnamed {
    statements: HashMap<Bytes, Statement>,
    /// The statement that is the unnamed one since the last Sync.
    current: Option<Bytes>,
    /// A message of which the end is not there.
    partial: BytesMut,
    /// What was asked beside the scripts and is not answered: in which group, and what.
    asked: VecDeque<(u64, Asked)>,
}

#[derive(Clone, Debug)]
struct Statement {
    /// Ends with a zero byte, as it does in Parse.
    text: Bytes,
    /// Of the parameters: how many, and which. Parse and ParameterDescription write them alike.
    types: Bytes,
    /// The names and types of its columns, once the driver knows them.
    columns: Option<Bytes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    /// Parse: of what the driver prepares under this name, which it may not have.
    Parse(Bytes),
    /// Parse, of what it prepared before.
    Again,
    /// To describe a statement, by the driver.
    Statement(Bytes),
    /// To describe a portal, by the driver.
    Portal,
    /// Whether the columns of a statement are what they were.
    Columns(Bytes),
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The driver asked for it.
    Driver,
    /// It did not.
    Ours,
    /// The columns of a statement are not those that the driver believes in.
    Outdated,
}

impl Unnamed {
    /// `statements` are those that scripts refer to: names and texts.
    pub(super) fn new<'a>(statements: impl Iterator<Item = (&'static str, &'a str)>) -> Self {
        let known = statements.map(|(name, text)| {
            let text = Bytes::from([text.as_bytes(), b"\0"].concat());
            let statement = Statement { text, types: Bytes::from_static(b"\0\0"), columns: None };
            (Bytes::from_static(name.as_bytes()), statement)
        });
        Self { statements: known.collect(), current: None, partial: BytesMut::new(), asked: VecDeque::new() }
    }

    /// Appends a part of a message in `group` that the driver sends; nothing before it is whole.
    pub(super) fn put_part(&mut self, part: &[u8], is_last: bool, group: u64, out: &mut BytesMut) {
        self.partial.extend_from_slice(part);
        if is_last {
            let message = self.partial.split().freeze();
            self.put(&message, Some(group), out);
        }
    }

    /// Appends the messages of a script, of whose answers the driver gets none.
    pub(super) fn put_script(&mut self, messages: &[u8], out: &mut BytesMut) {
        let mut messages = Bytes::copy_from_slice(messages);
        while let Some(&[_, a, b, c, d]) = messages.first_chunk() {
            let length = u32::from_be_bytes([a, b, c, d]) as usize + 1;
            self.put(&messages.split_to(length.min(messages.len())), None, out);
        }
    }

    /// Appends a message, of the driver where there is a group.
    fn put(&mut self, message: &Bytes, group: Option<u64>, out: &mut BytesMut) {
        let mut body = message.slice(message.len().min(5)..);
        match message.first() {
            Some(b'P') => {
                let (name, text) = (take_text(&mut body), take_terminated(&mut body));
                let statement = Statement { text, types: body, columns: None };
                statement.put(out);
                self.ask(group, Asked::Parse(name.clone()));
                self.current = None;
                if !name.is_empty() {
                    self.current = Some(name.clone());
                    self.statements.insert(name, statement);
                }
            }
            Some(b'B') => {
                let (portal, name) = (take_text(&mut body), take_text(&mut body));
                let Some(columns) = self.recall(&name, group, out) else { return out.extend_from_slice(message) };
                put_message(b'B', &[&portal, b"\0\0", &body], out);
                if columns && group.is_some() {
                    put_message(b'D', &[b"P", &portal, b"\0"], out);
                    self.ask(group, Asked::Columns(name));
                }
            }
            Some(b'D') if body.first() == Some(&b'S') => {
                body.advance(1);
                let name = take_text(&mut body);
                self.recall(&name, group, out);
                put_message(b'D', &[b"S\0"], out);
                self.ask(group, Asked::Statement(name));
            }
            Some(b'C') if body.first() == Some(&b'S') => {
                body.advance(1);
                self.statements.remove(&take_text(&mut body));
                self.current = None;
                put_message(b'C', &[b"S\0"], out);
            }
            kind => {
                match kind {
                    Some(b'D') => self.ask(group, Asked::Portal),
                    Some(b'S' | b'Q') => self.current = None,
                    _ => {}
                }
                out.extend_from_slice(message);
            }
        }
    }

    /// Makes a statement the unnamed one, and tells whether its columns are known. `None` if it has no name, or one that is
    /// not known, which the server then says.
    fn recall(&mut self, name: &Bytes, group: Option<u64>, out: &mut BytesMut) -> Option<bool> {
        let statement = self.statements.get(name)?;
        let columns = statement.columns.is_some();
        if self.current.as_ref() != Some(name) {
            statement.put(out);
            self.current = Some(name.clone());
            self.ask(group, Asked::Again);
        }
        Some(columns)
    }

    fn ask(&mut self, group: Option<u64>, asked: Asked) {
        self.asked.extend(group.map(|group| (group, asked)));
    }

    /// An answer in `group` that no script waits for: ParseComplete, ParameterDescription, RowDescription or NoData.
    pub(super) fn answered(&mut self, kind: u8, body: &[u8], group: u64) -> Answer {
        let asked = match (kind, self.asked.front().filter(|(of, _)| *of == group)) {
            // RowDescription or NoData follows.
            (b't', Some((_, Asked::Statement(name)))) => {
                if let Some(statement) = self.statements.get_mut(name) {
                    statement.types = Bytes::copy_from_slice(body);
                }
                return Answer::Driver;
            }
            (b'1' | b'T' | b'n', Some(_)) => self.asked.pop_front(),
            _ => None,
        };
        match asked {
            Some((_, Asked::Again)) => Answer::Ours,
            Some((_, Asked::Statement(name))) => {
                if let Some(statement) = self.statements.get_mut(&name) {
                    statement.columns = Some(names_and_types(body));
                }
                Answer::Driver
            }
            Some((_, Asked::Columns(name))) => {
                let known = self.statements.get(&name).and_then(|statement| statement.columns.as_ref());
                if known.is_some_and(|known| *known != names_and_types(body)) { Answer::Outdated } else { Answer::Ours }
            }
            _ => Answer::Driver,
        }
    }

    /// The server was ready behind `group`: what it did not answer by then it skipped. What it did not read drivers do not close.
    pub(super) fn is_ready(&mut self, group: u64) {
        while self.asked.front().is_some_and(|(of, _)| *of <= group) {
            if let Some((_, Asked::Parse(name))) = self.asked.pop_front() {
                self.statements.remove(&name);
            }
        }
    }
}

impl Statement {
    fn put(&self, out: &mut BytesMut) {
        put_message(b'P', &[b"\0", &self.text, &self.types], out);
    }
}

/// What of a RowDescription tells how rows are read. That of a portal also has formats, which that of a statement lacks.
fn names_and_types(body: &[u8]) -> Bytes {
    let mut columns = Bytes::copy_from_slice(body.get(2..).unwrap_or_default());
    let mut told = BytesMut::new();
    while !columns.is_empty() {
        told.extend_from_slice(&take_terminated(&mut columns));
        // Table and column, type, its length and modifier, format.
        let rest = columns.split_to(columns.len().min(18));
        told.extend_from_slice(rest.get(6..10).unwrap_or_default());
    }
    told.freeze()
}

/// Takes a text that ends with a zero byte off the front, with that byte.
fn take_terminated(body: &mut Bytes) -> Bytes {
    let end = body.iter().position(|byte| *byte == 0).map_or(body.len(), |end| end + 1);
    body.split_to(end)
}

/// Takes it without that byte.
fn take_text(body: &mut Bytes) -> Bytes {
    let mut text = take_terminated(body);
    text.truncate(text.len().saturating_sub(1));
    text
}

fn put_message(kind: u8, parts: &[&[u8]], out: &mut BytesMut) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>() + 4;
    out.put_u8(kind);
    out.put_u32(u32::try_from(length).expect("a message that came in one piece is not longer in another"));
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
    }

    /// What goes out for the messages of a driver, which arrive byte by byte.
    fn sent(unnamed: &mut Unnamed, group: u64, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut out = BytesMut::new();
        for message in messages {
            for (index, byte) in message.iter().enumerate() {
                unnamed.put_part(&[*byte], index + 1 == message.len(), group, &mut out);
            }
        }
        let mut sent = Vec::new();
        while let Some(&[_, a, b, c, d]) = out.first_chunk() {
            sent.push(out.split_to(u32::from_be_bytes([a, b, c, d]) as usize + 1).to_vec());
        }
        assert!(out.is_empty());
        sent
    }

    fn known() -> Unnamed {
        Unnamed::new([("ours", "select 1")].into_iter())
    }

    const TEXT: &[u8] = b"select $1\0";

    fn parse(name: &str) -> Vec<u8> {
        message(b'P', &[name.as_bytes(), b"\0", TEXT, b"\0\0"].concat())
    }

    fn bind(name: &str) -> Vec<u8> {
        message(b'B', &[b"\0", name.as_bytes(), b"\0\0\0\0\0\0\0"].concat())
    }

    fn describe(name: &str) -> Vec<u8> {
        message(b'D', &[b"S", name.as_bytes(), b"\0"].concat())
    }

    fn sync() -> Vec<u8> {
        message(b'S', b"")
    }

    /// One column of this name and type.
    fn row_description(name: &str, kind: u32, format: u8) -> Vec<u8> {
        [
            b"\0\x01",
            name.as_bytes(),
            b"\0\0\0\0\x09\0\x01",
            &kind.to_be_bytes(),
            b"\0\x08\xff\xff\xff\xff",
            &[0, format],
        ]
        .concat()
    }

    #[test]
    fn no_name_reaches_the_server() {
        let mut unnamed = known();
        let out = sent(&mut unnamed, 1, &[parse("s1"), describe("s1"), sync()]);
        assert_eq!(out, [parse(""), describe(""), sync()]);
        let out = sent(&mut unnamed, 2, &[bind("s1"), sync()]);
        assert_eq!(out, [parse(""), bind(""), sync()]);
        let out = sent(&mut unnamed, 3, &[message(b'C', b"Ss1\0"), bind("s1"), sync()]);
        assert_eq!(out, [message(b'C', b"S\0"), bind("s1"), sync()], "what was closed is not known any more");
    }

    #[test]
    fn the_driver_gets_the_answers_that_it_asked_for_and_no_others() {
        let mut unnamed = known();
        sent(&mut unnamed, 1, &[parse("s1"), describe("s1"), sync()]);
        assert_eq!(unnamed.answered(b'T', b"\0\0", 0), Answer::Driver, "of a Query message before");
        assert_eq!(unnamed.answered(b'1', b"", 1), Answer::Driver);
        assert_eq!(unnamed.answered(b't', b"\0\x01\0\0\0\x17", 1), Answer::Driver);
        assert_eq!(unnamed.answered(b'T', &row_description("a", 20, 0), 1), Answer::Driver);
        unnamed.is_ready(1);

        let out = sent(&mut unnamed, 2, &[bind("s1"), sync()]);
        let typed = message(b'P', &[b"\0", TEXT, b"\0\x01\0\0\0\x17"].concat());
        assert_eq!(out, [typed, bind(""), message(b'D', b"P\0"), sync()], "with the types that it was described with");
        assert_eq!(unnamed.answered(b'1', b"", 2), Answer::Ours);
        assert_eq!(unnamed.answered(b'T', &row_description("a", 20, 1), 2), Answer::Ours, "a format is no change");
        unnamed.is_ready(2);
        for changed in [row_description("a", 25, 1), row_description("b", 20, 1), Vec::new()] {
            sent(&mut unnamed, 3, &[bind("s1"), sync()]);
            assert_eq!(unnamed.answered(b'1', b"", 3), Answer::Ours);
            assert_eq!(unnamed.answered(b'T', &changed, 3), Answer::Outdated);
            unnamed.is_ready(3);
        }
    }

    #[test]
    fn what_an_error_skipped_is_not_waited_for() {
        let mut unnamed = known();
        sent(&mut unnamed, 1, &[parse("s1"), describe("s1"), sync()]);
        unnamed.is_ready(1);
        assert!(!unnamed.statements.contains_key(&b"s1"[..]), "the server did not read it");
        sent(&mut unnamed, 2, &[parse("s2"), sync()]);
        assert_eq!(unnamed.answered(b'1', b"", 2), Answer::Driver);
        assert!(unnamed.asked.is_empty());
    }

    #[test]
    fn a_statement_of_ours_takes_the_place_of_the_drivers_until_that_is_read_anew() {
        let mut unnamed = known();
        sent(&mut unnamed, 1, &[parse("s1"), sync()]);
        let mut out = BytesMut::new();
        unnamed.put_script(&bind("ours"), &mut out);
        let ours = message(b'P', b"\0select 1\0\0\0");
        assert_eq!(out, [ours, bind("")].concat());
        assert_eq!(sent(&mut unnamed, 2, &[bind("s1")]), [parse(""), bind("")]);
        assert_eq!(sent(&mut unnamed, 2, &[bind("s1")]), [bind("")], "it is still the unnamed one");
    }
}
