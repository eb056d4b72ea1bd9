//! Data on standard output: tables for people, JSON with a version for programs.

use comfy_table::{Table, presets::NOTHING};
use serde::Serialize;
use serde_json::Value;

pub(super) use cutover_control::words::{age, utc};

use super::{args::Output, exit::Failure, io::Io};

/// Version of the JSON contract, which is that of the admin API.
pub(super) const API_VERSION: &str = cutover_control::api::API_VERSION;

/// A table in the manner of `kubectl`: columns by white space, no lines.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header.iter().copied());
    table
}

/// Prints a table without trailing spaces.
pub(super) fn print_table(table: &Table, io: &mut Io<'_>) -> Result<(), Failure> {
    let text = table_text(table);
    Ok(writeln!(io.out, "{text}")?)
}

/// A table as text, without the padding at both ends of its lines.
pub(super) fn table_text(table: &Table) -> String {
    let lines = table.lines().map(|line| {
        let line = line.trim_end();
        line.strip_prefix(' ').unwrap_or(line).to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Prints one document: indented with `json`, on one line with `jsonl`. `api_version` and `kind`
/// come first.
pub(super) fn print_json(
    kind: &str,
    document: &impl Serialize,
    output: Output,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    let document = versioned(kind, document);
    let text = match output {
        Output::Jsonl => document.to_string(),
        _ => serde_json::to_string_pretty(&document).unwrap_or_default(),
    };
    Ok(writeln!(io.out, "{text}")?)
}

/// Prints a list: with `json` as `items` of one document, with `jsonl` one object a line.
pub(super) fn print_list(
    kind: &str,
    items: &[impl Serialize],
    output: Output,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    if output == Output::Jsonl {
        for item in items {
            writeln!(io.out, "{}", versioned(kind, item))?;
        }
        return Ok(());
    }
    print_json(&format!("{kind}List"), &serde_json::json!({ "items": items }), output, io)
}

/// What stands in a cell where there is nothing to say.
pub(super) fn dash() -> String {
    "-".to_owned()
}

/// A text, or a dash where there is none.
pub(super) fn or_dash(text: &Option<String>) -> String {
    text.clone().unwrap_or_else(dash)
}

fn versioned(kind: &str, document: &impl Serialize) -> Value {
    let mut map = serde_json::Map::new();
    map.insert("api_version".to_owned(), API_VERSION.into());
    map.insert("kind".to_owned(), kind.into());
    match serde_json::to_value(document) {
        Ok(Value::Object(fields)) => map.extend(fields),
        Ok(other) => {
            map.insert("value".to_owned(), other);
        }
        Err(error) => {
            map.insert("error".to_owned(), error.to_string().into());
        }
    }
    Value::Object(map)
}
