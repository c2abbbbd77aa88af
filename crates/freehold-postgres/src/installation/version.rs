use std::fmt;

/// A version of PostgreSQL, such as 15.18.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    major: u32,
    text: String,
}

impl Version {
    /// The oldest major version that Freehold works with.
    pub const OLDEST: u32 = 15;
    /// The newest major version that Freehold is tested with; newer ones are accepted with a warning.
    pub const NEWEST: u32 = 18;

    /// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, and also `19devel`.
    pub(super) fn parse(answer: &str) -> Option<Self> {
        let text = answer.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        Some(Self { major: text[..digits].parse().ok()?, text: text.to_owned() })
    }

    /// The part that decides which data directories a server can open.
    pub fn major(&self) -> u32 {
        self.major
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_print_them() {
        for (answer, major, text) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", 15, "15.18"),
            ("postgres (PostgreSQL) 18.4\n", 18, "18.4"),
            ("postgres (PostgreSQL) 19devel\n", 19, "19devel"),
            ("postgres (PostgreSQL) 9.6.24\n", 9, "9.6.24"),
        ] {
            let version = Version::parse(answer).unwrap();
            assert_eq!((version.major(), version.to_string().as_str()), (major, text));
        }
        assert_eq!(Version::parse("postgres: command not found"), None);
    }
}
