use super::*;
use crate::wire::Wire;

fn id(n: u128) -> TraceId {
    TraceId::new(n).unwrap()
}

fn usual() -> Sort {
    Sort::of(Some("read"), Reason::Floor)
}

/// A span with a name of so many bytes, as a field of `ScopeSpans`.
fn span(trace: u128, name_bytes: usize) -> Vec<u8> {
    let mut wire = Wire::default();
    wire.nested(2, |wire| {
        wire.bytes(1, &trace.to_be_bytes());
        wire.bytes(2, &7_u64.to_be_bytes());
        wire.bytes(5, &vec![b'n'; name_bytes]);
        wire.number(6, 2);
        let mut attributes = wire.attributes(9);
        attributes.text("url.path", "/v1/devices/7");
        attributes.text("client.address", "192.0.2.7");
        attributes.text("user_agent.original", "me");
        attributes.number("http.response.status_code", 200);
        attributes.flag("cutover.fallback", true);
        attributes.texts("cutover.parity.fields", &["a".into(), "b".into()]);
    });
    wire.into_bytes()
}

#[test]
fn a_span_is_read_back_without_who_the_client_was() {
    let kept = KeptTraces::default();
    kept.push(id(1), usual(), &span(1, 3));
    let trace = kept.find(id(1)).unwrap();
    let [read] = &trace.spans[..] else { panic!("{trace:?}") };
    assert_eq!((read.name.as_str(), read.kind, read.parent), ("nnn", "server", None));
    let told: Vec<String> =
        read.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let expected = [
        "url.path=/v1/devices/7",
        "http.response.status_code=200",
        "cutover.fallback=true",
        "cutover.parity.fields=a, b",
    ];
    assert_eq!(told, expected);
    assert_eq!(kept.find(id(2)), None);
}

#[test]
fn the_oldest_trace_goes_first_and_later_spans_join_theirs() {
    let kept = KeptTraces::default();
    let last = TRACES_MAX as u128 + 1;
    for n in 1..=last {
        kept.push(id(n), usual(), &span(n, 1));
    }
    kept.push(id(2), usual(), &span(2, 1));
    let newest = kept.newest();
    assert_eq!(newest.len(), TRACES_MAX);
    assert_eq!((newest[0].trace_id, newest[TRACES_MAX - 1].trace_id), (id(last), id(2)));
    assert_eq!(newest[TRACES_MAX - 1].spans.len(), 2);
    assert_eq!(kept.find(id(1)), None);
}

#[test]
fn bytes_are_bounded_of_one_and_of_all() {
    let kept = KeptTraces::default();
    let large = span(1, TRACE_BYTES_MAX / 2);
    for _ in 0..3 {
        kept.push(id(1), usual(), &large);
    }
    let trace = kept.find(id(1)).unwrap();
    assert_eq!((trace.spans.len(), trace.is_cut), (1, true));

    for n in 2..200 {
        kept.push(id(n), usual(), &large);
    }
    let ring = kept.ring();
    let bytes: usize = ring.traces.iter().map(|entry| entry.bytes).sum();
    assert_eq!(ring.bytes, bytes, "what went is counted off");
    assert!(bytes <= BYTES_MAX && bytes > BYTES_MAX - 2 * large.len(), "{bytes}");
}

#[test]
fn what_there_is_most_of_goes_first() {
    let kept = KeptTraces::default();
    let rare = Sort::of(Some("read"), Reason::Error);
    kept.push(id(1), rare, &span(1, 1));
    for n in 2..1_000 {
        kept.push(id(n), Sort::of(Some("list"), Reason::Mismatch), &span(n, 1));
    }
    assert_eq!(kept.newest().len(), TRACES_MAX);
    assert!(kept.find(id(1)).is_some(), "one failure among many mismatches");
    assert!(kept.find(id(999)).is_some() && kept.find(id(2)).is_none());
    assert_ne!(rare, usual());
}
