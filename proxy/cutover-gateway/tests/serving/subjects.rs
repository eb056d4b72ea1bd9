//! Whom each side serves and fails, as gates are told.

use std::time::{Duration, SystemTime};

use cutover_domain::{
    Percent, Phase, RouteSpec, Side, Target, WriteClass,
    slo::{LatencyObjective, Objective, Objectives},
};
use cutover_gateway::{OverrideKey, metrics::SubjectCounts};

use crate::rig::{Behaviour, Rig, answer, route, silent};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const BROKEN: &str = "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno";
const SECRET: &[u8] = b"a secret of at least 32 bytes...";

fn rig(new: Behaviour) -> Rig {
    Rig::custom(&promised_under(60_000), [answer(HELLO), new], |settings, declaration| {
        settings.override_key = Some(OverrideKey::new(SECRET).unwrap());
        declaration.groups[0].cohort.deny = ["legacy-1".to_owned(), "legacy-2".to_owned()].into();
    })
}

fn ask(rig: &Rig, subject: &str, field: &str) {
    rig.client().ask(&format!("GET /d/{subject} HTTP/1.1\r\nHost: a\r\n{field}\r\n"));
}

/// Legacy's and new's, once `requests` were counted.
fn subjects(rig: &Rig, requests: u64) -> [SubjectCounts; 2] {
    let total = || {
        let sides = rig.counts("r").sides;
        sides.iter().flat_map(|side| side.outcomes).sum::<u64>()
    };
    rig.until(|| total() >= requests);
    assert_eq!(total(), requests);
    rig.counts("r").sides.map(|side| side.subjects)
}

#[test]
fn failures_count_once_a_subject_and_a_row_counts_them_all() {
    let rig = rig(answer(BROKEN));
    rig.put("r", Target::canary(Percent::FULL));
    for subject in ["1", "2", "3", "1", "1", "legacy-1", "legacy-2", "legacy-1"] {
        ask(&rig, subject, "");
    }
    let [legacy, new] = subjects(&rig, 8);
    assert_eq!(legacy, SubjectCounts { active: 2, ..SubjectCounts::default() });
    let failing = SubjectCounts { bad_trials: 3, active: 3, failures_in_row: 5, failing: 3 };
    assert_eq!(new, failing);
}

#[test]
fn everyone_counts_in_live_and_nobody_where_legacy_serves_all() {
    let rig = rig(answer(BROKEN));
    ask(&rig, "1", "");
    rig.put("r", Target::phase(Phase::Shadow));
    ask(&rig, "1", "");
    assert_eq!(subjects(&rig, 2), [SubjectCounts::default(); 2]);
    rig.put("r", Target::phase(Phase::Live));
    ask(&rig, "1", "");
    ask(&rig, "2", "");
    let failing = SubjectCounts { bad_trials: 2, active: 2, failures_in_row: 2, failing: 2 };
    assert_eq!(subjects(&rig, 4)[1], failing);
}

#[test]
fn nobody_is_counted_where_nobody_asks() {
    let unwatched = [route("r", "GET", "/d/{id}", WriteClass::Safe)];
    let rig = Rig::start(&unwatched, [answer(HELLO), answer(BROKEN)]);
    rig.put("r", Target::phase(Phase::Live));
    ask(&rig, "1", "");
    assert_eq!(subjects(&rig, 1), [SubjectCounts::default(); 2]);
}

#[test]
fn a_tester_counts_nowhere() {
    let rig = rig(answer(BROKEN));
    rig.put("r", Target::canary(Percent::FULL));
    let key = OverrideKey::new(SECRET).unwrap();
    let token = key.sign(Side::New, Duration::from_secs(60), SystemTime::now()).unwrap();
    ask(&rig, "legacy-1", &format!("Cutover-Override: {token}\r\n"));
    ask(&rig, "1", "");
    let [legacy, new] = subjects(&rig, 1);
    assert_eq!((legacy.active, new.active, new.bad_trials), (0, 1, 1));
}

#[test]
fn a_step_begins_with_nobody() {
    let rig = rig(answer(BROKEN));
    rig.put("r", Target::canary(Percent::FULL));
    ask(&rig, "1", "");
    ask(&rig, "legacy-1", "");
    subjects(&rig, 2);
    rig.put("r", Target::phase(Phase::Live));
    let [legacy, new] = subjects(&rig, 2);
    assert_eq!(legacy, SubjectCounts::default());
    assert_eq!(new, SubjectCounts { bad_trials: 1, ..SubjectCounts::default() });
}

#[test]
fn good_answers_alone_tell_how_long_they_take() {
    let rig = Rig::start(&promised_under(0), [answer(HELLO), answer(BROKEN)]);
    ask(&rig, "1", "");
    subjects(&rig, 1);
    let [legacy, _] = rig.counts("r").sides;
    assert_eq!((legacy.slow, legacy.answered.len()), (1, 0), "no cohort is compared in `legacy`");
    rig.put("r", Target::phase(Phase::Live));
    ask(&rig, "1", "");
    subjects(&rig, 2);
    let [_, new] = rig.counts("r").sides;
    assert_eq!((new.slow, new.answered.iter().sum()), (0, 0), "a failure has no honest latency");
}

#[test]
fn a_client_who_waited_for_longer_than_was_promised_was_not_answered_in_time() {
    for (under_ms, slow) in [(0, 1), (60_000, 0)] {
        let rig = Rig::start(&promised_under(under_ms), [answer(HELLO), silent()]);
        rig.put("r", Target::phase(Phase::Live));
        let mut client = rig.client();
        client.send("GET /d/1 HTTP/1.1\r\nHost: a\r\n\r\n");
        rig.until(|| rig.new.requests() == 1);
        client.reset();
        subjects(&rig, 1);
        let [_, new] = rig.counts("r").sides;
        assert_eq!((new.slow, new.subjects.bad_trials), (slow, 0), "{under_ms} ms");
    }
}

/// A route whose users are promised an answer in time.
fn promised_under(under_ms: u32) -> [RouteSpec; 1] {
    let objective = Objective::from_percent(95.0).unwrap();
    let latency = Some(LatencyObjective { objective, under_ms });
    let spec = route("r", "GET", "/d/{id}", WriteClass::Safe);
    [RouteSpec { objectives: Objectives { latency, ..Objectives::default() }, ..spec }]
}
