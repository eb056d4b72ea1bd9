//! One sample: the request and its answers, place by place.

use comfy_table::Table;
use cutover_control::api::{ClusterName, SampleRow};
use cutover_domain::compare::{VOLATILE, VolatilePart};
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

/// A place, and what legacy, new and legacy again have there.
type Place = (String, [Option<String>; 3]);

/// Places that differ, or with `all` every one.
pub(super) fn print(sample: &SampleRow, all: bool, io: &mut Io<'_>) -> Result<(), Failure> {
    for (name, text) in head(sample) {
        writeln!(io.out, "{name:8}  {text}")?;
    }
    let places = places(&sample.document);
    writeln!(io.out)?;
    print_table(&rows(&places, &sample.clusters, all, is_again(&sample.document)), io)?;
    if places.iter().any(|place| differs(place) && !is_found(&sample.clusters, &place.0)) {
        io.tell(&format!(
            "{ALLOWED} is not why this sample is kept: noise, allowed by a rule, not compared, or \
             kept in other samples"
        ));
    }
    let left_out = places.iter().filter(|place| !all && !differs(place)).count();
    if left_out > 0 {
        io.tell(&format!(
            "{left_out} more places are equal, or not compared: `-o wide` shows them"
        ));
    }
    Ok(())
}

/// There is a second answer of legacy's.
fn is_again(document: &Value) -> bool {
    document["reference"].is_object()
}

/// `again`: there is a second answer of legacy's.
fn rows(places: &[Place], found: &[ClusterName], all: bool, again: bool) -> Table {
    let (differing, same): (Vec<&Place>, Vec<&Place>) =
        places.iter().partition(|place| differs(place));
    let mut table = table(&["", "PLACE", "LEGACY", "NEW", "LEGACY AGAIN"]);
    for (place, values) in differing {
        let mark = if is_found(found, place) { FOUND } else { ALLOWED };
        table.add_row(cells(mark, place, values, again));
    }
    for (place, values) in same.into_iter().filter(|_| all) {
        table.add_row(cells("", place, values, again));
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

fn cells(mark: &str, place: &str, values: &[Option<String>; 3], again: bool) -> Vec<String> {
    let [legacy, new, second] = values;
    let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
    let second = match second {
        _ if !again => dash(),
        same if same == legacy => "as legacy".to_owned(),
        other => cell(other),
    };
    vec![mark.to_owned(), place.to_owned(), cell(legacy), cell(new), second]
}

/// Differs in something that is compared.
fn differs((place, [legacy, new, again]): &Place) -> bool {
    let field = place.strip_prefix("header.").or_else(|| place.strip_prefix("trailer."));
    let is_left_out = field.is_some_and(|field| {
        VOLATILE.iter().any(|known| known.name == field && known.part == VolatilePart::Field)
    });
    !is_left_out && (legacy != new || legacy != again)
}

/// It is at, or below, a place for which the sample is kept.
fn is_found(found: &[ClusterName], place: &str) -> bool {
    let mut path = String::new();
    let mut is_index = false;
    for letter in place.chars() {
        is_index &= letter != ']';
        if !is_index {
            path.push(letter);
        }
        is_index |= letter == '[';
    }
    found.iter().any(|cluster| {
        let rest = path.strip_prefix(cluster.path.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

/// Every place of the three answers, in the order of legacy's, those that it lacks last.
fn places(document: &Value) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let answers = ["legacy", "candidate", "reference"];
    for (at, answer) in answers.iter().enumerate() {
        for (place, value) in leaves(&document[*answer]) {
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, values)) => values[at] = Some(value),
                None => {
                    let mut values = [None, None, None];
                    values[at] = Some(value);
                    places.push((place, values));
                }
            }
        }
    }
    // Who gave no answer differs in nothing but that.
    for (at, answer) in answers.iter().enumerate() {
        if document[*answer].is_null() {
            places.iter_mut().for_each(|(_, values)| values[at] = values[0].clone());
        }
    }
    places
}

/// The places of one answer: `status`, `header.NAME`, `body.devices[0].name`.
fn leaves(answer: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(status) = answer["status"].as_u64() {
        found.push(("status".to_owned(), status.to_string()));
    }
    walk("header", &answer["headers"], &mut found);
    walk("trailer", &answer["trailers"], &mut found);
    match &answer["body"] {
        Value::Object(body) => body.values().for_each(|body| walk("body", body, &mut found)),
        Value::String(empty) => found.push(("body".to_owned(), empty.clone())),
        _ => {}
    }
    found
}

fn walk(place: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                walk(&format!("{place}.{key}"), value, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(&format!("{place}[{at}]"), item, found);
            }
        }
        Value::String(text) => found.push((place.to_owned(), text.clone())),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
