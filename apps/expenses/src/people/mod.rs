//! The people of an organisation: addresses, passwords, roles, and the ways in: an invitation, a link sent by mail.

mod add;
mod email;
mod invite;
mod join;
mod letters;
mod list;
mod member;
mod name;
mod pages;
mod password;
mod remove;
mod role;
mod ticket;
mod update;

pub(crate) use add::{__path_add, add};
pub(crate) use email::Email;
pub(crate) use invite::{__path_invite, invite};
pub(crate) use letters::ask_to_confirm;
pub(crate) use list::{__path_list, list};
pub(crate) use pages::pages;
pub(crate) use password::{NewPassword, Passwords};
pub(crate) use remove::{__path_remove, remove};
pub(crate) use role::Role;
pub(crate) use ticket::{Purpose, issue};
pub(crate) use update::{__path_update, update};
