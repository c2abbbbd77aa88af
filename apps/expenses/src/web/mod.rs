//! What the pages share: the frame around them, forms, notices, files, and what browsers are told about them.
//!
//! Pages are made on the server (askama; `templates/` has one file each) and work without scripts. htmx only spares reloads:
//! it asks for the same addresses and takes the part of the page it needs. The handlers of a resource's pages are in its
//! `pages.rs`, beside those of the API.

mod assets;
mod browser;
mod export;
mod form;
mod frame;
mod headers;
mod notice;
mod page;
mod problem;
mod upload;

pub(crate) use assets::assets;
pub(crate) use browser::{Browser, Return, Stranger, encoded};
pub(crate) use export::{Parts, csv_field, export};
pub(crate) use form::{Form, Query, capitalised};
pub(crate) use frame::{Frame, Outside, Place};
pub(crate) use headers::{base_policy, with_headers};
pub(crate) use notice::Notice;
pub(crate) use page::{Page, to};
pub(crate) use problem::as_pages;
pub(crate) use upload::{SmallUpload, Unread, forget};
