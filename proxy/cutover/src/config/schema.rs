//! The JSON Schemas of the files, for editors and linters.

use schemars::JsonSchema;

use super::document::{ProcessFile, TeamFile};

/// Schema of `cutover.toml`, as indented JSON with a newline at the end.
pub fn process_schema() -> String {
    text::<ProcessFile>("Cutover process file")
}

/// Schema of a team's file, as indented JSON with a newline at the end.
pub fn team_schema() -> String {
    text::<TeamFile>("Cutover team file")
}

fn text<T: JsonSchema>(title: &str) -> String {
    let mut schema = schemars::schema_for!(T);
    schema.insert("title".to_owned(), title.into());
    let json = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    format!("{json}\n")
}
