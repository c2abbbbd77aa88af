//! Keys for programs: `Authorization: Bearer expenses_...`.
//!
//! A key names its organisation by id, so a program may send it to any host of the application; it acts for the person who made
//! it, within its scope. It is shown once.

mod make;
mod pages;
mod scope;
mod table;

pub(crate) use make::{__path_create, __path_exchange, create, exchange};
pub(crate) use pages::pages;
pub(crate) use scope::KeyScope;
pub(crate) use table::{__path_list, __path_revoke, end_logins, list, note_use, revoke, revoke_presented};

use freehold::resolve::ApiKeys;

/// How keys begin, so that scanners recognise them where they should not be.
const PREFIX: &str = "expenses";

/// The form of this application's keys, which is also their resolver.
pub(crate) fn form() -> Result<ApiKeys, freehold::resolve::InvalidKeyPrefix> {
    ApiKeys::new(PREFIX)
}
