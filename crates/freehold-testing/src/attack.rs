use std::error::Error;

use freehold::isolation::ScopeError;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// What came of hostile SQL.
#[derive(Debug)]
pub enum Outcome {
    /// The database answered.
    Rows(Vec<Row>),
    /// The database, or the scope, refused.
    Refused(ScopeError),
}

/// A value as the server sent it, whatever its type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Outcome {
    /// Whether the bytes of `secret` are anywhere in the answer, or in the text of the refusal.
    pub fn reveals(&self, secret: &[u8]) -> bool {
        let within = |haystack: &[u8]| haystack.windows(secret.len()).any(|window| window == secret);
        match self {
            Self::Rows(rows) => rows
                .iter()
                .flat_map(|row| (0..row.len()).map(move |column| row.get::<_, Option<Raw<'_>>>(column)))
                .flatten()
                .any(|value| within(value.0)),
            Self::Refused(error) => {
                let mut text = format!("{error:?}");
                let mut cause = error.source();
                while let Some(error) = cause {
                    text.push_str(&error.to_string());
                    cause = error.source();
                }
                within(text.as_bytes())
            }
        }
    }

    /// Rows, or what refused them.
    pub fn rows(&self) -> &[Row] {
        match self {
            Self::Rows(rows) => rows,
            Self::Refused(error) => panic!("the statement was refused: {error:?}"),
        }
    }

    /// The refusal; fails if there was an answer.
    #[track_caller]
    pub fn refusal(&self) -> &ScopeError {
        match self {
            Self::Refused(error) => error,
            Self::Rows(rows) => panic!("the attack was answered with {} rows", rows.len()),
        }
    }
}
