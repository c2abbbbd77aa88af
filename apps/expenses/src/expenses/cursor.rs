use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::day::Day;

/// A place in the list, opaque to clients: the page goes on behind this expense.
///
/// It holds a day and an id and nothing else, so a cursor of another organisation, or one that somebody made up, is a place
/// in the own list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Cursor {
    pub(super) date: Day,
    pub(super) id: Uuid,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: use `next` of the page before, unchanged")]
pub(super) struct InvalidCursor;

impl Cursor {
    /// Before the first expense of every list.
    pub(super) const START: Self = Self { date: Day::LAST, id: Uuid::max() };
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (days, id) = bytes.split_first_chunk().ok_or(InvalidCursor)?;
        let date = Day::of_number(i32::from_be_bytes(*days)).ok_or(InvalidCursor)?;
        Ok(Self { date, id: Uuid::from_slice(id).map_err(|_| InvalidCursor)? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.date.number().to_be_bytes().as_slice(), self.id.as_bytes()].concat();
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_no_other_text_is_one() {
        for cursor in [Cursor::START, Cursor { date: "0001-01-01".parse().unwrap(), id: Uuid::now_v7() }] {
            assert_eq!(Cursor::try_from(cursor.to_string()), Ok(cursor));
        }
        for text in ["", "a", "AAAA", "?", &"A".repeat(26), &"A".repeat(28), &"_".repeat(27)] {
            assert_eq!(Cursor::try_from(text.to_owned()), Err(InvalidCursor), "{text:?}");
        }
    }
}
