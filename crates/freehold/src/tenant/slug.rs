use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Names that no tenant may take, because hosts or paths of the application itself use them.
///
/// An application may refuse more; it cannot allow these.
pub const RESERVED_SLUGS: &[&str] = &[
    "about",
    "account",
    "admin",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "cdn",
    "console",
    "dashboard",
    "dev",
    "docs",
    "email",
    "files",
    "freehold",
    "ftp",
    "gateway",
    "global",
    "health",
    "healthz",
    "help",
    "imap",
    "internal",
    "localhost",
    "login",
    "logout",
    "mail",
    "metrics",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "oauth",
    "pop",
    "postmaster",
    "private",
    "public",
    "root",
    "security",
    "shared",
    "signin",
    "signup",
    "smtp",
    "sso",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "test",
    "webmail",
    "wpad",
    "www",
];

/// The name of a tenant in host names and paths: one DNS label (RFC 1034, section 3.5), in lower case.
///
/// Parsing folds case, so two slugs that differ only in case are one.
///
/// ```
/// use freehold::tenant::Slug;
///
/// assert_eq!("Acme".parse::<Slug>()?.as_str(), "acme");
/// assert!("acme inc".parse::<Slug>().is_err());
/// assert!("www".parse::<Slug>().is_err());
/// # Ok::<(), freehold::tenant::InvalidSlug>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Box<str>);

/// Why a text is no slug. Each message names the text and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSlug {
    /// Empty, or longer than a DNS label.
    #[error("slug {slug:?} has {length} characters: use 1 to 63")]
    Length {
        /// The text, shortened.
        slug: String,
        /// Its length in characters.
        length: usize,
    },
    /// A character that no DNS label has.
    #[error("slug {slug:?} contains {character:?}: use letters a-z, digits and hyphens")]
    Character {
        /// The text.
        slug: String,
        /// The first character that is not allowed.
        character: char,
    },
    /// A hyphen where a DNS label has none, or where it means an encoded name (RFC 5890).
    #[error("slug {slug:?} starts or ends with a hyphen, or has hyphens at its third and fourth place: move them")]
    Hyphen {
        /// The text.
        slug: String,
    },
    /// A name the application uses itself.
    #[error("slug {slug:?} is reserved: choose another")]
    Reserved {
        /// The text.
        slug: String,
    },
}

impl Slug {
    /// The slug in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(80).collect::<String>();
        let length = text.chars().count();
        if !(1..=63).contains(&length) {
            return Err(InvalidSlug::Length { slug: shown(), length });
        }
        if let Some(character) = text.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(InvalidSlug::Character { slug: shown(), character });
        }
        if text.starts_with('-') || text.ends_with('-') || text.get(2..4) == Some("--") {
            return Err(InvalidSlug::Hyphen { slug: shown() });
        }
        let slug = text.to_ascii_lowercase();
        if RESERVED_SLUGS.binary_search(&slug.as_str()).is_ok() {
            return Err(InvalidSlug::Reserved { slug });
        }
        Ok(Self(slug.into()))
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0.into()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reserved_slugs_are_sorted_because_they_are_searched_by_halves() {
        assert!(RESERVED_SLUGS.is_sorted());
    }

    #[test]
    fn case_is_folded_and_the_reserved_names_are_refused_in_any_case() {
        assert_eq!("ACME-1".parse::<Slug>().unwrap().as_str(), "acme-1");
        assert!(matches!("WwW".parse::<Slug>(), Err(InvalidSlug::Reserved { slug }) if slug == "www"));
    }

    #[test]
    fn what_is_no_dns_label_is_refused_and_named() {
        for text in ["", "-a", "a-", "xn--bcher-kva", "a.b", "a_b", "bücher", "a b", "a\0b", &"a".repeat(64)] {
            assert!(text.parse::<Slug>().is_err(), "{text:?} was taken for a slug");
        }
        assert!("a".repeat(63).parse::<Slug>().is_ok());
        assert!("a--b".parse::<Slug>().is_ok());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_what_parses_parses_to_itself(text in ".{0,70}") {
            if let Ok(slug) = text.parse::<Slug>() {
                prop_assert_eq!(slug.as_str().parse::<Slug>().unwrap(), slug.clone());
                prop_assert_eq!(slug.as_str(), text.to_ascii_lowercase());
            }
        }
    }
}
