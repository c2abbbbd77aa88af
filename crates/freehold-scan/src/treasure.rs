//! What a twin was told: ids, cursors, addresses. Another tenant has no business with them.

use serde_json::Value;

use crate::client::Answer;
use crate::document::{Document, Operation};

/// What answers held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Treasure {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq)]
struct Item {
    /// The path of the operation that told.
    from: String,
    key: String,
    value: String,
}

impl Treasure {
    /// Keeps every text and number of an answer.
    pub(crate) fn collect(&mut self, operation: &Operation, answer: &Answer) {
        if let Some(json) = answer.json() {
            self.walk(&operation.path, "", &json);
        }
        if let Some(location) = answer.headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok()) {
            self.keep(&operation.path, "location", location);
        }
    }

    fn walk(&mut self, from: &str, key: &str, value: &Value) {
        match value {
            Value::String(text) => self.keep(from, key, text),
            Value::Number(number) => self.keep(from, key, &number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.walk(from, key, item)),
            Value::Object(members) => members.iter().for_each(|(key, value)| self.walk(from, key, value)),
            Value::Null | Value::Bool(_) => (),
        }
    }

    fn keep(&mut self, from: &str, key: &str, value: &str) {
        let item = Item { from: from.to_owned(), key: key.to_lowercase(), value: value.to_owned() };
        if !value.is_empty() && !self.items.contains(&item) {
            self.items.push(item);
        }
    }

    /// Values for the parameters of an operation's path: out of an address that was told, else of what came from the
    /// collection the parameter stands behind. `None` where nothing fits.
    pub(crate) fn path_values(&self, operation: &Operation) -> Option<Vec<String>> {
        let addresses = self.items.iter().filter(|item| item.value.contains('/'));
        addresses.filter_map(|item| matched(&operation.path, &item.value)).next().or_else(|| {
            operation.path_parameters().map(|parameter| self.parameter(&operation.path, &parameter.name)).collect()
        })
    }

    fn parameter(&self, path: &str, name: &str) -> Option<String> {
        let collection = path.split(&format!("/{{{name}}}")).next().unwrap_or_default();
        let name = name.to_lowercase();
        let resource = collection.rsplit('/').next().unwrap_or_default();
        let singular = format!("{}_id", resource.trim_end_matches('s'));
        let of_collection = |item: &&Item| item.from == collection && (item.key == name || item.key == "id");
        let by_name = |item: &&Item| name != "id" && item.key == name || item.key == singular;
        let found = self.items.iter().find(of_collection).or_else(|| self.items.iter().find(by_name));
        found.map(|item| item.value.clone())
    }

    /// Values that were told under one of these keys.
    pub(crate) fn under(&self, keys: &[&str]) -> Vec<String> {
        let items = self.items.iter().filter(|item| keys.iter().any(|key| item.key.contains(key)));
        let mut values: Vec<_> = items.map(|item| item.value.clone()).collect();
        values.dedup();
        values
    }

    /// What was told under just this key, by an id's name.
    pub(crate) fn exactly(&self, key: &str) -> Option<String> {
        let key = key.to_lowercase();
        let resource = key.trim_end_matches("_id");
        let of_resource = |item: &&Item| item.key == "id" && item.from.trim_end_matches('s').ends_with(resource);
        let found = self.items.iter().find(|item| item.key == key).or_else(|| self.items.iter().find(of_resource));
        found.map(|item| item.value.clone())
    }

    /// Paths within the application that were told, and are no operation's own path.
    pub(crate) fn addresses(&self, document: &Document) -> Vec<String> {
        let mut paths: Vec<String> = Vec::new();
        for item in &self.items {
            let path = match item.value.split_once("://") {
                Some((_, behind)) => behind.find('/').map_or("", |start| &behind[start..]),
                None => item.value.as_str(),
            };
            let is_path = path.len() > 1 && path.starts_with('/') && !path.contains(char::is_whitespace);
            if is_path
                && !document.operations.iter().any(|operation| operation.path == path)
                && !paths.iter().any(|known| known == path)
            {
                paths.push(path.to_owned());
            }
        }
        paths
    }
}

/// The values of a template's parameters in an address.
fn matched(template: &str, address: &str) -> Option<Vec<String>> {
    let path = match address.split_once("://") {
        Some((_, behind)) => &behind[behind.find('/')?..],
        None => address,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    if wanted.len() != given.len() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, given) in wanted.iter().zip(given) {
        if wanted.starts_with('{') {
            values.push(given.to_owned());
        } else if *wanted != given {
            return None;
        }
    }
    (!values.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::document::{Parameter, Place};

    fn item(path: &str) -> Operation {
        let id = Parameter { name: "id".to_owned(), place: Place::Path, is_required: true, schema: json!({}) };
        Operation { method: Method::GET, path: path.to_owned(), id: String::new(), parameters: vec![id], body: None }
    }

    #[test]
    fn an_id_is_found_in_its_collection_in_an_address_or_under_its_name() {
        let mut treasure = Treasure::default();
        treasure.walk("/notes", "", &json!({ "items": [{ "id": "n1", "owner": { "id": 7 } }], "next": "c1" }));
        treasure.walk(
            "/import",
            "",
            &json!({ "rejections_url": "http://x:1/imports/i9/rejections?a=b", "job_id": "j3" }),
        );
        assert_eq!(treasure.path_values(&item("/notes/{id}")), Some(vec!["n1".to_owned()]));
        assert_eq!(treasure.path_values(&item("/imports/{id}/rejections")), Some(vec!["i9".to_owned()]));
        assert_eq!(treasure.path_values(&item("/jobs/{id}")), Some(vec!["j3".to_owned()]));
        assert_eq!(treasure.path_values(&item("/others/{id}")), None);
        assert_eq!(treasure.under(&["next", "cursor"]), ["c1"]);
        assert_eq!(treasure.exactly("note_id"), Some("n1".to_owned()));
    }
}
