//! Records on their way into the database.

use super::file::{Event, Record};
use super::known::{Known, Reference};
use crate::day::Day;
use crate::names::{SUPPLIERS, UNITS};

/// Records of a batch. More save little, and a batch is held in memory.
const RECORDS: usize = 2_000;
/// Bytes of text of a batch, after which it is full whatever it has.
const BYTES: usize = 1 << 20;

/// Rejected records of a file that are kept; more are only counted.
pub(super) const KEPT_REJECTIONS: u64 = 100_000;

/// What became of the records of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) imported: u64,
    pub(super) skipped: u64,
    pub(super) rejected: u64,
}

/// Records that were read and are not stored yet, column by column.
pub(super) struct Batch {
    pub(super) counts: Counts,
    pub(super) suppliers: Known,
    pub(super) units: Known,
    pub(super) expenses: Expenses,
    pub(super) rejections: Rejections,
    bytes: usize,
}

#[derive(Default)]
pub(super) struct Expenses {
    pub(super) dates: Vec<Day>,
    pub(super) amounts: Vec<i64>,
    pub(super) suppliers: Vec<Reference>,
    pub(super) units: Vec<Reference>,
    pub(super) company_numbers: Vec<Option<String>>,
    pub(super) charity_numbers: Vec<Option<String>>,
}

#[derive(Default)]
pub(super) struct Rejections {
    pub(super) lines: Vec<i64>,
    pub(super) reasons: Vec<String>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            counts: Counts::default(),
            suppliers: Known::of(SUPPLIERS),
            units: Known::of(UNITS),
            expenses: Expenses::default(),
            rejections: Rejections::default(),
            bytes: 0,
        }
    }

    /// Takes what became of a record.
    pub(super) fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Imported(record) => {
                self.counts.imported += 1;
                self.add_record(record);
            }
            Event::Skipped { .. } => self.counts.skipped += 1,
            Event::Rejected(rejection) => {
                self.counts.rejected += 1;
                if self.counts.rejected <= KEPT_REJECTIONS {
                    // Lines are counted from 1, and a file of 2^63 of them does not come to its end.
                    self.rejections.lines.push(rejection.line as i64);
                    self.rejections.reasons.push(rejection.to_string());
                }
            }
        }
    }

    fn add_record(&mut self, record: Record<'_>) {
        let text = |text: &Option<_>| text.as_ref().map_or(0, |text: &std::borrow::Cow<'_, str>| text.len());
        self.bytes +=
            record.supplier.len() + record.unit.len() + text(&record.company_number) + text(&record.charity_number);
        let expenses = &mut self.expenses;
        expenses.dates.push(record.date);
        expenses.amounts.push(record.amount_minor);
        expenses.suppliers.push(self.suppliers.refer(&record.supplier));
        expenses.units.push(self.units.refer(&record.unit));
        expenses.company_numbers.push(record.company_number.map(Into::into));
        expenses.charity_numbers.push(record.charity_number.map(Into::into));
    }

    /// Whether it is time to store what is here.
    pub(super) fn is_full(&self) -> bool {
        self.expenses.dates.len() >= RECORDS || self.rejections.lines.len() >= RECORDS || self.bytes >= BYTES
    }

    /// What is to be stored. The batch is empty then, and goes on counting.
    pub(super) fn take(&mut self) -> (Expenses, Rejections) {
        self.bytes = 0;
        (std::mem::take(&mut self.expenses), std::mem::take(&mut self.rejections))
    }
}
