//! The people of an organisation: addresses, passwords, roles.

mod add;
mod email;
mod password;
mod role;

pub(crate) use add::{__path_add, add};
pub(crate) use email::Email;
pub(crate) use password::{NewPassword, Passwords};
pub(crate) use role::Role;
