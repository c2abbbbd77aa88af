//! Categories: what expenses are for.
//!
//! Everybody names new ones; owners rename and delete them.

mod api;
mod change;
mod pages;

pub(crate) use api::{__path_create, __path_delete, __path_list, __path_rename, create, delete, list, rename};
pub(crate) use pages::pages;
