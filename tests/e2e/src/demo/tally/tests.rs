use std::sync::Arc;
use std::time::Duration;

use super::{Fate, Part, Step, doubts, parts, way_back};
use crate::demo::lines::{Lines, traceparent};
use crate::demo::traffic::{READ, WRITE};
use crate::load::{Outcome, Report};

fn outcome(kind: usize, good: bool) -> Outcome {
    let result = if good { Ok(200) } else { Err(Arc::from("cut off")) };
    let (due_us, sent_us, done_us) = (0, 0, 1);
    Outcome {
        kind,
        subject: 0,
        due_us,
        sent_us,
        done_us,
        result,
        served_by: None,
        good,
        resent: false,
    }
}

fn part(fate: Fate, count: usize) -> Part {
    Part { fate, report: Report { outcomes: vec![outcome(READ, true); count] } }
}

fn row(requests: u64, [failed, legacy, new, rescued]: [u64; 4]) -> Step {
    Step { phase: "live".to_owned(), requests, failed, legacy, new, rescued, ..Step::default() }
}

/// Two rows, their total, and the parts of twelve requests: nothing to doubt.
fn sound() -> (Vec<Step>, Step, Vec<Part>) {
    let steps = vec![row(4, [0, 3, 1, 0]), row(6, [1, 0, 2, 3])];
    let counts = [(Fate::Monolith, 3), (Fate::Registry, 3), (Fate::Rescued, 3), (Fate::Failed, 1)];
    let parts = counts.into_iter().chain([(Fate::Written, 2)]);
    (steps, row(10, [1, 3, 3, 3]), parts.map(|(fate, count)| part(fate, count)).collect())
}

#[test]
fn sums_that_hold_leave_no_doubt() {
    let (steps, total, parts) = sound();
    assert_eq!(doubts(&steps, &total, &parts, 12), Vec::<String>::new());
}

#[test]
fn every_wrong_sum_is_told() {
    let told = |steps: &[Step], total: &Step, parts: &[Part], requests| {
        assert_ne!(doubts(steps, total, parts, requests), Vec::<String>::new());
    };
    let (steps, total, parts) = sound();
    told(&steps, &total, &parts, 13);
    told(&steps, &total, &parts[1..], 12);
    told(&steps[1..], &total, &parts, 12);
    told(&steps, &row(10, [1, 3, 4, 2]), &parts, 12);
    // Comparisons that no row has.
    told(&steps, &Step { compared: 2, ..row(10, [1, 3, 3, 3]) }, &parts, 12);
    told(&steps, &Step { wrong: 1, ..row(10, [1, 3, 3, 3]) }, &parts, 12);
    // A read that nobody is said to have answered, in a row and in the total alike.
    told(&[row(5, [0, 3, 1, 0]), row(6, [1, 0, 2, 3])], &row(11, [1, 3, 3, 3]), &parts, 12);
    let (_, _, mut unaccounted) = sound();
    unaccounted.push(part(Fate::Unaccounted, 1));
    told(&steps, &total, &unaccounted, 13);
}

/// A log that says who answered requests 0, 1, 2 …
fn told(answered: &[(&str, &str)]) -> (Lines, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cutover.err");
    let line = |(number, (upstream, outcome)): (usize, &(&str, &str))| {
        let parent = traceparent(u32::try_from(number).unwrap());
        let id = parent.split('-').nth(1).unwrap();
        format!("{{\"upstream\":\"{upstream}\",\"outcome\":\"{outcome}\",\"trace_id\":\"{id}\"}}\n")
    };
    std::fs::write(&path, answered.iter().enumerate().map(line).collect::<String>()).unwrap();
    let mut lines = Lines::of(path);
    lines.catch_up().unwrap();
    (lines, dir)
}

#[test]
fn the_way_back_is_from_the_first_failure_to_the_last_read_on_new() {
    let rescued = ("monolith", "fallback");
    let answered =
        [rescued, ("registry", "ok"), rescued, rescued, ("registry", "ok"), ("monolith", "ok")];
    let (lines, _dir) = told(&answered);
    let at = |subject: u32| {
        let (sent_us, done_us) = (u64::from(subject) * 1_000, u64::from(subject) * 1_000 + 300);
        Outcome { subject, sent_us, done_us, ..outcome(READ, true) }
    };
    let seen = |count| Report { outcomes: (0..count).map(at).collect() };
    let back = |count, broke_ms| way_back(&seen(count), &lines, Duration::from_millis(broke_ms));
    // Request 0 was rescued before registry broke, request 5 was sent to legacy.
    assert_eq!(back(6, 1), Some(Duration::from_micros(2_300)));
    assert_eq!(back(4, 1), Some(Duration::from_micros(1_300)));
    assert_eq!(back(6, 4), None, "nothing failed from then on");
}

#[test]
fn each_request_has_one_fate() {
    let outcomes = vec![outcome(READ, true), outcome(WRITE, true), outcome(WRITE, false)];
    let nothing_told = Lines::of("/nowhere".into());
    let parts = parts(&Report { outcomes }, &nothing_told);
    let counts = [Fate::Unaccounted, Fate::Failed].map(|fate| super::count(&parts, fate));
    assert_eq!(counts, [2, 1]);
    assert_eq!(parts.iter().map(|part| part.report.requests()).sum::<u64>(), 3);
}
