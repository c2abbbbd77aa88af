//! `expenses`, the reference application of Freehold: the expenses of many organisations, over HTTP.
//!
//! An organisation is a tenant. It signs up at the application's own host, and lives at a subdomain: in shared tables, in a
//! schema or in a database of its own, and nothing in here knows which. All its data, people and sessions among it, is in
//! tenant tables (`migrations/tenant`), read and written in scopes by plain sqlx.
//!
//! Where to begin reading: [`router`] has every route on one page; `session/visitor.rs` is the way from a request to an
//! organisation's rows; `expenses/list.rs` is an endpoint of the usual kind, `expenses/pages/list.rs` a page; `import/upload.rs`
//! is one of the unusual. `web/` has what pages share, `mail/` how letters leave.

mod activity;
mod app;
mod approvals;
mod branding;
mod budgets;
mod categories;
mod day;
mod expenses;
mod failure;
mod health;
mod import;
mod input;
mod keys;
mod mail;
mod money;
mod monitor;
mod names;
mod openapi;
mod origin;
mod overview;
mod people;
mod reports;
mod session;
mod settings;
mod signup;
mod text;
mod totals;
mod web;

pub use app::{App, router};
pub use mail::{Postman, Transport};
pub use monitor::Monitor;
pub use origin::{InvalidOrigin, Origin};
