//! Journeys as requests make them.

use std::time::{Duration, Instant, SystemTime};

use cutover_domain::{JourneySpec, Percent, Phase, Side, Target, WriteClass};
use cutover_gateway::{JourneyCounts, OverrideKey, metrics::Skipped};

use crate::rig::{Rig, as_asked, route};

const SECRET: &[u8] = b"a secret of at least 32 bytes...";

/// `wide` has all the time of a test; what `narrow` promises no test can keep by chance.
fn rig() -> Rig {
    let routes = [
        route("write", "PATCH", "/d/{id}", WriteClass::Idempotent),
        route("read", "GET", "/d/{id}", WriteClass::Safe),
        route("other", "PATCH", "/other/{id}", WriteClass::Idempotent),
    ];
    Rig::custom(&routes, [as_asked(), as_asked()], |settings, declaration| {
        settings.override_key = Some(OverrideKey::new(SECRET).unwrap());
        declaration.groups[0].shared_store = true;
        declaration.journeys = vec![journey("wide", 60_000, 120_000), journey("narrow", 1, 3_000)];
    })
}

fn journey(name: &str, within_ms: u64, lost_ms: u64) -> JourneySpec {
    JourneySpec {
        name: name.into(),
        starts: vec!["write".into()],
        ends: vec!["read".into()],
        correlate: vec!["path:id".parse().unwrap(), "answer:etag".parse().unwrap()],
        within: Duration::from_millis(within_ms),
        lost_after: Duration::from_millis(lost_ms),
        target_percent: 99.0,
    }
}

fn ask(rig: &Rig, line: &str, answer: &str, field: &str) {
    let head = format!("{line} HTTP/1.1\r\nhost: a\r\nx-answer: {answer}\r\n{field}\r\n");
    rig.client().ask(&head);
}

fn counts(rig: &Rig, journey: &str) -> JourneyCounts {
    rig.handle.journeys().into_iter().find(|counts| counts.journey == journey).unwrap()
}

/// Waits until those of a side have come to so many good, late, lost and unseen ones.
fn until_results(rig: &Rig, journey: &str, side: Side, results: [u64; 4]) {
    rig.until(|| counts(rig, journey).sides[side as usize].results == results);
}

/// Waits until so many starts of either side are open.
fn until_open(rig: &Rig, journey: &str, open: [u64; 2]) {
    rig.until(|| counts(rig, journey).sides.each_ref().map(|side| side.open) == open);
}

#[test]
fn what_is_shown_in_time_is_good_for_the_side_that_accepted_it() {
    let rig = rig();
    rig.put("write", Target::phase(Phase::Live));
    ask(&rig, "PATCH /d/7", "200 OK|etag: \"1\"", "");
    until_open(&rig, "wide", [0, 1]);
    // Another device, an older state, and no state at all say nothing about it.
    ask(&rig, "GET /d/8", "200 OK|etag: \"1\"", "");
    ask(&rig, "GET /d/7", "200 OK|etag: \"0\"", "");
    ask(&rig, "GET /d/7", "200 OK", "");
    ask(&rig, "GET /d/7", "304 Not Modified|etag: W/\"1\"", "");
    until_results(&rig, "wide", Side::New, [1, 0, 0, 0]);
    assert_eq!(counts(&rig, "wide").sides[0].results, [0; 4]);
    assert_eq!(counts(&rig, "wide").skipped[Skipped::NoKey as usize], 1);
    assert_eq!(counts(&rig, "wide").sides[1].took.iter().sum::<u64>(), 1);
    let metrics = rig.metrics();
    for line in [
        "cutover_journey_total{journey=\"wide\",side=\"new\",result=\"good\"} 1",
        "cutover_journey_total{journey=\"wide\",side=\"legacy\",result=\"lost\"} 0",
        "cutover_journey_duration_seconds_count{journey=\"wide\",side=\"new\"} 1",
        "cutover_journey_open{journey=\"wide\",side=\"new\"} 0",
        "cutover_journey_skipped_total{journey=\"wide\",reason=\"no_key\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn late_lost_and_unseen_ones_are_told_apart() {
    let rig = rig();
    for device in ["late", "lost", "failed", "forbidden", "unseen"] {
        ask(&rig, &format!("PATCH /d/{device}"), "200 OK|etag: \"1\"", "");
    }
    until_open(&rig, "narrow", [5, 0]);
    let open = Instant::now();
    ask(&rig, "GET /d/late", "200 OK|etag: \"0\"", "");
    ask(&rig, "GET /d/late", "200 OK|etag: \"1\"", "");
    ask(&rig, "GET /d/lost", "200 OK|etag: \"0\"", "");
    ask(&rig, "GET /d/failed", "500 No", "");
    ask(&rig, "GET /d/forbidden", "403 No", "");
    assert!(open.elapsed() < Duration::from_millis(2_500), "this machine is too slow to tell");
    until_open(&rig, "narrow", [0, 0]);
    assert_eq!(counts(&rig, "narrow").sides[0].results, [0, 1, 2, 2]);
}

#[test]
fn what_was_not_accepted_begins_nothing() {
    let rig = rig();
    ask(&rig, "PATCH /d/1", "412 Precondition Failed|etag: \"1\"", "");
    ask(&rig, "PATCH /d/1", "200 OK", "");
    ask(&rig, "PATCH /other/1", "200 OK|etag: \"1\"", "");
    assert_eq!(counts(&rig, "wide").skipped, [1, 0, 0]);
    // What comes last is told last.
    ask(&rig, "PATCH /d/2", "200 OK|etag: \"1\"", "");
    until_open(&rig, "wide", [1, 0]);
    assert_eq!(counts(&rig, "wide").sides[0].results, [0; 4]);
}

#[test]
fn a_change_that_cannot_be_followed_overwrites_all_the_same() {
    let rig = rig();
    for (device, answer) in ["500 No", "302 Found", "200 OK", "409 Conflict"].iter().enumerate() {
        ask(&rig, &format!("PATCH /d/{device}"), "200 OK|etag: \"1\"", "");
        ask(&rig, &format!("PATCH /d/{device}"), answer, "");
    }
    // What was refused changed nothing.
    until_results(&rig, "wide", Side::Legacy, [0, 0, 0, 3]);
    until_open(&rig, "wide", [1, 0]);
}

#[test]
fn a_tester_changes_things_and_counts_nowhere() {
    let rig = rig();
    let token = OverrideKey::new(SECRET).unwrap();
    let token = token.sign(Side::New, Duration::from_secs(60), SystemTime::now()).unwrap();
    let tester = format!("cutover-override: {token}\r\n");
    rig.put("write", Target::canary(Percent::ZERO));
    ask(&rig, "PATCH /d/1", "200 OK|etag: \"1\"", "");
    ask(&rig, "PATCH /d/1", "200 OK|etag: \"2\"", &tester);
    until_results(&rig, "wide", Side::Legacy, [0, 0, 0, 1]);
    ask(&rig, "PATCH /d/1", "200 OK|etag: \"3\"", "");
    rig.put("read", Target::canary(Percent::ZERO));
    ask(&rig, "GET /d/1", "200 OK|etag: \"3\"", &tester);
    ask(&rig, "PATCH /d/2", "200 OK|etag: \"1\"", "");
    until_open(&rig, "wide", [2, 0]);
    assert_eq!(counts(&rig, "wide").sides[0].results, [0, 0, 0, 1]);
    assert_eq!(counts(&rig, "wide").sides[1].results, [0; 4]);
}

#[test]
fn a_client_that_leaves_may_have_changed_something() {
    let rig = rig();
    ask(&rig, "PATCH /d/1", "200 OK|etag: \"1\"", "");
    until_open(&rig, "wide", [1, 0]);
    let mut client = rig.client();
    client.send("PATCH /d/1 HTTP/1.1\r\nhost: a\r\n\r\n");
    rig.until(|| rig.legacy.requests() == 2);
    drop(client);
    until_results(&rig, "wide", Side::Legacy, [0, 0, 0, 1]);
}

#[test]
fn a_journey_goes_on_with_another_table_and_leaves_nothing_when_it_goes() {
    let mut rig = rig();
    ask(&rig, "PATCH /d/1", "200 OK|etag: \"1\"", "");
    until_open(&rig, "wide", [1, 0]);
    rig.put("write", Target::phase(Phase::Live));
    ask(&rig, "GET /d/1", "200 OK|etag: \"1\"", "");
    until_results(&rig, "wide", Side::Legacy, [1, 0, 0, 0]);
    rig.declaration.journeys.remove(0);
    rig.put("write", Target::phase(Phase::Live));
    ask(&rig, "PATCH /d/1", "200 OK|etag: \"2\"", "");
    until_results(&rig, "narrow", Side::New, [0, 0, 0, 1]);
    assert!(!rig.metrics().contains("journey=\"wide\""), "{}", rig.metrics());
}
