//! What the catalogue of a database shows that could leak between tenants.
//!
//! Any PostgreSQL database with tenants in it can be checked. A [`Rule`] is one file below `sql/check`: a query over
//! the vocabulary that all rules share, the reason for it with its source, faults that make it fire, and clean twins of
//! the faults. [`self_test()`] plants them all: a rule is trusted only once it was seen to find its fault.

mod baseline;
mod fix;
mod rule;
mod run;
mod self_test;

pub use self::baseline::{Baseline, Drift, without_placements};
pub use self::fix::{FixReport, fix};
pub use self::rule::{Rule, Severity};
pub use self::run::{CheckOptions, Finding, check_database};
pub(crate) use self::run::{aim, tenant_tables};
pub use self::self_test::{SelfTest, self_test};
