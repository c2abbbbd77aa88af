//! A walk along all links.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use http::header::CONTENT_TYPE;

use super::browser::address;
use super::filled::Filled;
use super::headers::careless;
use super::page::{Form, Page, Sending, foul};
use super::routes::Routes;
use crate::client::{Answer, Client};

/// How many addresses of a kind are asked for: of the same route, and with the same fields in the query. A list leads to as many as
/// it has rows.
const ASKED_FOR: usize = 4;
/// How many of a kind are kept for others to ask for.
const KEPT: usize = 10;

/// What was found at an organisation's host.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Addresses that links led to, of those alike a few.
    pub(super) addresses: BTreeSet<Address>,
    /// Forms, of those alike a few.
    pub(super) forms: Vec<Form>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) path: String,
    pub(super) is_part: bool,
}

impl Address {
    pub(super) fn page(path: &str) -> Self {
        Self { path: path.to_owned(), is_part: false }
    }

    /// What `client` gets there.
    pub(super) async fn get(&self, client: &Client) -> Answer {
        if self.is_part { client.part(&self.path).await } else { client.page(&self.path).await }
    }

    /// What the addresses of a kind have in common.
    fn kind<'r>(&self, routes: &'r Routes) -> (Option<&'r str>, Vec<String>, bool) {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let filled = form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty());
        let mut names: Vec<_> = filled.map(|(name, _)| name.into_owned()).collect();
        names.sort();
        (routes.of(&self.path), names, self.is_part)
    }
}

impl Walk {
    /// Follows all links: the owner's, and nobody's from the login and from what was sent by mail.
    ///
    /// No link leads to a page that is not there, and no page has anything in it that runs or that browsers keep.
    pub(super) async fn through(filled: &Filled, routes: &Routes) -> Self {
        let mut walk = Self::inside(filled, routes).await;
        let outside = ["/login"].into_iter().chain(filled.links.iter().map(String::as_str));
        walk.follow(&filled.owner.nobody(), outside.map(Address::page), routes).await;
        walk
    }

    /// Follows the owner's links from the front page.
    pub(super) async fn inside(filled: &Filled, routes: &Routes) -> Self {
        let mut walk = Self::default();
        walk.follow(&filled.owner, [Address::page("/")], routes).await;
        walk
    }

    async fn follow(&mut self, client: &Client, from: impl IntoIterator<Item = Address>, routes: &Routes) {
        let mut ahead: VecDeque<_> = from.into_iter().collect();
        let mut seen = BTreeSet::new();
        let mut asked = BTreeMap::<_, usize>::new();
        while let Some(address) = ahead.pop_front() {
            if !seen.insert(address.clone()) {
                continue;
            }
            let count = asked.entry(address.kind(routes)).or_default();
            *count += 1;
            if *count <= KEPT {
                self.addresses.insert(address.clone());
            }
            if *count > ASKED_FOR {
                continue;
            }
            let answer = address.get(client).await;
            assert!([200, 303].contains(&answer.status), "a link leads to {address:?}: {}", answer.text());
            assert_eq!(careless(&address.path, &answer), None, "{address:?}");
            if answer.status == 303 {
                ahead.push_back(Address::page(answer.leads()));
                continue;
            }
            if !answer.headers[CONTENT_TYPE].as_bytes().starts_with(b"text/html") {
                continue;
            }
            let text = answer.text();
            assert_eq!(foul(&text), None, "{address:?}");
            let page = Page::read(&address.path, &text);
            ahead.extend(page.links.iter().map(|link| Address::page(link)));
            ahead.extend(page.parts.into_iter().map(|path| Address { path, is_part: true }));
            for form in page.forms {
                if form.sends == Sending::Get {
                    ahead.push_back(Address::page(&self::address(&form)));
                }
                self.keep(form, routes);
            }
        }
    }

    fn keep(&mut self, form: Form, routes: &Routes) {
        let alike = |known: &&Form| {
            known.sends == form.sends
                && routes.of(&known.action) == routes.of(&form.action)
                && known.names() == form.names()
        };
        let is_known = self.forms.iter().any(|known| known.action == form.action && known.fields == form.fields);
        if !is_known && self.forms.iter().filter(alike).count() < ASKED_FOR {
            self.forms.push(form);
        }
    }

    /// The forms that change something.
    pub(super) fn changing(&self) -> impl Iterator<Item = &Form> {
        self.forms.iter().filter(|form| form.sends != Sending::Get)
    }
}
