use std::collections::BTreeMap;

use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue};
use serde_json::Value;

use crate::ScanError;
use crate::client::{Answer, Client, Request, Site};
use crate::document::{Document, Operation};
use crate::scan::Recipe;
use crate::treasure::Treasure;
use crate::values::{Fill, Words};

/// A tenant with somebody logged in, and what it knows.
#[derive(Clone, Debug)]
pub(crate) struct Twin {
    pub(crate) client: Client,
    pub(crate) words: Words,
    pub(crate) treasure: Treasure,
    /// Bodies that created something: the operation's name, and the request.
    pub(crate) created: Vec<(String, Request)>,
    /// What to leave out of bodies, by the operation's name: what an operation accepted.
    pub(crate) fills: BTreeMap<String, Fill>,
    log_in: Option<Operation>,
}

/// Words for an operation that makes a tenant, and one that makes a session.
const SIGN_UP: &[&str] = &["signup", "register", "onboard"];
const LOG_IN: &[&str] = &["login", "signin", "session", "token"];
const LOG_OUT: &[&str] = &["logout", "signout", "logoff"];

/// The operation that makes a tenant.
pub(crate) fn sign_up_of(document: &Document, recipe: &Recipe) -> Result<Operation, ScanError> {
    find(document, recipe.sign_up.as_deref(), SIGN_UP, "sign a tenant up")
}

/// Whether an operation ends a session.
pub(crate) fn ends_a_session(operation: &Operation) -> bool {
    operation.is_about(LOG_OUT)
}

fn find(
    document: &Document,
    named: Option<&str>,
    words: &[&str],
    purpose: &'static str,
) -> Result<Operation, ScanError> {
    let fits = |operation: &&Operation| match named {
        Some(name) => operation.name() == name,
        None => {
            operation.method == http::Method::POST
                && operation.body.is_some()
                && operation.is_about(words)
                && !ends_a_session(operation)
        }
    };
    document.operations.iter().find(fits).cloned().ok_or(ScanError::NoOperation { purpose })
}

impl Twin {
    /// Signs a tenant up at the base host, and logs its owner in at its own.
    pub(crate) async fn sign_up(
        site: &Site,
        document: &Document,
        recipe: &Recipe,
        mut words: Words,
    ) -> Result<Self, ScanError> {
        let operation = sign_up_of(document, recipe)?;
        let request = request(document, recipe, &operation, &mut words, &Fill::All, &[]);
        let base = site.at(&site.base)?;
        let mut answer = base.send(&request).await?;
        if answer.status.is_client_error() {
            let lean = self::request(document, recipe, &operation, &mut words, &Fill::Required, &[]);
            answer = base.send(&lean).await?;
        }
        let answer = accepted(&operation, "sign a tenant up", answer)?;
        let host = host_in(&answer).unwrap_or_else(|| format!("{}.{}", words.slug, site.base));
        let mut twin = Self {
            client: site.at(&host)?,
            words,
            treasure: Treasure::default(),
            created: Vec::new(),
            fills: BTreeMap::new(),
            log_in: None,
        };
        twin.treasure.collect(&operation, &answer);
        twin.client.keep_cookies(&answer);
        twin.log_in = find(document, recipe.log_in.as_deref(), LOG_IN, "log in").ok();
        twin.log_in(document, recipe).await?;
        if twin.client.has_credentials() { Ok(twin) } else { Err(ScanError::NoOperation { purpose: "log in" }) }
    }

    /// A tenant that is there, with headers that let somebody in.
    pub(crate) fn given(site: &Site, given: &crate::scan::GivenTwin, words: Words) -> Result<Self, ScanError> {
        let mut client = site.at(&given.host)?;
        for (name, value) in &given.headers {
            if let (Ok(name), Ok(value)) = (name.parse(), HeaderValue::from_str(value)) {
                client.keep(name, value);
            }
        }
        Ok(Self {
            client,
            words,
            treasure: Treasure::default(),
            created: Vec::new(),
            fills: BTreeMap::new(),
            log_in: None,
        })
    }

    /// Logs the owner in, again where that was done before.
    pub(crate) async fn log_in(&mut self, document: &Document, recipe: &Recipe) -> Result<(), ScanError> {
        let Some(operation) = self.log_in.clone() else { return Ok(()) };
        let request = request(document, recipe, &operation, &mut self.words, &Fill::All, &[]);
        let answer = accepted(&operation, "log in", self.client.nobody().send(&request).await?)?;
        self.client.keep_cookies(&answer);
        let json = answer.json().unwrap_or_default();
        let token = ["token", "access_token", "accessToken", "jwt"].iter().find_map(|key| json[*key].as_str());
        if let Some(Ok(value)) = token.map(|token| HeaderValue::from_str(&format!("Bearer {token}"))) {
            self.client.keep(AUTHORIZATION, value);
        }
        Ok(())
    }
}

/// A request to an operation, with the values of its path's parameters in their order.
pub(crate) fn request(
    document: &Document,
    recipe: &Recipe,
    operation: &Operation,
    words: &mut Words,
    fill: &Fill,
    path_values: &[String],
) -> Request {
    let mut path = operation.path.clone();
    let mut values = path_values.iter();
    for parameter in operation.path_parameters() {
        let value = match values.next() {
            Some(value) => value.clone(),
            None => text_of(&words.value(document, &parameter.schema, &parameter.name, &Fill::All)),
        };
        path = path.replace(&format!("{{{}}}", parameter.name), &crate::client::percent_encoded(&value));
    }
    let mut separator = '?';
    for parameter in operation.query_parameters().filter(|parameter| parameter.is_required) {
        let value = text_of(&words.value(document, &parameter.schema, &parameter.name, &Fill::All));
        path.push_str(&format!("{separator}{}={}", parameter.name, crate::client::percent_encoded(&value)));
        separator = '&';
    }
    let body = operation.body.as_ref().map(|body| {
        let text = match recipe.bodies.get(&operation.name()) {
            Some(given) => words.fill_in(given),
            None if body.media.contains("json") => words.value(document, &body.schema, "", fill).to_string(),
            None => words.fill_in("name,text\n{canary},{canary}\n"),
        };
        (body.media.clone(), text)
    });
    Request { method: operation.method.clone(), path, headers: Vec::new(), body }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn accepted(operation: &Operation, purpose: &'static str, answer: Answer) -> Result<Answer, ScanError> {
    if answer.status.is_success() || answer.status == StatusCode::SEE_OTHER {
        return Ok(answer);
    }
    let (status, body) = (answer.status.as_u16(), answer.excerpt());
    Err(ScanError::Refused { operation: operation.name(), purpose, status, body })
}

/// The host of the first address in an answer.
fn host_in(answer: &Answer) -> Option<String> {
    fn find(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => {
                let (scheme, behind) = text.split_once("://")?;
                let host = behind.split('/').next()?;
                ["http", "https"].contains(&scheme).then(|| host.to_owned())
            }
            Value::Array(items) => items.iter().find_map(find),
            Value::Object(members) => members.values().find_map(find),
            _ => None,
        }
    }
    find(&answer.json()?)
}
