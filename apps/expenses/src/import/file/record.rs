//! One payment.

use std::borrow::Cow;

use super::{amount, date, fields::fields, header::Columns, rejection::Reason};
use crate::day::Day;

/// A valid record. Its texts are trimmed and never contain a NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The line on which the record begins; the file's first is 1.
    pub(crate) line: u64,
    /// The day of the payment.
    pub(crate) date: Day,
    /// The amount in pence; a credit is negative.
    pub(crate) amount_minor: i64,
    /// The part of the body that paid; may be empty.
    pub(crate) unit: Cow<'a, str>,
    /// Who was paid; may be empty.
    pub(crate) supplier: Cow<'a, str>,
    /// The supplier's number in the register of companies.
    pub(crate) company_number: Option<Cow<'a, str>>,
    /// The supplier's number in the register of charities.
    pub(crate) charity_number: Option<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    /// Reads a record, or returns `None` if all its fields are empty, however many.
    pub(super) fn read(line: u64, text: &'a str, columns: &Columns) -> Result<Option<Self>, Reason> {
        let mut empty = true;
        let fields = fields(text).inspect(|field| empty &= field.is_empty());
        let arranged = columns.arrange(fields);
        if empty {
            return Ok(None);
        }
        let [date, amount, unit, supplier, company_number, charity_number] =
            arranged.map_err(|found| Reason::FieldCount { found })?;
        Ok(Some(Self {
            line,
            date: date::parse(&date)?,
            amount_minor: amount::parse(&amount)?,
            unit,
            supplier,
            company_number: filled(company_number),
            charity_number: filled(charity_number),
        }))
    }
}

fn filled(field: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!field.is_empty()).then_some(field)
}
