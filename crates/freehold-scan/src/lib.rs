//! Attacks a running application over HTTP as two of its tenants, twins with the same data, and reports where one of them
//! sees, changes or learns of what is the other's.
//!
//! It knows the application by its `OpenAPI` document alone. Twin B writes words that nobody else could know, the
//! **canaries**; then twin A calls every operation with B's ids, cursors, addresses and values, at B's host with A's
//! session, without one, with headers and fields that name B. Whatever has a canary in it that A did not send, whatever
//! changed at B, and whatever answers differently for what B has and for what does not exist, is a finding.
//!
//! ```no_run
//! # async fn scan() -> Result<(), freehold_scan::ScanError> {
//! let report = freehold_scan::scan(freehold_scan::Options::new("http://localhost:8080")).await?;
//! assert!(report.findings.is_empty(), "{:#?}", report.findings);
//! # Ok(())
//! # }
//! ```

mod client;
mod document;
mod error;
mod probe;
mod rank_sum;
mod report;
mod scan;
mod treasure;
mod twin;
mod values;

pub use self::error::ScanError;
pub use self::report::{Finding, Probed, Report};
pub use self::scan::{Options, Recipe, scan};
