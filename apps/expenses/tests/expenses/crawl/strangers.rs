//! The pages and forms of an organisation, asked for and sent by those of another, and by nobody.

use std::collections::BTreeSet;

use freehold::tenant::Model;

use super::filled::{A, B, Filled};
use super::page::Form;
use super::routes::Routes;
use super::walk::{Address, Walk};
use crate::client::{Answer, Client};
use crate::support::Site;

/// What is there for people who are not logged in: the way in, what a link in a letter leads to, and what the login looks like.
const OPEN: [&str; 8] = [
    "/login",
    "/logout",
    "/password",
    "/password/{secret}",
    "/invitations/{secret}",
    "/confirm/{secret}",
    "/brand/{file}",
    "/logo/{file}",
];

/// What is good once, for whoever has the link.
const TICKET: &str = "/welcome/{secret}";

/// Forms that are sent to an id and do what they are to do though there is nothing of that id: what is gone is gone, and the id
/// of an import is made by its sender.
const ALWAYS_DONE: [&str; 2] = ["/expenses/{id}/delete", "/imports/{id}"];

/// Two organisations that have everything, and what is to be found at the second.
struct Neighbours {
    a: Filled,
    b: Filled,
    walk: Walk,
    routes: Routes,
}

impl Neighbours {
    async fn of(site: &Site, model: Model) -> Self {
        println!("model {model}");
        let (a, b) = (Filled::of(site, A, model).await, Filled::of(site, B, model).await);
        // Before B itself uses up what is good once.
        for link in &b.links {
            a.owner.nobody().page(link).await.shows(404, "This link does not work");
        }
        let routes = Routes::declared();
        let walk = Walk::through(&b, &routes).await;
        Self { a, b, walk, routes }
    }

    fn route(&self, address: &str) -> &str {
        self.routes.of(address).unwrap_or(if address.starts_with("/assets/") { "/assets" } else { "" })
    }

    fn is_open(&self, address: &str) -> bool {
        let route = self.route(address);
        OPEN.contains(&route) || route == "/assets"
    }

    /// The owner of A at B's host.
    fn eve(&self) -> Client {
        let mut eve = self.b.owner.nobody();
        eve.cookie = self.a.owner.cookie.clone();
        eve
    }
}

/// Whether an answer shows nothing but the way to the login.
fn leads_to_login(answer: &Answer) -> bool {
    let leads = |name: &str| {
        let address = answer.headers.get(name).and_then(|address| address.to_str().ok());
        address.is_some_and(|address| address == "/login" || address.starts_with("/login?"))
    };
    answer.body.is_empty()
        && (answer.status == 303 && leads("location") || answer.status == 200 && leads("hx-redirect"))
}

#[tokio::test]
async fn every_page_is_found_by_a_link_and_every_form_on_a_page() {
    let site = Site::start_without_postman().await;
    let filled = Filled::of(&site, B, Model::Shared).await;
    assert_eq!(filled.empty_tables().await, [""; 0], "what an organisation can have and this one has not");
    let routes = Routes::declared();
    let walk = Walk::through(&filled, &routes).await;
    let pages: BTreeSet<_> = walk.addresses.iter().filter_map(|address| routes.of(&address.path)).collect();
    let missed: Vec<_> = routes.pages.iter().filter(|route| !pages.contains(route.as_str())).collect();
    assert!(missed.is_empty(), "no link leads to {missed:?}");
    let targets: BTreeSet<_> = walk.changing().filter_map(|form| routes.of(&form.action)).collect();
    let missed: Vec<_> = routes.targets.iter().filter(|route| !targets.contains(route.as_str())).collect();
    assert!(missed.is_empty(), "no form is sent to {missed:?}");
}

#[tokio::test]
async fn no_page_of_another_organisation_is_to_be_had() {
    let site = Site::start_without_postman().await;
    for model in Model::ALL {
        let neighbours = Neighbours::of(&site, model).await;
        let Neighbours { a, b, walk, .. } = &neighbours;
        let (eve, nobody, ids) = (neighbours.eve(), b.owner.nobody(), b.ids().await);
        assert!(walk.addresses.len() > 100, "{}", walk.addresses.len());
        for address in &walk.addresses {
            let route = neighbours.route(&address.path);
            let answer = address.get(&a.owner).await;
            assert_eq!(b.told_by(&answer, &address.path, &ids), None, "{address:?}: {}", answer.text());
            if route == TICKET {
                assert_eq!(answer.leads(), "/", "who is in is in");
                continue;
            }
            if route.contains('{') && route != "/brand/{file}" {
                assert_eq!(answer.status, 404, "{address:?}: {}", answer.text());
            }
            for stranger in [&eve, &nobody] {
                let answer = address.get(stranger).await;
                if neighbours.is_open(&address.path) {
                    assert_eq!(answer.status, 200, "{address:?}: {}", answer.text());
                } else {
                    assert!(leads_to_login(&answer), "{address:?}: {}", answer.text());
                }
            }
        }
        for id in &ids {
            let unread = Address::page(&format!("/expenses/{id}"));
            unread.get(&a.owner).await.shows(404, "Not found");
        }
    }
}

#[tokio::test]
async fn no_form_of_another_organisation_is_to_be_sent() {
    let site = Site::start_without_postman().await;
    for model in Model::ALL {
        let neighbours = Neighbours::of(&site, model).await;
        let Neighbours { a, b, walk, .. } = &neighbours;
        let (before, ids) = (b.digest().await, b.ids().await);
        let owner = crate::support::owner(a.owner.slug());
        let origin_of_a = format!("http://{}", a.owner.host);
        let mut sender = a.owner.clone();
        for form in walk.changing() {
            let route = neighbours.route(&form.action);
            let answer = sender.send_form(&in_words_of_a(form)).await;
            assert_eq!(b.told_by(&answer, &form.action, &ids), None, "{form:?}: {}", answer.text());
            if route.contains('{') && !ALWAYS_DONE.contains(&route) {
                assert_eq!(answer.status, 404, "{form:?}: {}", answer.text());
            }
            assert_eq!(b.digest().await, before, "sent by A to A: {form:?}");
            if sender.get("/api/members").await.status == 401 {
                // It logged A out, or chose another password, which is the same as before.
                sender = a.owner.log_in(&owner).await;
            }

            if !neighbours.is_open(&form.action) {
                for stranger in [&neighbours.eve(), &b.owner.nobody()] {
                    let answer = stranger.send_form(form).await;
                    assert!(leads_to_login(&answer), "{form:?}: {}", answer.text());
                }
                assert_eq!(b.digest().await, before, "sent by A to B: {form:?}");
            }

            // What a page of A, or of anybody else, makes the browser of B's owner send.
            for (site, origin) in [
                ("cross-site", None),
                ("cross-site", Some("https://evil.example")),
                ("same-site", Some(origin_of_a.as_str())),
                ("", Some(origin_of_a.as_str())),
                ("", Some("null")),
            ] {
                let answer = b.owner.send_from(form, site, origin).await;
                answer.shows(403, "started by a page of another site");
            }
            assert_eq!(b.digest().await, before, "sent from elsewhere: {form:?}");
        }
    }
}

/// The form as A would fill it in, but for the ids that are in it.
fn in_words_of_a(form: &Form) -> Form {
    let mut form = form.clone();
    for field in &mut form.fields {
        let value = String::from_utf8_lossy(&field.value).replace(B.word, A.word);
        field.value = value.replace(B.amount[0], A.amount[0]).into_bytes();
    }
    form
}
