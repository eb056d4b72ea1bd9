//! One sample: the request and its answers, place by place.

use comfy_table::Table;
use cutover_control::{
    api::{ClusterName, SampleRow},
    places::{Place, places},
};

use crate::cli::{
    exit::Failure,
    io::Io,
    output::{dash, print_table, table, utc},
};

/// Marks of places that differ.
const FOUND: &str = "≠";
const ALLOWED: &str = "≈";

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
        table.add_row(cells(place, mark, again));
    }
    for place in same.into_iter().filter(|_| all) {
        table.add_row(cells(place, "", again));
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

fn cells(place: &Place, mark: &str, again: bool) -> Vec<String> {
    let [legacy, new, second] = &place.values;
    let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
    let second = match second {
        _ if !again => dash(),
        same if same == legacy => "as legacy".to_owned(),
        other => cell(other),
    };
    vec![mark.to_owned(), place.text.clone(), cell(legacy), cell(new), second]
}

#[cfg(test)]
mod tests;
