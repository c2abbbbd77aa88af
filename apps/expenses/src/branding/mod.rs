//! An organisation's colour and logo: what may be chosen, and the files that show it.

mod colour;
mod files;
mod logo;
mod theme;

pub(crate) use colour::Colour;
pub(crate) use files::files;
pub(crate) use logo::{InvalidLogo, LARGEST, made};
pub(crate) use theme::{Look, Theme, USUAL, check};
