//! The header, which says which column stands where.

use std::{borrow::Cow, mem};

use super::{error::FileError, excerpt::Excerpt, fields::fields};

/// The columns of a spending file.
pub(super) const COLUMNS: [&str; 6] =
    ["Payment Date", "Amount", "Organisational Unit", "Beneficiary Name", "Company Number", "Charity Number"];

/// Strange columns that an error names at most.
const NAMED: usize = 6;

/// For each of [`COLUMNS`], its place in the records of one file.
#[derive(Debug)]
pub(super) struct Columns([usize; COLUMNS.len()]);

impl Columns {
    /// Reads the header. Columns may come in any order and case, but each once, and no others:
    /// what a file says that we do not keep should not vanish unnoticed.
    pub(super) fn read(line: u64, header: &str) -> Result<Self, FileError> {
        let mut places = [None; COLUMNS.len()];
        let mut unexpected = Vec::new();
        for (place, name) in fields(header).enumerate() {
            let column = COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(&name));
            match column {
                Some(column) if places[column].is_none() => places[column] = Some(place),
                _ if unexpected.len() < NAMED => unexpected.push(Excerpt::of(&name)),
                _ => {}
            }
        }

        let missing: Vec<_> =
            COLUMNS.into_iter().zip(places).filter_map(|(column, place)| place.is_none().then_some(column)).collect();
        if missing.is_empty() && unexpected.is_empty() {
            Ok(Self(places.map(Option::unwrap_or_default)))
        } else {
            Err(FileError::WrongHeader { line, missing, unexpected })
        }
    }

    /// Brings the fields of a record into the order of [`COLUMNS`]; if it has not six of them, says
    /// how many it has.
    pub(super) fn arrange<'a>(
        &self,
        fields: impl Iterator<Item = Cow<'a, str>>,
    ) -> Result<[Cow<'a, str>; COLUMNS.len()], usize> {
        let mut found = 0;
        let mut values: [Cow<'a, str>; COLUMNS.len()] = Default::default();
        for field in fields {
            if let Some(value) = values.get_mut(found) {
                *value = field;
            }
            found += 1;
        }
        if found == COLUMNS.len() { Ok(self.0.map(|place| mem::take(&mut values[place]))) } else { Err(found) }
    }
}
