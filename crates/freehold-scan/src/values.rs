//! Values that fit a schema (JSON Schema, as far as `OpenAPI` documents use it), made of a twin's own words.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::document::Document;

/// What a twin calls itself, and the words only it could have written.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) slug: String,
    pub(crate) email: String,
    pub(crate) password: String,
    /// Every canary begins with it, and a number ends it.
    pub(crate) canary: String,
    pub(crate) written: usize,
}

/// Which properties of an object are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    All,
    /// All but this one.
    Without(String),
    Required,
}

/// Texts that patterns in the field ask for.
const USUAL: &[&str] = &["1", "12.50", "a", "ab12", "GBP", "en", "2026-01", "2026-01-15", "+441234567890", "#aabbcc"];

impl Words {
    /// Letters that no other text has in this order.
    pub(crate) fn new(role: char, run: &str) -> Self {
        let canary: String = (0..10).map(|_| char::from(b"jkqvwxz"[rand::random_range(0..7)])).collect();
        let slug = format!("scan-{role}-{run}");
        Self {
            email: format!("owner@{slug}.example"),
            slug,
            password: format!("Correct-horse-{run}-9"),
            canary: format!("zq{canary}"),
            written: 0,
        }
    }

    fn fresh(&mut self) -> String {
        self.written += 1;
        format!("{}{}", self.canary, self.written)
    }

    /// A text with `{canary}`, `{slug}` and `{email}` in it, filled in.
    pub(crate) fn fill_in(&mut self, text: &str) -> String {
        let mut filled = text.replace("{slug}", &self.slug).replace("{email}", &self.email);
        while let Some(place) = filled.find("{canary}") {
            filled.replace_range(place..place + "{canary}".len(), &self.fresh());
        }
        filled.replace("{password}", &self.password)
    }

    /// The canaries in a text.
    pub(crate) fn canaries_in<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let whole = |(start, _): (usize, &str)| {
            let tail = &text[start + self.canary.len()..];
            let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
            &text[start..start + self.canary.len() + digits]
        };
        text.match_indices(&self.canary).map(whole).collect()
    }

    /// A value for `schema`, which describes `name`.
    pub(crate) fn value(&mut self, document: &Document, schema: &Value, name: &str, fill: &Fill) -> Value {
        let schema = document.resolve(schema);
        if let Some(choice) = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array()) {
            let some = choice.iter().find(|one| document.resolve(one)["type"] != "null");
            return some.map_or(Value::Null, |one| self.value(document, &one.clone(), name, fill));
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in parts.clone() {
                match self.value(document, &part, name, fill) {
                    Value::Object(part) => whole.extend(part),
                    other => return other,
                }
            }
            return Value::Object(whole);
        }
        if let Some(constant) = schema.get("const").or_else(|| schema["enum"].get(0)) {
            return constant.clone();
        }
        match kind(schema) {
            "object" => self.object(document, schema, fill),
            "array" => json!([self.value(document, &schema["items"], name, fill)]),
            "boolean" => json!(true),
            "integer" | "number" => json!(schema["minimum"].as_i64().unwrap_or(0).max(1)),
            _ => Value::String(self.text(schema, name)),
        }
    }

    fn object(&mut self, document: &Document, schema: &Value, fill: &Fill) -> Value {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let wanted = match fill {
                Fill::All => true,
                Fill::Without(left_out) => name != left_out || required.contains(&left_out.as_str()),
                Fill::Required => required.contains(&name.as_str()),
            };
            if wanted && property["readOnly"] != true {
                object.insert(name.clone(), self.value(document, property, name, &Fill::All));
            }
        }
        Value::Object(object)
    }

    fn text(&mut self, schema: &Value, name: &str) -> String {
        let name = name.to_lowercase();
        let is = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let example = schema["example"].as_str().or_else(|| schema["examples"][0].as_str());
        let text = match schema["format"].as_str() {
            Some("uuid") => Uuid::new_v4().to_string(),
            Some("date") => "2026-01-15".to_owned(),
            Some("date-time") => "2026-01-15T12:00:00Z".to_owned(),
            Some("email") => self.email.clone(),
            Some("password") => self.password.clone(),
            Some("uri" | "url") => format!("https://example.com/{}", self.fresh()),
            _ if is(&["slug", "subdomain"]) => self.slug.clone(),
            _ if is(&["email", "e_mail"]) => self.email.clone(),
            _ if is(&["password"]) => self.password.clone(),
            _ if !schema["pattern"].is_null() => {
                example.map_or_else(|| USUAL[self.written % USUAL.len()].to_owned(), ToOwned::to_owned)
            }
            _ => self.fresh(),
        };
        let longest =
            schema["maxLength"].as_u64().map_or(usize::MAX, |longest| usize::try_from(longest).unwrap_or(usize::MAX));
        text.chars().take(longest).collect()
    }
}

/// The first type that is not null.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("string"),
        _ if schema["properties"].is_object() => "object",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_fits_its_schema_and_has_canaries_where_texts_are_free() {
        let document =
            Document::read(json!({ "components": { "schemas": { "Day": { "type": "string", "format": "date" } } } }));
        let schema = json!({
            "type": "object", "required": ["day", "title"],
            "properties": {
                "day": { "$ref": "#/components/schemas/Day" }, "title": { "type": ["string", "null"] }, "level": { "enum": ["high", "low"] },
                "amount": { "type": "string", "pattern": "^[0-9]+$", "example": "12" }, "tags": { "type": "array", "items": { "type": "string" } },
                "note": { "oneOf": [{ "type": "null" }, { "type": "string" }] }, "id": { "readOnly": true },
            },
        });
        let mut words = Words::new('b', "1");
        let value = words.value(&document, &schema, "", &Fill::All);
        assert_eq!(
            (&value["day"], &value["level"], &value["amount"]),
            (&json!("2026-01-15"), &json!("high"), &json!("12"))
        );
        assert!(value.get("id").is_none());
        assert_eq!(words.canaries_in(&value.to_string()).len(), 3, "{value}");
        let required = words.value(&document, &schema, "", &Fill::Required);
        assert_eq!(required.as_object().unwrap().len(), 2);
        assert!(words.value(&document, &schema, "", &Fill::Without("note".to_owned())).get("note").is_none());
    }

    #[test]
    fn a_canary_is_found_whole() {
        let words = Words { canary: "zqj".to_owned(), ..Words::new('b', "1") };
        assert_eq!(words.canaries_in("x zqj12, zqj3zqj4"), ["zqj12", "zqj3", "zqj4"]);
    }
}
