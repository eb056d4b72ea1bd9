use super::*;

#[test]
fn moments_over_leap_years() {
    assert_eq!(utc(0), "1970-01-01 00:00:00Z");
    assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00Z");
    assert_eq!(utc(1_795_251_495_999), "2026-11-21 08:58:15Z");
    assert_eq!(utc(4_107_542_399_000), "2100-02-28 23:59:59Z");
}

#[test]
fn ages_in_their_largest_unit() {
    assert_eq!(age(0), "0s");
    assert_eq!(age(119_999), "119s");
    assert_eq!(age(120_000), "2m");
    assert_eq!(age(3 * 3_600_000), "3h");
    assert_eq!(age(50 * 3_600_000), "2d");
}

#[test]
fn lengths_of_time_in_their_largest_unit() {
    let cases = [
        (0, "0ms"),
        (83, "83ms"),
        (5_000, "5s"),
        (42_857, "42.8s"),
        (60_000, "1m"),
        (5 * 60_000, "5m"),
        (3_600_000, "1h"),
        (5_400_000, "1.5h"),
        (30 * 86_400_000, "30d"),
    ];
    for (length_ms, expected) in cases {
        assert_eq!(span(length_ms), expected, "{length_ms} ms");
    }
}

#[test]
fn one_thing_has_no_plural() {
    let said = [0, 1, 2].map(|count| counted(count, "path"));
    assert_eq!(said, ["0 paths", "1 path", "2 paths"]);
}

fn undone(from: &str, to: &str, latch: Option<LatchName>) -> Option<String> {
    let row = |text: &str| -> TargetRow {
        match text.strip_prefix("canary ") {
            Some(percent) => Target::canary(percent.parse().unwrap()).into(),
            None => Target::phase(text.parse().unwrap()).into(),
        }
    };
    undo(&MovedRow { route: "r".into(), from: row(from), to: row(to), latch })
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
        assert_eq!(undone(from, to, None).as_deref(), expected, "{from} to {to}");
    }
}

#[test]
fn latches_too() {
    let held = undone("live", "live", Some(LatchName::Held));
    assert_eq!(held.as_deref(), Some("cutover release r --reason ..."));
    let released = undone("live", "live", Some(LatchName::Released));
    assert_eq!(released.as_deref(), Some("cutover hold r --reason ..."));
    assert_eq!(undone("live", "live", None), None);
}
