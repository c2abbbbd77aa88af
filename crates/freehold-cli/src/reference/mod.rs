//! The reference in the documents, made from what the program knows of itself.

mod command_line;
mod documents;

use crate::json;

/// The files of the reference: their names, and what is in them.
pub(crate) fn files(command: &clap::Command) -> anyhow::Result<[(&'static str, String); 3]> {
    let schema = json::schema();
    let schema_text = serde_json::to_string_pretty(&schema)? + "\n";
    Ok([
        ("cli.md", command_line::page(command)),
        ("json.md", documents::page(schema.as_value())),
        ("json.schema.json", schema_text),
    ])
}

/// What stands in a cell of a table, on one line.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
