use std::fmt::Write;

use serde_json::Value;

use super::cell;
use crate::json::VERSION;

/// The page of all documents, from their schema.
pub(super) fn page(schema: &Value) -> String {
    let mut page = format!(
        "\
# JSON

With `--json` a command prints one object to standard output: `version`, and one member that says what the object is. Everything else goes
to standard error, errors too; the exit code says how the command ended. What is not listed here prints nothing.

The version is {VERSION}. It rises when a member or a field changes its meaning or goes. Members and fields may come without that, so
ignore what you do not know. The same as a JSON Schema (2020-12): [json.schema.json](json.schema.json). This page is made from the program
itself: `./dev reference` writes it anew.

```json
{{ \"tenant\": {{ \"slug\": \"acme\", \"status\": \"active\", \"...\": \"...\" }}, \"version\": {VERSION} }}
```

## Members

| member | value | printed by |
|---|---|---|
"
    );
    for member in array(&schema["oneOf"]) {
        for (name, value) in object(&member["properties"]).filter(|(name, _)| *name != "version") {
            let told = member["description"].as_str().unwrap_or_default();
            let _ = writeln!(page, "| `{name}` | {} | {} |", kind(value), cell(told));
        }
    }
    page.push_str("\n## Objects\n");
    for (name, definition) in object(&schema["$defs"]) {
        let _ = write!(page, "\n### {name}\n\n{}\n\n", description(definition));
        page.push_str(&fields(definition));
    }
    page
}

/// The fields of an object, or the words of an enumeration.
fn fields(definition: &Value) -> String {
    let mut table = String::new();
    if definition["properties"].is_object() {
        table.push_str("| field | value | |\n|---|---|---|\n");
        for (name, value) in object(&definition["properties"]) {
            let _ = writeln!(table, "| `{name}` | {} | {} |", kind(value), cell(description(value)));
        }
    } else {
        table.push_str("| word | |\n|---|---|\n");
        for word in array(&definition["oneOf"]) {
            let _ =
                writeln!(table, "| `{}` | {} |", word["const"].as_str().unwrap_or_default(), cell(description(word)));
        }
    }
    table
}

fn description(value: &Value) -> &str {
    value["description"].as_str().unwrap_or_default()
}

/// What kind of value it is, in words.
fn kind(value: &Value) -> String {
    if let Some(name) = value["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(alternatives) = value["anyOf"].as_array() {
        return alternatives.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let single = |word: &str| match word {
        "array" => format!("list: {}", kind(&value["items"])),
        "object" => "object".to_owned(),
        "string" => value["format"].as_str().unwrap_or("text").to_owned(),
        word => word.to_owned(),
    };
    match &value["type"] {
        Value::String(word) => single(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).map(single).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
