//! `POST /api/import`: a file of spending data becomes expenses, all of its valid records or none.
//!
//! [`mod@file`] reads the format and knows neither HTTP nor the database. [`upload`](upload()) streams the body through it into
//! one write scope, in batches: the memory of an import does not depend on the size of its file, and whatever goes wrong
//! before the commit leaves no record behind.

mod batch;
mod body;
mod file;
mod known;
mod rejections;
mod store;
mod upload;

pub(crate) use rejections::{__path_rejections, rejections};
pub(crate) use upload::{__path_upload, AT_ONCE, upload};
