//! What it costs to compare two answers of 100 KiB and 5,000 nodes, parsed already.
//!
//! `cargo bench -p bench --bench compare`. The aim is 2 ms: comparing has threads of its own, but
//! not cores of its own.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use cutover_domain::compare::{
    Answer, Bijections, Body, Limits, Map, Rules, Terms, Value, compare,
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

criterion_group!(benches, compared);
criterion_main!(benches);
