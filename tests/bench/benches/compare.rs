//! What it costs to compare two answers of 100 KiB and 5,000 nodes, parsed already.
//!
//! `cargo bench -p bench --bench compare`. The aim is 2 ms: comparing has threads of its own, but
//! not cores of its own.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use cutover_domain::compare::{
    Action, Answer, Bijections, Body, Format, Limits, Map, Rule, Rules, Terms, Value, compare,
};

/// Devices of an answer; each is a map of five values, so six nodes.
const DEVICES: usize = 833;

/// An answer with a list of devices, the last `changed` of which are switched off.
fn answer(changed: usize) -> Answer {
    let devices = (0..DEVICES).map(|at| device(at, at + changed < DEVICES)).collect();
    let body = map([("devices", Value::List(devices))]);
    let headers = vec![("content-type".into(), "application/json".into())];
    Answer { status: 200, headers, trailers: Vec::new(), body: Body::Value(body) }
}

/// About 120 bytes as JSON.
fn device(at: usize, online: bool) -> Value {
    map([
        ("id", Value::Number(format!("{}", 100_000 + at).parse().expect("it is a number"))),
        ("name", Value::text(&format!("ceiling lamp {at} of the living room"))),
        ("online", Value::Bool(online)),
        ("seen", Value::text("2026-11-21T09:30:00.250Z")),
        ("level", Value::Number(format!("0.{}", at % 97).parse().expect("it is a number"))),
    ])
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.map(|(key, value)| (key.into(), value)).into();
    Value::Map(Map::new(entries).expect("keys differ"))
}

fn compared(criterion: &mut Criterion) {
    let (legacy, rules, limits) = (answer(0), Rules::default(), Limits::default());
    let terms = Terms { rules: &rules, limits: &limits, now: 0 };
    let mut group = criterion.benchmark_group("compare 100 KiB, 5,000 nodes");
    for (name, changed) in [("equal", 0), ("one value differs", 1), ("all differ", DEVICES)] {
        let candidate = answer(changed);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (legacy, candidate) = (black_box(&legacy), black_box(&candidate));
                compare(legacy, candidate, Some(legacy), &terms, &mut Bijections::default())
            });
        });
    }
    group.finish();
}

/// Keys of a map of the body whose every value has a path of its own.
const KEYS: u8 = 26;
const RULES: usize = 100;

/// Maps within maps, to this depth: 26³ values, about as many as the limits allow.
fn nested(depth: usize, value: &str) -> Value {
    let Some(below) = depth.checked_sub(1) else { return Value::text(value) };
    let key = |at: u8| format!("key_{}", char::from(b'a' + at)).into();
    let entries = (0..KEYS).map(|at| (key(at), nested(below, value))).collect();
    Value::Map(Map::new(entries).expect("keys differ"))
}

fn wide(value: &str) -> Answer {
    let body = Body::Value(nested(3, value));
    Answer { status: 200, headers: Vec::new(), trailers: Vec::new(), body }
}

fn worst(criterion: &mut Criterion) {
    let rules = (0..RULES).map(|at| Rule {
        pattern: format!("body.*.key_{at}.*").parse().expect("it is a pattern"),
        action: Action::Shape(Format::NonEmpty),
        reason: "a bench".into(),
        expires: None,
    });
    let (rules, limits) = (Rules::new(rules.collect()).expect("they are good"), Limits::default());
    let terms = Terms { rules: &rules, limits: &limits, now: 0 };
    let (legacy, candidate) = (wide("one"), wide("two"));
    criterion.bench_function("17,576 paths, all differ, 100 rules", |bencher| {
        bencher.iter(|| {
            compare(
                black_box(&legacy),
                black_box(&candidate),
                None,
                &terms,
                &mut Bijections::default(),
            )
        });
    });
}

criterion_group!(benches, compared, worst);
criterion_main!(benches);
