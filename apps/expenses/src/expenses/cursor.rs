use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::day::Day;

/// A place in the list, opaque to clients: the page goes on behind this expense.
///
/// It holds what the list is ordered by (a day or an amount), and an id, and nothing else, so a cursor of another organisation, or one that somebody made up, is a place
/// in the own list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Cursor {
    pub(super) key: i64,
    pub(super) id: Uuid,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: use `next` of the page before, unchanged")]
pub(super) struct InvalidCursor;

impl Cursor {
    /// Before the first expense of every list that begins with the latest or the largest.
    pub(super) const HIGHEST: Self = Self { key: i64::MAX, id: Uuid::max() };
    /// Before the first of every list that begins with the earliest or the smallest.
    pub(super) const LOWEST: Self = Self { key: i64::MIN, id: Uuid::nil() };

    /// The place behind an expense in a list by day.
    pub(super) fn behind(date: Day, id: Uuid) -> Self {
        Self { key: date.number().into(), id }
    }

    /// The day. Beyond all days it is the last or the first.
    pub(super) fn day(self) -> Day {
        let beyond = if self.key > 0 { Day::LAST } else { Day::FIRST };
        i32::try_from(self.key).ok().and_then(Day::of_number).unwrap_or(beyond)
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (key, id) = bytes.split_first_chunk().ok_or(InvalidCursor)?;
        Ok(Self { key: i64::from_be_bytes(*key), id: Uuid::from_slice(id).map_err(|_| InvalidCursor)? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.key.to_be_bytes().as_slice(), self.id.as_bytes()].concat();
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
        for cursor in [Cursor::HIGHEST, Cursor::LOWEST, Cursor::behind(Day::FIRST, Uuid::now_v7())] {
            assert_eq!(Cursor::try_from(cursor.to_string()), Ok(cursor));
        }
        for text in ["", "a", "AAAA", "?", &"A".repeat(31), &"A".repeat(33), &"=".repeat(32)] {
            assert_eq!(Cursor::try_from(text.to_owned()), Err(InvalidCursor), "{text:?}");
        }
    }

    #[test]
    fn a_key_beyond_all_days_is_a_place_at_an_end() {
        assert_eq!(Cursor::HIGHEST.day(), Day::LAST);
        assert_eq!(Cursor::LOWEST.day(), Day::FIRST);
        assert_eq!(Cursor::behind(Day::LAST, Uuid::nil()).day(), Day::LAST);
    }
}
