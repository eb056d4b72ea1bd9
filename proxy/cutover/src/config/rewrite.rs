//! Writes the truth back into files: phases and percentages only, so that comments, order and
//! layout stay as their authors left them.

use std::{collections::BTreeMap, ops::Range};

use cutover_domain::{Percent, Phase, Target};

use super::{
    diagnostic::Report,
    node::{self, Node, Value},
};

/// A range of a text and what takes its place.
type Edit = (Range<usize>, String);

/// The texts with every route in `truth` where it is. Routes that are there already are left
/// alone; so are texts that are no TOML.
pub fn rewrite(
    texts: &[(String, String)],
    truth: &BTreeMap<String, Target>,
) -> Vec<(String, String)> {
    texts.iter().map(|(path, text)| (path.clone(), rewrite_one(text, truth))).collect()
}

fn rewrite_one(text: &str, truth: &BTreeMap<String, Target>) -> String {
    let mut report = Report::default();
    let root = node::parse(text, 0, &mut report);
    let routes = root.get("route").map_or(&[][..], Node::items);
    if report.errors() > 0 {
        return text.to_owned();
    }
    let mut edits: Vec<Edit> = Vec::new();
    for route in routes {
        let Some(Value::String(id)) = route.get("id").map(|id| &id.value) else { continue };
        match truth.get(id) {
            Some(target) if declared(route) != Some(*target) => {
                edit(route, *target, text, &mut edits)
            }
            _ => {}
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut rewritten = text.to_owned();
    for (range, replacement) in edits.into_iter().rev() {
        rewritten.replace_range(range, &replacement);
    }
    rewritten
}

/// Where the file wants the route; `None` if it says nothing sensible.
fn declared(route: &Node) -> Option<Target> {
    let phase = match route.get("phase").map(|phase| &phase.value) {
        None => Phase::Legacy,
        Some(Value::String(phase)) => phase.parse().ok()?,
        Some(_) => return None,
    };
    let percent = match route.get("percent").map(|percent| &percent.value) {
        None => Percent::ZERO,
        Some(Value::Integer(number)) => Percent::from_f64(*number as f64).ok()?,
        Some(Value::Float(number)) => Percent::from_f64(*number).ok()?,
        Some(_) => return None,
    };
    Some(Target { phase, percent })
}

fn edit(route: &Node, target: Target, text: &str, edits: &mut Vec<Edit>) {
    let inline = text[route.place.range()].starts_with('{');
    let phase = format!("\"{}\"", target.phase);
    let percent = (target.phase == Phase::Canary).then(|| target.percent.to_string());
    let mut added = String::new();
    let mut add = |key: &str, value: &str| {
        let gap = if inline { ", " } else { "\n" };
        added.push_str(&format!("{gap}{key} = {value}"));
    };
    match route.get("phase") {
        Some(node) => edits.push((node.place.range(), phase)),
        None => add("phase", &phase),
    }
    match (route.get("percent"), percent) {
        (Some(node), Some(percent)) => edits.push((node.place.range(), percent)),
        (Some(node), None) => edits.push((whole(node, inline, text), String::new())),
        (None, Some(percent)) => add("percent", &percent),
        (None, None) => {}
    }
    if !added.is_empty() {
        // Behind the phase if there is one, else behind the id, which every route has.
        let behind = route.get("phase").or_else(|| route.get("id")).unwrap_or(route);
        let end = if inline { behind.place.end } else { line_end(text, behind.place.end) };
        edits.push((end..end, added));
    }
}

/// A key with its value: its line, or in an inline table the part up to a comma.
fn whole(node: &Node, inline: bool, text: &str) -> Range<usize> {
    let start = node.key.as_ref().map_or(node.place.start, |key| key.start);
    let end = node.place.end;
    if !inline {
        let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
        return line..(line_end(text, end) + 1).min(text.len());
    }
    let before = text[..start].trim_end();
    match before.ends_with(',') {
        true => before.len() - 1..end,
        false => {
            let after = &text[end..];
            let comma = after.find(',').map_or(0, |at| at + 1);
            let blank = after[comma..].len() - after[comma..].trim_start().len();
            start..end + comma + blank
        }
    }
}

/// Where the line that holds `at` ends.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end)
}

#[cfg(test)]
mod tests;
