//! Every page and every form of an organisation, found as a browser finds them, and what strangers and nonsense do there.
//!
//! Nothing here lists pages: [`routes`] reads from the sources which there are, and a page that no link leads to, or a form
//! that no page shows, fails a test until the organisation of [`filled`] has what it takes to show it.

mod browser;
mod filled;
mod headers;
mod nonsense;
mod page;
mod routes;
mod strangers;
mod walk;
