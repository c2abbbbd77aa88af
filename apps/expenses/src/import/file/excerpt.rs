//! Input as it is quoted in messages.

use std::fmt;

/// The longest excerpt, in characters.
const LENGTH: usize = 60;

/// The beginning of a value that came from the file, safe to show: quoted, control and other
/// invisible characters escaped, cut after 60 characters.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Excerpt(String);

impl Excerpt {
    pub(super) fn of(value: &str) -> Self {
        let cut = value.char_indices().nth(LENGTH);
        Self(match cut {
            Some((end, _)) => format!("{:?}…", &value[..end]),
            None => format!("{value:?}"),
        })
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_invisible_characters_are_escaped() {
        let excerpt = Excerpt::of("a\"b\n\u{7}\u{202E}é\u{1B}[2J");
        assert_eq!(excerpt.to_string(), r#""a\"b\n\u{7}\u{202e}é\u{1b}[2J""#);
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let full = "é".repeat(60);
        assert_eq!(Excerpt::of(&full).to_string(), format!("\"{full}\""));
        assert_eq!(Excerpt::of(&"é".repeat(61)).to_string(), format!("\"{full}\"…"));
    }
}
