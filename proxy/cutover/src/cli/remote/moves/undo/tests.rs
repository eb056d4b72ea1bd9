use cutover_control::api::TargetRow;

use super::*;

fn undo(from: &str, to: &str, latch: Option<LatchName>) -> Option<String> {
    let row = |text: &str| -> TargetRow {
        match text.strip_prefix("canary ") {
            Some(percent) => Target::canary(percent.parse().unwrap()).into(),
            None => Target::phase(text.parse().unwrap()).into(),
        }
    };
    command(&MovedRow { route: "r".into(), from: row(from), to: row(to), latch })
}

#[test]
fn every_move_is_taken_back_by_its_opposite() {
    let cases = [
        ("legacy", "shadow", Some("cutover rollback r --to legacy --reason ...")),
        ("canary 5", "canary 25", Some("cutover rollback r --to canary --percent 5 --reason ...")),
        ("canary 25", "canary 5", Some("cutover promote r --to canary --percent 25 --reason ...")),
        ("canary 12.5", "live", Some("cutover rollback r --to canary --percent 12.5 --reason ...")),
        ("live", "canary 50", Some("cutover promote r --to live --reason ...")),
        ("canary 50", "shadow", Some("cutover promote r --to canary --percent 50 --reason ...")),
        ("live", "shadow", Some("cutover promote r --to live --force --reason ...")),
        ("live", "legacy", Some("cutover promote r --to live --force --reason ...")),
        ("live", "retired", None),
    ];
    for (from, to, expected) in cases {
        assert_eq!(undo(from, to, None).as_deref(), expected, "{from} to {to}");
    }
}

#[test]
fn latches_too() {
    let held = undo("live", "live", Some(LatchName::Held));
    assert_eq!(held.as_deref(), Some("cutover release r --reason ..."));
    let released = undo("live", "live", Some(LatchName::Released));
    assert_eq!(released.as_deref(), Some("cutover hold r --reason ..."));
    assert_eq!(undo("live", "live", None), None);
}
