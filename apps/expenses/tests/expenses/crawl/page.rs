//! What a browser makes of a page: where it leads, and what it would send.

use std::collections::BTreeSet;

use http::Method;
use scraper::{ElementRef, Html, Selector};

use crate::client::PASSWORD;

/// A file that the forms of this application take: for those who want a picture it is none.
const FILE: &str = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n\
                    2026-01-31,1,Works,Cafe,,\n";

/// One way of sending a form: by one of its buttons.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form {
    /// The page that has it.
    pub(super) page: String,
    pub(super) sends: Sending,
    pub(super) action: String,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sending {
    /// In the address.
    Get,
    /// As `application/x-www-form-urlencoded`.
    Fields,
    /// As `multipart/form-data`.
    Parts,
}

/// A field, with what somebody might have put into it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
    pub(super) is_file: bool,
}

/// Where a page leads and what it sends.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) links: BTreeSet<String>,
    /// What scripts ask for, to put in place of a part of the page.
    pub(super) parts: BTreeSet<String>,
    pub(super) forms: Vec<Form>,
}

impl Form {
    pub(super) fn method(&self) -> Method {
        if self.sends == Sending::Get { Method::GET } else { Method::POST }
    }

    /// The names of its fields.
    pub(super) fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|field| field.name.as_str()).collect()
    }
}

impl Page {
    /// Reads the page that was found at `address`.
    pub(super) fn read(address: &str, text: &str) -> Self {
        let html = Html::parse_document(text);
        let mut page = Self::default();
        for element in select(&html, "[href], [src], [hx-get]") {
            let link = element.attr("href").or(element.attr("src"));
            page.links.extend(link.and_then(local));
            page.parts.extend(element.attr("hx-get").and_then(local));
        }
        for form in select(&html, "form") {
            page.forms.extend(ways(address, form));
        }
        page
    }
}

/// What in a page runs or loads something that is not the application's own, if anything is.
pub(super) fn foul(text: &str) -> Option<String> {
    let html = Html::parse_document(text);
    let foul = |element: &ElementRef<'_>| {
        let runs = |(name, value): (&str, &str)| {
            let leads = ["href", "src", "action", "formaction"].contains(&name);
            name.starts_with("on") || leads && !value.starts_with(['/', '#'])
        };
        (element.value().name() == "script" && element.attr("src").is_none()) || element.value().attrs().any(runs)
    };
    select(&html, "*").find(foul).map(|element| element.html())
}

/// What a page says is wrong, if it says so.
pub(super) fn complaint(text: &str) -> Option<String> {
    let html = Html::parse_document(text);
    let words = |element: ElementRef<'_>| element.text().collect::<String>().trim().to_owned();
    select(&html, "[role=alert], .fault, .fault-text, main h1 + p").map(words).find(|words| !words.is_empty())
}

fn select<'h>(html: &'h Html, selector: &str) -> impl Iterator<Item = ElementRef<'h>> + use<'h> {
    let found: Vec<_> = html.select(&Selector::parse(selector).unwrap()).collect();
    found.into_iter()
}

/// The address at this host that a link leads to; none for a place in the page itself.
fn local(link: &str) -> Option<String> {
    let address = link.split('#').next().unwrap_or_default();
    assert!(address.is_empty() || address.starts_with('/') && !address.starts_with("//"), "{link} leads elsewhere");
    Some(address.to_owned()).filter(|address| !address.is_empty())
}

fn ways(page: &str, form: ElementRef<'_>) -> Vec<Form> {
    let within = |selector: &str| form.select(&Selector::parse(selector).unwrap()).collect::<Vec<_>>();
    let fields: Vec<_> = fields(&within("input, select, textarea"));
    let buttons = within("button");
    assert!(!buttons.is_empty(), "a form at {page} has no button");
    let way = |button: &ElementRef<'_>| {
        let says = |own: &str, of_form: &str| button.attr(own).or(form.attr(of_form)).unwrap_or_default().to_owned();
        let action = local(&says("formaction", "action")).unwrap_or_else(|| panic!("a form at {page} has no action"));
        if let Some(scripted) = form.attr("hx-post") {
            assert_eq!(Some(scripted), form.attr("action"), "a script sends a form elsewhere than a browser does");
        }
        let sends = match (says("formmethod", "method").as_str(), form.attr("enctype")) {
            ("get", _) => Sending::Get,
            ("post", None) => Sending::Fields,
            ("post", Some("multipart/form-data")) => Sending::Parts,
            other => panic!("a form at {page} is sent in a way that is not known: {other:?}"),
        };
        let mut fields = fields.clone();
        if let Some(name) = button.attr("name") {
            let value = button.attr("value").unwrap_or_default().as_bytes().to_vec();
            fields.push(Field { name: name.to_owned(), value, is_file: false });
        }
        Form { page: page.to_owned(), sends, action, fields }
    };
    buttons.iter().map(way).collect()
}

fn fields(elements: &[ElementRef<'_>]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for element in elements {
        let Some(name) = element.attr("name") else { continue };
        let kind = element.attr("type").unwrap_or_default();
        let is_chosen = element.attr("checked").is_some();
        let known = fields.iter_mut().find(|field| field.name == name);
        let value = match element.value().name() {
            "select" => chosen(element),
            "textarea" => element.text().collect(),
            _ => typed(element, kind),
        };
        match known {
            // Of several buttons to choose by, the one that is pressed, or else the first.
            Some(field) if is_chosen => field.value = value.into(),
            Some(_) => {}
            None => fields.push(Field { name: name.to_owned(), value: value.into(), is_file: kind == "file" }),
        }
    }
    fields
}

fn chosen(element: &ElementRef<'_>) -> String {
    let options: Vec<_> = element.select(&Selector::parse("option").unwrap()).collect();
    let option = options.iter().find(|option| option.attr("selected").is_some()).or(options.first());
    let value = |option: &ElementRef<'_>| option.attr("value").map_or_else(|| option.text().collect(), str::to_owned);
    option.map(value).unwrap_or_default()
}

/// What is in a field, or what somebody types who has to fill it in.
fn typed(element: &ElementRef<'_>, kind: &str) -> String {
    let value = element.attr("value").unwrap_or_default();
    if !value.is_empty() {
        return value.to_owned();
    }
    let text = match kind {
        "password" => PASSWORD,
        "file" => FILE,
        _ if element.attr("required").is_none() => "",
        "email" => "somebody@example.com",
        "date" => "2026-01-31",
        _ if element.attr("inputmode") == Some("decimal") => "12.50",
        _ => "Something",
    };
    text.to_owned()
}
