//! A kept mismatch, place by place: the request's answers side by side.

use cutover_domain::compare::{Path, VOLATILE, VolatilePart};
use serde_json::Value;

use crate::api::ClusterName;

/// A place of the answers.
#[derive(Clone, Debug)]
pub struct Place {
    /// With the positions of lists: `body.devices[0].name`.
    pub text: String,
    /// What it is counted by: `body.devices[].name`.
    pub path: Path,
    /// What legacy, new and legacy again have there.
    pub values: [Option<String>; 3],
}

/// Every place of the three answers, in the order of legacy's, those that it lacks last.
pub fn places(document: &Value) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let answers = ["legacy", "candidate", "reference"];
    for (at, answer) in answers.iter().enumerate() {
        for Leaf { text, path, value } in leaves(&document[*answer]) {
            match places.iter_mut().find(|known| known.text == text) {
                Some(known) => known.values[at] = Some(value),
                None => {
                    let mut values = [None, None, None];
                    values[at] = Some(value);
                    places.push(Place { text, path, values });
                }
            }
        }
    }
    // Who gave no answer differs in nothing but that.
    for (at, answer) in answers.iter().enumerate() {
        if document[*answer].is_null() {
            places.iter_mut().for_each(|place| place.values[at] = place.values[0].clone());
        }
    }
    places
}

/// What one answer has at one place.
struct Leaf {
    text: String,
    path: Path,
    value: String,
}

/// The places of one answer: `status`, `header.NAME`, `body.devices[0].name`.
fn leaves(answer: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    let leaf = |root: &str, value: String| Leaf {
        text: root.to_owned(),
        path: Path::from_canonical(root),
        value,
    };
    found.extend(answer["status"].as_u64().map(|status| leaf("status", status.to_string())));
    let mut all_of = |root, value| walk(root, &Path::from_canonical(root), value, &mut found);
    all_of("header", &answer["headers"]);
    all_of("trailer", &answer["trailers"]);
    match &answer["body"] {
        Value::Object(body) => body.values().for_each(|body| all_of("body", body)),
        Value::String(empty) => found.push(leaf("body", empty.clone())),
        _ => {}
    }
    found
}

fn walk(text: &str, path: &Path, value: &Value, found: &mut Vec<Leaf>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                // In braces stands the hash of a key that is data.
                let path = if key.starts_with('{') { path.any_key() } else { path.key(key) };
                walk(&format!("{text}.{key}"), &path, value, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(&format!("{text}[{at}]"), &path.element(), item, found);
            }
        }
        Value::String(value) => {
            found.push(Leaf { text: text.to_owned(), path: path.clone(), value: value.clone() });
        }
        _ => {}
    }
}

// === impl Place ===

impl Place {
    /// Differs in something that is compared.
    pub fn differs(&self) -> bool {
        let [legacy, new, again] = &self.values;
        let place = &self.text;
        let field = place.strip_prefix("header.").or_else(|| place.strip_prefix("trailer."));
        let is_left_out = field.is_some_and(|field| {
            VOLATILE.iter().any(|known| known.name == field && known.part == VolatilePart::Field)
        });
        !is_left_out && (legacy != new || legacy != again)
    }

    /// Is one of those, or below one.
    pub fn is_in(&self, clusters: &[ClusterName]) -> bool {
        clusters.iter().any(|cluster| {
            let path = Path::from_canonical(&cluster.path);
            self.path == path || self.path.is_inside(&path)
        })
    }
}
