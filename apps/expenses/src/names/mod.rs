//! Names that expenses refer to: suppliers, units and categories. They come into being when they are used.

mod choices;
mod list;
mod pages;
mod table;

pub(crate) use choices::{Choices, choices};
pub(crate) use list::{List, Listed, Place};
pub(crate) use pages::pages;
pub(crate) use table::{CATEGORIES, Digest, Names, SUPPLIERS, UNITS, digest};
