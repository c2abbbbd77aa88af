use std::collections::{HashMap, VecDeque};

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Prepared statements behind a pooler, where the backend of one transaction knows nothing of what was prepared on another.
///
/// The server is never given a name. What a driver prepares is remembered here, and where it refers to a name, the statement
/// is read anew as the unnamed one right before. No tenant's SQL can stand in its place, and none can read it afterwards.
#[derive(Debug)]
pub(super) struct Unnamed {
    /// By name: the Parse message's text and types of parameters.
    statements: HashMap<Bytes, Bytes>,
    /// The statement that is the unnamed one since the last Sync.
    current: Option<Bytes>,
    /// A message of which the end is not there.
    partial: BytesMut,
    /// Parse messages beside the scripts' that are not answered: in which group, and whether the driver asked for it.
    parsing: VecDeque<(u64, bool)>,
}

/// A Parse message was put before the driver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Nothing,
    Parse,
}

impl Unnamed {
    /// `statements` are those that scripts refer to: names and texts.
    pub(super) fn new<'a>(statements: impl Iterator<Item = (&'static str, &'a str)>) -> Self {
        let known = statements.map(|(name, text)| {
            // No types are stated.
            let body = [text.as_bytes(), b"\0\0\0"].concat();
            (Bytes::from_static(name.as_bytes()), Bytes::from(body))
        });
        Self { statements: known.collect(), current: None, partial: BytesMut::new(), parsing: VecDeque::new() }
    }

    /// Appends a part of a message in `group` that the driver sends; nothing before it is whole.
    pub(super) fn put_part(&mut self, part: &[u8], is_last: bool, group: u64, out: &mut BytesMut) {
        self.partial.extend_from_slice(part);
        if !is_last {
            return;
        }
        let message = self.partial.split().freeze();
        let kind = message.first().copied();
        if self.put(&message, out) == Added::Parse {
            self.parsing.push_back((group, false));
        }
        if kind == Some(b'P') {
            self.parsing.push_back((group, true));
        }
    }

    /// Appends the messages of a script, of whose answers the driver gets none.
    pub(super) fn put_script(&mut self, messages: &[u8], out: &mut BytesMut) {
        let mut messages = Bytes::copy_from_slice(messages);
        while let Some(&[_, a, b, c, d]) = messages.first_chunk() {
            let length = u32::from_be_bytes([a, b, c, d]) as usize + 1;
            self.put(&messages.split_to(length.min(messages.len())), out);
        }
    }

    fn put(&mut self, message: &Bytes, out: &mut BytesMut) -> Added {
        let Some((&kind, _)) = message.split_first() else { return Added::Nothing };
        let mut body = message.slice(message.len().min(5)..);
        match kind {
            b'P' => {
                let name = take_text(&mut body);
                self.current = (!name.is_empty()).then(|| name.clone());
                put_parse(&body, out);
                if !name.is_empty() {
                    self.statements.insert(name, body);
                }
            }
            b'B' => {
                let portal = take_text(&mut body);
                let name = take_text(&mut body);
                if let Some(added) = self.recall(name, out) {
                    put_message(kind, &[&portal, b"\0\0", &body], out);
                    return added;
                }
                out.extend_from_slice(message);
            }
            b'D' if body.first() == Some(&b'S') => {
                body.advance(1);
                if let Some(added) = self.recall(take_text(&mut body), out) {
                    put_message(kind, &[b"S\0"], out);
                    return added;
                }
                out.extend_from_slice(message);
            }
            b'C' if body.first() == Some(&b'S') => {
                body.advance(1);
                self.statements.remove(&take_text(&mut body));
                self.current = None;
                put_message(kind, &[b"S\0"], out);
            }
            _ => {
                if matches!(kind, b'S' | b'Q') {
                    self.current = None;
                }
                out.extend_from_slice(message);
            }
        }
        Added::Nothing
    }

    /// Makes a statement the unnamed one. `None` if it has no name, or one that is not known, which the server then says.
    fn recall(&mut self, name: Bytes, out: &mut BytesMut) -> Option<Added> {
        let statement = self.statements.get(&name)?;
        if self.current.as_ref() == Some(&name) {
            return Some(Added::Nothing);
        }
        put_parse(statement, out);
        self.current = Some(name);
        Some(Added::Parse)
    }

    /// ParseComplete, and no answer to a script: whether the driver asked for it.
    pub(super) fn parsed(&mut self) -> bool {
        self.parsing.pop_front().is_none_or(|(_, driver)| driver)
    }

    /// The server was ready behind `group`: what it did not answer by then it skipped.
    pub(super) fn is_ready(&mut self, group: u64) {
        while self.parsing.front().is_some_and(|(of, _)| *of <= group) {
            self.parsing.pop_front();
        }
    }
}

/// Takes a text that ends with a zero byte off the front.
fn take_text(body: &mut Bytes) -> Bytes {
    let end = body.iter().position(|byte| *byte == 0).unwrap_or(body.len());
    let text = body.split_to(end);
    body.advance(body.len().min(1));
    text
}

fn put_parse(statement: &[u8], out: &mut BytesMut) {
    put_message(b'P', &[b"\0", statement], out);
}

fn put_message(kind: u8, parts: &[&[u8]], out: &mut BytesMut) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>() + 4;
    out.put_u8(kind);
    out.put_u32(u32::try_from(length).expect("a message that came in one piece is not longer in another"));
    for part in parts {
        out.extend_from_slice(part);
    }
}
