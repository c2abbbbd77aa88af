//! Every form, with in each of its fields what nobody means.

use freehold::tenant::Model;
use http::header::CONTENT_TYPE;

use super::filled::{B, Filled};
use super::page::{Field, Form, Page, Sending, complaint, foul};
use super::routes::Routes;
use super::walk::Walk;
use crate::client::{Answer, Client};
use crate::support::Site;

/// What is put into a field. What is likely to be refused comes first.
const NONSENSE: [(&str, &[u8]); 12] = [
    ("nothing", b""),
    ("a NUL", b"a\0b"),
    ("no UTF-8", b"\xff\xfe\xc3("),
    ("a line break", b"a\r\nSet-Cookie: session=x"),
    ("a script", b"<script>alert(1)</script>"),
    ("the end of an attribute", b"\"><img src=x onerror=alert(1)>"),
    ("the end of the other kind", b"'><svg onload=alert(1)>"),
    ("an address that runs", b"javascript:alert(1)"),
    ("a template", b"{{7*7}}"),
    ("a formula", b"=1+1"),
    ("pictures", "🎈👩‍👩‍👧‍👦".as_bytes()),
    ("text that turns around", "\u{202e}gnp.exe\u{202c}\u{feff}".as_bytes()),
];

/// Bytes that are too many for any field.
const TOO_LONG: usize = 100_000;
/// As many as an address can have.
const LONGEST_ADDRESS: usize = 60_000;

/// Fields that refuse nothing: where to go on is the front page if it is no address, what colour was shown only tells which
/// field was touched, the name at an invitation is for browsers that keep passwords, and of a file the page of its import says
/// what is wrong with it.
const CONTENT_WITH_ANYTHING: [&str; 5] = ["next", "shown", "picked", "username", "file"];

/// Somebody who fills in a form.
struct Sender<'f> {
    filled: &'f Filled,
    routes: &'f Routes,
    client: Client,
    form: Form,
}

impl<'f> Sender<'f> {
    fn of(form: &Form, filled: &'f Filled, routes: &'f Routes) -> Self {
        let is_outside = filled.links.contains(&form.page) || ["/login", "/password"].contains(&form.page.as_str());
        let client = if is_outside { filled.owner.nobody() } else { filled.owner.clone() };
        Self { filled, routes, client, form: form.clone() }
    }

    /// Sends the form with something else in its fields, and looks at the answer.
    async fn send(&mut self, what: &str, fields: Vec<Field>) -> Answer {
        let form = Form { fields, ..self.form.clone() };
        let shown: Vec<_> = form
            .fields
            .iter()
            .map(|field| (&field.name, String::from_utf8_lossy(&field.value[..field.value.len().min(60)])))
            .collect();
        let what = format!("{what} to {} by {:?}: {shown:?}", form.action, form.sends);
        let answer = self.client.send_form(&form).await;
        assert!(answer.status < 500, "{what}: {}", answer.text());
        let text = answer.text();
        if answer.status >= 400 {
            assert_eq!(answer.headers[CONTENT_TYPE], "text/html; charset=utf-8", "{what}: {text}");
            assert!(complaint(&text).is_some(), "{what}: nothing says what is wrong: {text}");
        } else {
            self.begin_anew().await;
        }
        assert_eq!(foul(&text), None, "{what}");
        answer
    }

    /// Opens the form's page again: what it sent before has changed something.
    async fn begin_anew(&mut self) {
        self.filled.renew().await;
        let page = self.client.page(&self.form.page).await;
        let is_same = |form: &Form| {
            form.sends == self.form.sends
                && self.routes.of(&form.action) == self.routes.of(&self.form.action)
                && form.names() == self.form.names()
        };
        let forms: Vec<_> = Page::read(&self.form.page, &page.text()).forms.into_iter().filter(is_same).collect();
        let same = forms.iter().find(|form| form.action == self.form.action).or(forms.first());
        if let Some(form) = same {
            self.form = form.clone();
        }
    }

    fn with(&self, field: usize, value: &[u8]) -> Vec<Field> {
        let mut fields = self.form.fields.clone();
        fields[field].value = value.to_vec();
        fields
    }
}

#[tokio::test]
async fn no_form_breaks_at_nonsense_or_runs_it() {
    let site = Site::start_without_postman().await;
    let filled = Filled::of(&site, B, Model::Shared).await;
    let routes = Routes::declared();
    let walk = Walk::through(&filled, &routes).await;
    for form in kinds(&walk, &routes) {
        let mut sender = Sender::of(form, &filled, &routes);
        sender.send("an empty form", Vec::new()).await;
        let longest = if form.sends == Sending::Get { LONGEST_ADDRESS } else { TOO_LONG };
        for n in 0..form.fields.len() {
            for (what, value) in NONSENSE {
                sender.send(what, sender.with(n, value)).await;
            }
            sender
                .send("a field that is there twice", [&sender.form.fields[..], &sender.form.fields[n..=n]].concat())
                .await;
            let answer = sender.send("a long text", sender.with(n, &vec![b'x'; longest])).await;
            let name = form.fields[n].name.as_str();
            if form.sends != Sending::Get && !CONTENT_WITH_ANYTHING.contains(&name) {
                assert!(answer.status >= 400, "{} takes {TOO_LONG} bytes for {name}", form.action);
            }
        }
    }

    // What was taken is text wherever it is shown, and no formula in a file.
    filled.renew().await;
    Walk::inside(&filled, &routes).await;
    filled.owner.page("/expenses?q=script&order=newest").await.shows(200, "&#60;script&#62;alert(1)");
    for file in ["/expenses.csv", "/activity.csv"] {
        let text = filled.owner.page(file).await.text();
        assert!(text.contains("\"'=1+1"), "{file}: {text}");
        let is_formula = |field: &str| field.trim_start_matches('"').starts_with("=1+1");
        assert!(!text.split([',', '\n']).any(is_formula), "{file}: {text}");
    }
}

/// One form of each kind. Those that have nothing to fill in are sent last: they take away what others are about.
fn kinds<'w>(walk: &'w Walk, routes: &Routes) -> Vec<&'w Form> {
    let mut kinds: Vec<&Form> = Vec::new();
    for form in &walk.forms {
        let is_alike =
            |known: &&Form| routes.of(&known.action) == routes.of(&form.action) && known.names() == form.names();
        if !kinds.iter().any(is_alike) {
            kinds.push(form);
        }
    }
    kinds.sort_by_key(|form| form.fields.is_empty());
    kinds
}
