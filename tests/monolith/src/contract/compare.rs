//! The verdict on one answer: what differs from the recording, in words.

use std::collections::BTreeSet;

use super::exchange::{Answer, Head};
use super::player::Options;

/// Headers that belong to a connection rather than to the answer.
const HOP_BY_HOP: [&str; 4] = ["connection", "keep-alive", "proxy-connection", "te"];
/// Letters shown around the first difference of a body.
const CONTEXT: usize = 60;

/// Everything that differs; empty when nothing does.
pub(super) fn differences(expected: &Answer, actual: &Answer, options: &Options) -> Vec<String> {
    let mut found = Vec::new();
    if expected.interim.len() != actual.interim.len() {
        let (expected, actual) = (expected.interim.len(), actual.interim.len());
        found.push(format!("interim answers: expected {expected}, got {actual}"));
    }
    for (expected, actual) in expected.interim.iter().zip(&actual.interim) {
        compare_heads(expected, actual, options, &mut found);
    }
    compare_heads(&expected.head, &actual.head, options, &mut found);
    compare_bodies(&expected.body, &actual.body, &mut found);
    compare_lines("trailer", &expected.trailers, &actual.trailers, options, &mut found);
    found
}

fn compare_heads(expected: &Head, actual: &Head, options: &Options, found: &mut Vec<String>) {
    if expected.status_line != actual.status_line {
        found.push(format!(
            "status line: expected `{}`, got `{}`",
            expected.status_line, actual.status_line
        ));
    }
    compare_lines("header", &expected.lines, &actual.lines, options, found);
}

/// Lines of one name must be the same in case, value, number and order; with `strict_order` all.
fn compare_lines(
    what: &str,
    expected: &[String],
    actual: &[String],
    options: &Options,
    found: &mut Vec<String>,
) {
    let kept = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !is_ignored(&name(line), options)).cloned().collect()
    };
    let (expected, actual) = (kept(expected), kept(actual));
    let names: BTreeSet<String> = expected.iter().chain(&actual).map(|line| name(line)).collect();
    let before = found.len();
    for wanted in names {
        let of = |lines: &[String]| -> Vec<String> {
            lines.iter().filter(|line| name(line) == wanted).cloned().collect()
        };
        let (expected, actual) = (of(&expected), of(&actual));
        if expected != actual {
            found.push(format!("{what} {wanted}: expected {expected:?}, got {actual:?}"));
        }
    }
    if options.strict_order && found.len() == before && expected != actual {
        found.push(format!("{what} order: expected {expected:?}, got {actual:?}"));
    }
}

fn is_ignored(name: &str, options: &Options) -> bool {
    let hop = !options.hop_by_hop && HOP_BY_HOP.contains(&name);
    hop || options.ignored_headers.iter().any(|ignored| ignored.eq_ignore_ascii_case(name))
}

fn name(line: &str) -> String {
    line.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

fn compare_bodies(expected: &str, actual: &str, found: &mut Vec<String>) {
    if expected == actual {
        return;
    }
    let same = expected.chars().zip(actual.chars()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| -> String {
        text.chars().skip(same.saturating_sub(CONTEXT)).take(2 * CONTEXT).collect()
    };
    found.push(format!(
        "body differs from letter {same} on: expected {:?}, got {:?} ({} and {} letters in all)",
        around(expected),
        around(actual),
        expected.chars().count(),
        actual.chars().count()
    ));
}
