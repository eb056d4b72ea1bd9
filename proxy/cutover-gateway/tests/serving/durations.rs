//! Durations are counted where routes promise something.

use std::time::Duration;

use cutover_domain::{
    Phase, RouteSpec, Target, WriteClass,
    slo::{LatencyObjective, Objective},
};

use crate::rig::{Rig, answer, pauses, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const BUCKET: &str = "cutover_request_duration_seconds_bucket";

/// Two routes, of which the first promises an answer in time.
fn routes(under_ms: u32) -> [RouteSpec; 2] {
    let promise = LatencyObjective { objective: Objective::from_percent(95.0).unwrap(), under_ms };
    let [mut read, list] = [("read", "/d/{id}"), ("list", "/d")]
        .map(|(id, path)| route(id, "GET", path, WriteClass::Unsafe));
    read.objectives.latency = Some(promise);
    [read, list]
}

fn ask(rig: &Rig, path: &str, asked: u64) {
    let id = if path == "/d" { "list" } else { "read" };
    rig.client().ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    rig.until(|| served(rig, id) == asked);
}

/// Requests of a route, by outcomes.
fn served(rig: &Rig, id: &str) -> u64 {
    rig.counts(id).sides.iter().flat_map(|side| side.outcomes).sum()
}

/// What a bucket of legacy's side of a route holds; `None`: no bucket ends there.
fn bucket(rig: &Rig, le: &str, id: &str) -> Option<u64> {
    let sample = format!("{BUCKET}{{le=\"{le}\",cutover_route=\"{id}\",cutover_side=\"legacy\"}} ");
    let text = rig.metrics();
    text.lines().find_map(|line| line.strip_prefix(&sample)).map(|count| count.parse().unwrap())
}

#[test]
fn a_threshold_ends_a_bucket_of_every_route() {
    let rig = Rig::start(&routes(300), [answer(HELLO), answer(HELLO)]);
    ask(&rig, "/d/7", 1);
    for id in ["read", "list", "_unmatched"] {
        let expected = Some(u64::from(id == "read"));
        assert_eq!(bucket(&rig, "0.3", id), expected, "{id} in\n{}", rig.metrics());
    }
    let counts = rig.counts("read");
    assert!(counts.bounds_seconds.contains(&0.3), "{counts:?}");
    assert_eq!(counts.sides[0].latency.len(), counts.bounds_seconds.len() + 1);
}

#[test]
fn what_gates_call_slow_is_above_the_bucket() {
    let slow = pauses(Duration::from_millis(60), HELLO);
    let rig = Rig::start(&routes(40), [slow, answer(HELLO)]);
    ask(&rig, "/d/7", 1);
    assert_eq!(rig.counts("read").sides[0].slow, 1);
    assert_eq!((bucket(&rig, "0.04", "read"), bucket(&rig, "+Inf", "read")), (Some(0), Some(1)));
}

#[test]
fn another_threshold_begins_the_buckets_anew_and_nothing_else() {
    let rig = Rig::start(&routes(300), [answer(HELLO), answer(HELLO)]);
    ask(&rig, "/d/7", 1);
    rig.put("list", Target::phase(Phase::Shadow));
    assert_eq!(bucket(&rig, "0.3", "read"), Some(1), "a move changes no threshold");

    rig.declare(&routes(400));
    assert_eq!((bucket(&rig, "0.3", "read"), bucket(&rig, "0.4", "read")), (None, Some(0)));
    assert_eq!(rig.counts("read").sides[0].latency.iter().sum::<u64>(), 0);
    assert_eq!(served(&rig, "read"), 1, "requests go on");
    ask(&rig, "/d/7", 2);
    assert_eq!(bucket(&rig, "0.4", "read"), Some(1));
    assert_eq!(bucket(&rig, "0.4", "_unmatched"), Some(0));
}

#[test]
fn a_route_that_is_gone_takes_its_buckets_along() {
    let rig = Rig::start(&routes(300), [answer(HELLO), answer(HELLO)]);
    let [read, _] = routes(300);
    rig.declare(&[read]);
    assert_eq!((bucket(&rig, "0.3", "read"), bucket(&rig, "0.3", "list")), (Some(0), None));
}
