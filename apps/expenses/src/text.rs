//! Text as people send it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// A text from a request: trimmed, without NUL, of at most [`Text::LONGEST`] characters. `null` is the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(value_type = String, max_length = 10_000)]
pub(crate) struct Text(String);

impl Text {
    /// The longest text a request may send, in characters.
    pub(crate) const LONGEST: usize = 10_000;

    fn of(text: &str) -> Result<Self, String> {
        let text = trim(text);
        if text.contains('\0') {
            return Err("the text contains a NUL character: remove it".to_owned());
        }
        match text.chars().count() {
            length if length > Self::LONGEST => {
                Err(format!("the text has {length} characters: use at most {}", Self::LONGEST))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::of(&text)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Self::of(&text.unwrap_or_default()).map_err(de::Error::custom)
    }
}

/// Removes white space at both ends, among it every no-break space.
pub(crate) fn trim(text: &str) -> &str {
    // The zero width no-break space is white space by name and use, though not to Unicode; files
    // that were glued together have one in the middle, as a byte order mark.
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}')
}

/// Whether a character is none of a name: a control character, or one that turns around the text behind it (Unicode's explicit
/// directional formatting), so that in a page or a mail it reads as another. Names from right to left need none.
pub(crate) fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The beginning of a text that may be as long as a record of a file.
pub(crate) fn excerpt(text: &str) -> &str {
    text.char_indices().nth(100).map_or(text, |(end, _)| &text[..end])
}

/// The pattern of texts that contain this one, whose own `%` and `_` stand for themselves.
pub(crate) fn pattern(text: &str) -> String {
    let escaped: Cow<'_, str> = if text.contains(['%', '_', '\\']) {
        text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").into()
    } else {
        text.into()
    };
    format!("%{escaped}%")
}

/// A number as people read it: `1,100,782`.
pub(crate) fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_to_look_for_is_no_pattern() {
        assert_eq!(pattern("a%b_c\\d"), "%a\\%b\\_c\\\\d%");
    }

    #[test]
    fn all_white_space_is_trimmed_also_no_break_ones() {
        for space in
            [' ', '\t', '\r', '\n', '\u{B}', '\u{85}', '\u{A0}', '\u{2007}', '\u{202F}', '\u{3000}', '\u{FEFF}']
        {
            assert_eq!(trim(&format!("{space} a{space}b {space}")), format!("a{space}b"));
        }
    }

    #[test]
    fn a_text_with_a_nul_or_beyond_the_longest_is_refused() {
        assert!(serde_json::from_str::<Text>(r#""a\u0000b""#).is_err());
        assert!(Text::of(&"é".repeat(Text::LONGEST)).is_ok());
        assert!(Text::of(&"é".repeat(Text::LONGEST + 1)).is_err());
    }

    #[test]
    fn what_turns_text_around_is_no_character_of_a_name() {
        for text in ["a\nb", "a\0b", "\u{202e}moc.elpmaxe", "a\u{2066}b", "a\u{2069}", "a\u{202a}b"] {
            assert!(text.contains(is_control), "{text:?}");
        }
        for text in ["Ann", "أَنّ", "שלום 1", "a\u{202f}b", "👩\u{200d}👧", "\u{200f}"] {
            assert!(!text.contains(is_control), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        for (number, text) in [(0, "0"), (999, "999"), (-1_000, "-1,000"), (1_100_782, "1,100,782")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn null_is_the_empty_text() {
        assert_eq!(serde_json::from_str::<Text>("null").unwrap(), Text::default());
    }
}
