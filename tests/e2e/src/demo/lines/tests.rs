use std::fs::File;
use std::io::Write;

use super::{Answered, Lines, traceparent};

fn line(number: u32, phase: &str, upstream: &str, outcome: &str) -> String {
    let id = traceparent(number).split('-').nth(1).unwrap().to_owned();
    format!(
        r#"{{"message":"GET \"x\"","cutover.phase":"{phase}","upstream":"{upstream}","outcome":"{outcome}","trace_id":"{id}"}}"#
    )
}

#[test]
fn lines_say_who_answered_and_half_a_line_waits_for_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cutover.err");
    let mut lines = Lines::of(path.clone());
    lines.catch_up().unwrap();
    let mut log = File::create(&path).unwrap();
    let half = line(3, "canary", "registry", "ok");
    let (begin, end) = half.split_at(30);
    let (first, second) =
        (line(0, "legacy", "monolith", "ok"), line(1, "live", "monolith", "fallback"));
    write!(log, "{first}\nno line\n{{\"message\":\"ready\"}}\n{second}\n{begin}").unwrap();
    lines.catch_up().unwrap();
    let seen = [0, 1, 2, 3].map(|number| lines.answered(number));
    assert_eq!(seen, [Some(Answered::Monolith), Some(Answered::Rescued), None, None]);
    writeln!(log, "{end}").unwrap();
    lines.catch_up().unwrap();
    assert_eq!(lines.answered(3), Some(Answered::Registry));
    let compared = [0, 1, 2, 3].map(|number| lines.is_compared(number));
    assert_eq!(compared, [false, true, false, true]);
}

#[test]
fn traces_of_others_are_not_ours() {
    let other =
        r#"{"upstream":"monolith","outcome":"ok","trace_id":"00000000000000000000000000000001"}"#;
    assert_eq!(super::told(other.as_bytes()), None);
}
