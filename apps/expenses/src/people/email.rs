use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::{is_control, trim};

/// An e-mail address in lower case, so that one address is one person.
///
/// Whether somebody reads mail there is not known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
#[schema(value_type = String, format = Email, max_length = 254)]
pub(crate) struct Email(String);

/// A text that is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: use one like ann@example.com, of at most 254 characters")]
pub(crate) struct InvalidEmail;

impl Email {
    /// The longest path of RFC 5321, section 4.5.3.1.3, without its angle brackets.
    const LONGEST: usize = 254;

    /// The address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = trim(&text).to_lowercase();
        let strange = |c: char| c.is_whitespace() || is_control(c);
        match text.rsplit_once('@') {
            Some((local, domain))
                if !local.is_empty()
                    && !domain.is_empty()
                    && !local.contains('@')
                    && !text.contains(strange)
                    && text.chars().count() <= Self::LONGEST =>
            {
                Ok(Self(text))
            }
            _ => Err(InvalidEmail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_trimmed_and_folded_to_lower_case() {
        assert_eq!(Email::try_from(" Ann@Example.COM\u{A0}".to_owned()).unwrap().as_str(), "ann@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a\0@b", "a\u{202e}@b", &format!("{}@b", "a".repeat(254))]
        {
            assert_eq!(Email::try_from(text.to_owned()), Err(InvalidEmail), "{text:?}");
        }
    }
}
