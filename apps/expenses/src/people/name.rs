use crate::text::{is_control, trim};

/// The name of a person: one line, of at most 200 characters. It may be empty; then the address stands for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub(super) struct Name(String);

/// A text that is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidName {
    #[error("use at most {} characters", Name::LONGEST)]
    TooLong,
    #[error("leave out line breaks and other control characters")]
    Control,
}

impl Name {
    const LONGEST: usize = 200;

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        let text = trim(&text);
        if text.chars().count() > Self::LONGEST {
            return Err(InvalidName::TooLong);
        }
        if text.contains(is_control) {
            return Err(InvalidName::Control);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_is_not_endless() {
        let name = |text: &str| Name::try_from(text.to_owned()).map(|name| name.0);
        assert_eq!(name(" Ann \u{202f}أَنّ 🎈 ").unwrap(), "Ann \u{202f}أَنّ 🎈");
        assert_eq!(name(" ").unwrap(), "");
        assert!(name(&"é".repeat(200)).is_ok());
        assert_eq!(name(&"é".repeat(201)), Err(InvalidName::TooLong));
        for text in ["Ann\r\nBcc: eve@example.com", "a\tb", "a\0b", "a\u{85}b", "Ann \u{202e}moc"] {
            assert_eq!(name(text), Err(InvalidName::Control), "{text:?}");
        }
    }
}
