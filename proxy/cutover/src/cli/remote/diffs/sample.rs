//! One sample: the request and its answers, place by place.

use comfy_table::Table;
use cutover_control::api::{ClusterName, SampleRow};
use cutover_domain::compare::{Path, VOLATILE, VolatilePart};
use serde_json::Value;

use super::dash;
use crate::cli::{
    exit::Failure,
    io::Io,
    output::{print_table, table, utc},
};

/// Marks of places that differ.
const FOUND: &str = "≠";
const ALLOWED: &str = "≈";

/// A place of the answers.
struct Place {
    /// With the positions of lists: `body.devices[0].name`.
    text: String,
    /// What it is counted by: `body.devices[].name`.
    path: Path,
    /// What legacy, new and legacy again have there.
    values: [Option<String>; 3],
}

/// Places that differ, or with `all` every one.
pub(super) fn print(sample: &SampleRow, all: bool, io: &mut Io<'_>) -> Result<(), Failure> {
    for (name, text) in head(sample) {
        writeln!(io.out, "{name:8}  {text}")?;
    }
    let places = places(&sample.document);
    writeln!(io.out)?;
    let again = sample.document["reference"].is_object();
    print_table(&rows(&places, &sample.clusters, all, again), io)?;
    if places.iter().any(|place| place.differs() && !place.is_in(&sample.clusters)) {
        io.tell(&format!(
            "{ALLOWED} is not why this sample is kept: noise, allowed by a rule, not compared, or \
             kept in other samples"
        ));
    }
    let left_out = places.iter().filter(|place| !all && !place.differs()).count();
    if left_out > 0 {
        io.tell(&format!(
            "{left_out} more places are equal, or not compared: `-o wide` shows them"
        ));
    }
    Ok(())
}

/// `again`: there is a second answer of legacy's.
fn rows(places: &[Place], found: &[ClusterName], all: bool, again: bool) -> Table {
    let (differing, same): (Vec<&Place>, Vec<&Place>) =
        places.iter().partition(|place| place.differs());
    let mut table = table(&["", "PLACE", "LEGACY", "NEW", "LEGACY AGAIN"]);
    for place in differing {
        let mark = if place.is_in(found) { FOUND } else { ALLOWED };
        table.add_row(place.cells(mark, again));
    }
    for place in same.into_iter().filter(|_| all) {
        table.add_row(place.cells("", again));
    }
    table
}

fn head(sample: &SampleRow) -> Vec<(&'static str, String)> {
    let name = &sample.name;
    let request = match (&sample.request, &sample.not_replayable) {
        (Some(request), _) => format!("{} {}", request.method, request.target),
        (None, Some(why)) => format!("it cannot be sent again: {}", why.why),
        (None, None) => dash(),
    };
    let older = match name.older {
        true => ", before parity last began anew: by other rules, or of another build",
        false => "",
    };
    let mut head = vec![
        ("sample", format!("{} of {}{}", name.id, utc(name.at_ms), older)),
        ("request", request),
        ("shape", name.shape.clone()),
        ("traces", format!("{} (live), {} (copy)", name.trace_id, name.copy_trace_id)),
    ];
    if let Some(fault) = sample.document["fault"].as_str() {
        head.push(("new", format!("gave no answer: {fault}")));
    }
    head
}

/// Every place of the three answers, in the order of legacy's, those that it lacks last.
fn places(document: &Value) -> Vec<Place> {
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
    fn differs(&self) -> bool {
        let [legacy, new, again] = &self.values;
        let place = &self.text;
        let field = place.strip_prefix("header.").or_else(|| place.strip_prefix("trailer."));
        let is_left_out = field.is_some_and(|field| {
            VOLATILE.iter().any(|known| known.name == field && known.part == VolatilePart::Field)
        });
        !is_left_out && (legacy != new || legacy != again)
    }

    /// Is one of those, or below one.
    fn is_in(&self, clusters: &[ClusterName]) -> bool {
        clusters.iter().any(|cluster| {
            let path = Path::from_canonical(&cluster.path);
            self.path == path || self.path.is_inside(&path)
        })
    }

    fn cells(&self, mark: &str, again: bool) -> Vec<String> {
        let [legacy, new, second] = &self.values;
        let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
        let second = match second {
            _ if !again => dash(),
            same if same == legacy => "as legacy".to_owned(),
            other => cell(other),
        };
        vec![mark.to_owned(), self.text.clone(), cell(legacy), cell(new), second]
    }
}

#[cfg(test)]
mod tests;
