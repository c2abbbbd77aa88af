//! Imports: a file of spending data becomes expenses, all of its valid records or none.
//!
//! [`mod@file`] reads the format and knows neither HTTP nor the database. [`importing`] streams an upload through it into one
//! write scope, in batches: the memory of an import does not depend on the size of its file, and whatever goes wrong before the
//! commit leaves no record behind. [`progress`] has the import on record from its first byte on, in scopes of its own.

mod batch;
mod body;
mod file;
mod importing;
mod known;
mod pages;
mod progress;
mod read;
mod rejections;
mod row;
mod store;
mod upload;

pub(crate) use pages::pages;
pub(crate) use read::{__path_cancel, __path_list, __path_read, cancel, list, read};
pub(crate) use rejections::{__path_rejections, rejections};
pub(crate) use upload::{__path_upload, AT_ONCE, upload};
