//! Who is logged in: an opaque token in a cookie, its digest in a tenant table.
//!
//! A session belongs to one organisation because its row does. The cookie names no domain, so browsers send it to the host
//! that set it alone; sent to another organisation by hand, it is the token of nobody there.

mod attempts;
mod cookie;
mod login;
mod logout;
mod pages;
mod token;
mod visitor;

pub(crate) use cookie::Cookies;
pub(crate) use login::{__path_login, Credentials, Door, login};
pub(crate) use logout::{__path_logout, end_all, logout};
pub(crate) use pages::{enter, leave, login_page};
pub(crate) use token::Token;
pub(crate) use visitor::{Person, Visitor};
