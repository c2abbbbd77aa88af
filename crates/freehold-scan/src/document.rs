//! What an `OpenAPI` document says of operations (OpenAPI Specification 3.0 and 3.1), read without types of its own, because
//! documents in the field are seldom quite valid.

use http::Method;
use serde_json::Value;

use crate::ScanError;
use crate::client::{Client, Request};

/// Where documents usually are.
const PATHS: &[&str] =
    &["/openapi.json", "/api/openapi.json", "/api-docs/openapi.json", "/api/docs/openapi.json", "/v1/openapi.json"];

#[derive(Clone, Debug)]
pub(crate) struct Document {
    root: Value,
    pub(crate) operations: Vec<Operation>,
}

/// One method of one path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// With `{names}` in it.
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) is_required: bool,
    pub(crate) schema: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Body {
    pub(crate) media: String,
    pub(crate) schema: Value,
}

impl Operation {
    /// As reports name it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it is meant to change nothing (RFC 9110, section 9.2.1).
    pub(crate) fn is_safe(&self) -> bool {
        [Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.method)
    }

    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.place == Place::Path)
    }

    pub(crate) fn query_parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.place == Place::Query)
    }

    /// Whether one of these words is in its path or its id.
    pub(crate) fn is_about(&self, words: &[&str]) -> bool {
        let text = format!("{} {}", self.path, self.id).to_lowercase().replace(['-', '_'], "");
        words.iter().any(|word| text.contains(word))
    }
}

impl Document {
    pub(crate) async fn fetch(base: &Client, path: Option<&str>) -> Result<Self, ScanError> {
        let paths = path.map_or_else(|| PATHS.to_vec(), |path| vec![path]);
        for path in &paths {
            let answer = base.send(&Request::get(*path)).await?;
            if let Some(root) = answer.json().filter(|root| root["paths"].is_object()) {
                let document = Self::read(root);
                if document.operations.is_empty() {
                    return Err(ScanError::EmptyDocument { path: (*path).to_owned() });
                }
                return Ok(document);
            }
        }
        Err(ScanError::NoDocument { tried: paths.join(", ") })
    }

    pub(crate) fn read(root: Value) -> Self {
        let mut document = Self { root, operations: Vec::new() };
        let mut operations = Vec::new();
        for (path, item) in document.root["paths"].as_object().into_iter().flatten() {
            for (method, operation) in document.resolve(item).as_object().into_iter().flatten() {
                let methods = ["get", "put", "post", "delete", "patch", "head", "options"];
                let Some(method) = methods.contains(&method.as_str()).then(|| method.to_uppercase()) else { continue };
                let Ok(method) = Method::from_bytes(method.as_bytes()) else { continue };
                let shared = document.resolve(item)["parameters"].as_array().into_iter().flatten();
                let own = operation["parameters"].as_array().into_iter().flatten();
                operations.push(Operation {
                    method,
                    path: path.clone(),
                    id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
                    parameters: shared.chain(own).filter_map(|parameter| document.parameter(parameter)).collect(),
                    body: document.body(&operation["requestBody"]),
                });
            }
        }
        document.operations = operations;
        document
    }

    /// What a reference refers to, or the value itself.
    pub(crate) fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value {
        const FARTHEST: usize = 32;
        let mut value = value;
        for _ in 0..FARTHEST {
            let Some(pointer) = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) else { break };
            value = self.root.pointer(pointer).unwrap_or(&Value::Null);
        }
        value
    }

    fn parameter(&self, parameter: &Value) -> Option<Parameter> {
        let parameter = self.resolve(parameter);
        let place = match parameter["in"].as_str()? {
            "path" => Place::Path,
            "query" => Place::Query,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            _ => return None,
        };
        Some(Parameter {
            name: parameter["name"].as_str()?.to_owned(),
            place,
            is_required: place == Place::Path || parameter["required"] == true,
            schema: parameter["schema"].clone(),
        })
    }

    /// JSON where there is a choice.
    fn body(&self, body: &Value) -> Option<Body> {
        let content = self.resolve(body)["content"].as_object()?;
        let (media, described) =
            content.iter().find(|(media, _)| media.contains("json")).or_else(|| content.iter().next())?;
        Some(Body { media: media.clone(), schema: described["schema"].clone() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_are_read_with_what_they_share_and_refer_to() {
        let document = Document::read(json!({
            "paths": { "/notes/{id}": {
                "parameters": [{ "$ref": "#/components/parameters/id" }],
                "summary": "no operation",
                "patch": { "operationId": "update_note", "parameters": [{ "name": "dry", "in": "query", "schema": {} }, { "in": "query" }],
                           "requestBody": { "content": { "text/csv": {}, "application/json": { "schema": { "type": "object" } } } } },
            } },
            "components": { "parameters": { "id": { "name": "id", "in": "path", "schema": { "type": "string" } } } },
        }));
        let [operation] = &document.operations[..] else { panic!("{:?}", document.operations) };
        assert_eq!(operation.name(), "PATCH /notes/{id}");
        assert!(operation.is_about(&["updatenote"]) && !operation.is_safe());
        assert_eq!(operation.path_parameters().count(), 1);
        assert_eq!(operation.query_parameters().map(|parameter| &parameter.name).collect::<Vec<_>>(), ["dry"]);
        assert_eq!(operation.body.as_ref().unwrap().media, "application/json");
    }
}
