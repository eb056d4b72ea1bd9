use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn traceparent(value: &str) -> Extracted {
    extract(&headers(&[("traceparent", value)]))
}

/// The `tracestate` that goes on, given these headers.
fn state(values: &[&str]) -> Option<String> {
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let mut lines = vec![("traceparent", parent.as_str())];
    lines.extend(values.iter().map(|value| ("tracestate", *value)));
    match extract(&headers(&lines)) {
        Extracted::Valid(context) => context.state.map(|state| state.to_str().unwrap().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_what_the_recommendation_shows() {
    let Extracted::Valid(context) = traceparent(&format!("00-{TRACE}-{SPAN}-01")) else {
        panic!("refused");
    };
    assert_eq!(context.trace_id.to_string(), TRACE);
    assert_eq!(context.span_id.to_string(), SPAN);
    assert!(context.is_sampled());
    assert!(!context.flags.is_random());
    assert_eq!(context.state, None);
}

/// The cases of the W3C test suite (`test/test.py`, class `TraceContextTest`).
#[test]
fn traceparent_follows_the_w3c_test_suite() {
    let zero_trace = "0".repeat(32);
    let zero_span = "0".repeat(16);
    let refused = [
        // version 00 has one length
        format!("00-{TRACE}-{SPAN}-01."),
        format!("00-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
        // the version is two lower-case digits and not ff
        format!(".0-{TRACE}-{SPAN}-01"),
        format!("0.-{TRACE}-{SPAN}-01"),
        format!("000-{TRACE}-{SPAN}-01"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("FF-{TRACE}-{SPAN}-01"),
        // a later version goes on with a dash only
        format!("cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like"),
        // ids
        format!("00-{zero_trace}-{SPAN}-01"),
        format!("00-{TRACE}-{zero_span}-01"),
        format!("00-.{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}0-{SPAN}-01"),
        format!("00-{TRACE}-.{}-01", &SPAN[1..]),
        format!("00-{TRACE}-{}-01", &SPAN[1..]),
        format!("00-{TRACE}-{SPAN}0-01"),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
        // flags
        format!("00-{TRACE}-{SPAN}-.0"),
        format!("00-{TRACE}-{SPAN}-0."),
        format!("00-{TRACE}-{SPAN}-1"),
        format!("00-{TRACE}-{SPAN}-001"),
        format!("00-{TRACE}-{SPAN}-0A"),
        // separators
        format!("00_{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}_{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}_01"),
        String::new(),
        "00".to_owned(),
    ];
    for value in refused {
        assert_eq!(traceparent(&value), Extracted::Invalid, "{value}");
    }
    let accepted = [
        format!("00-{TRACE}-{SPAN}-00"),
        format!("cc-{TRACE}-{SPAN}-01"),
        format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
        format!("01-{TRACE}-{SPAN}-01-"),
    ];
    for value in accepted {
        assert!(matches!(traceparent(&value), Extracted::Valid(_)), "{value}");
    }
}

#[test]
fn a_later_version_leaves_as_version_00_without_unknown_flags() {
    let Extracted::Valid(context) = traceparent(&format!("cc-{TRACE}-{SPAN}-ff-more")) else {
        panic!("refused");
    };
    assert_eq!(context.to_string(), format!("00-{TRACE}-{SPAN}-03"));
}

#[test]
fn two_traceparents_are_none() {
    let value = format!("00-{TRACE}-{SPAN}-01");
    let twice = headers(&[("traceparent", &value), ("traceparent", &value)]);
    assert_eq!(extract(&twice), Extracted::Invalid);
    assert_eq!(extract(&HeaderMap::new()), Extracted::Absent);
}

#[test]
fn tracestate_alone_means_nothing() {
    assert_eq!(extract(&headers(&[("tracestate", "foo=1")])), Extracted::Absent);
}

#[test]
fn tracestate_passes_in_order() {
    let cases: [(&[&str], Option<&str>); 12] = [
        (&["foo=1,bar=2"], Some("foo=1,bar=2")),
        (&["foo=1", "bar=2"], Some("foo=1,bar=2")),
        (&["foo=1", "", "bar=2"], Some("foo=1,bar=2")),
        (&["foo=1 \t , \t bar=2, \t baz=3"], Some("foo=1,bar=2,baz=3")),
        (&["foo=1,", ",bar=2"], Some("foo=1,bar=2")),
        (&["ot=th:8;rv:9b8233f7e3a151,foo=1"], Some("ot=th:8;rv:9b8233f7e3a151,foo=1")),
        (&["fw529a3039@dt=FfAAAA"], Some("fw529a3039@dt=FfAAAA")),
        (&["0*/_-a@v= blank first"], Some("0*/_-a@v= blank first")),
        // the left-most of one key is the most recent
        (&["foo=1,foo=2,bar=3"], Some("foo=1,bar=3")),
        (&["foo=1", "foo=2"], Some("foo=1")),
        (&[""], None),
        (&[], None),
    ];
    for (values, expected) in cases {
        assert_eq!(state(values).as_deref(), expected, "{values:?}");
    }
}

#[test]
fn a_malformed_tracestate_is_dropped_whole() {
    let long = "z".repeat(257);
    let cases = [
        "foo".to_owned(),
        "foo=".to_owned(),
        "=1".to_owned(),
        "Foo=1,bar=2".to_owned(),
        "foo =1".to_owned(),
        "foo.bar=1".to_owned(),
        "_foo=1".to_owned(),
        "foo=bar=baz".to_owned(),
        "foo=b\tr".to_owned(),
        format!("{long}=1"),
        format!("foo={long}"),
    ];
    for value in cases {
        assert_eq!(state(&[&value, "ok=1"]), None, "{value}");
    }
    let longest = format!("{}={}", "z".repeat(256), "v".repeat(256));
    assert_eq!(state(&[&longest]), Some(longest));
}

#[test]
fn tracestate_has_at_most_32_members() {
    let list = |count: usize| {
        let members: Vec<_> = (0..count).map(|index| format!("bar{index:02}=1")).collect();
        members.join(",")
    };
    assert_eq!(state(&[&list(32)]), Some(list(32)));
    assert_eq!(state(&[&list(33)]), None);
    assert_eq!(state(&[&list(20), &list(33)]), None);
}

#[test]
fn a_long_tracestate_loses_long_members_first_and_ot_never() {
    // 512 bytes must pass, and do.
    let short: Vec<_> = (0..10).map(|n| format!("k{n}={}", "v".repeat(47))).collect();
    assert_eq!(state(&[&short.join(",")]), Some(short.join(",")));

    let long = format!("long={}", "v".repeat(200));
    let many: Vec<_> = (0..20).map(|n| format!("k{n:02}={}", "v".repeat(46))).collect();
    // 205 + 20 × 51 bytes: without the long one it fits.
    let without_long = many[..].join(",");
    assert_eq!(state(&[&format!("{long},{}", many.join(","))]), Some(without_long));

    // Nothing is long: the right end goes, `ot` stays wherever it stands.
    let list = format!("{},last={},ot=th:8", many.join(","), "v".repeat(60));
    let sent = state(&[&list]).unwrap();
    assert!(sent.len() <= state::BYTES_MAX, "{}", sent.len());
    assert!(sent.starts_with("k00="));
    assert!(sent.ends_with(",ot=th:8"), "{sent}");
    assert!(!sent.contains("last="));
    assert!(sent.contains("k18="));
}

#[test]
fn an_unchanged_tracestate_is_the_same_bytes() {
    let lines = headers(&[
        ("traceparent", &format!("00-{TRACE}-{SPAN}-01")),
        ("tracestate", "foo=1,bar=2"),
    ]);
    let Extracted::Valid(context) = extract(&lines) else {
        panic!("refused");
    };
    let (sent, came) = (context.state.unwrap(), &lines["tracestate"]);
    assert_eq!(sent.as_bytes().as_ptr(), came.as_bytes().as_ptr());
}

#[test]
fn injecting_replaces_what_was_there() {
    let mut outgoing = headers(&[
        ("traceparent", "junk"),
        ("traceparent", "more junk"),
        ("tracestate", "foo=1"),
        ("tracestate", "bar=1"),
    ]);
    let context = TraceContext::new_root(true);
    context.inject(&mut outgoing);
    assert_eq!(outgoing.get_all("traceparent").iter().count(), 1);
    assert_eq!(outgoing["traceparent"], context.to_string());
    assert!(!outgoing.contains_key("tracestate"));
}

#[test]
fn roots_are_random_and_children_keep_the_trace() {
    let root = TraceContext::new_root(false);
    assert!(root.flags.is_random() && !root.is_sampled());
    let child = root.child();
    assert_eq!(child.trace_id, root.trace_id);
    assert_eq!(child.flags, root.flags);
    assert_ne!(child.span_id, root.span_id);
    assert_ne!(TraceContext::new_root(false).trace_id, root.trace_id);
}

#[test]
fn linked_traces_have_the_random_bits_of_a_random_one_and_no_more() {
    let root = TraceContext::new_root(false);
    for _ in 0..1_000 {
        let (one, other) = (root.linked(), root.linked());
        assert_ne!(one, other);
        assert_eq!(one.randomness(), root.trace_id.randomness());
        assert_ne!(one.get() as u64, root.trace_id.get() as u64);
        assert_ne!(one.get() >> 64, root.trace_id.get() >> 64);
    }
    // Whatever these bits are, they were not declared random.
    let plain = TraceContext { flags: Flags::SAMPLED, ..root };
    assert_ne!(plain.linked().randomness(), plain.trace_id.randomness());
}

#[test]
fn threads_do_not_repeat_each_others_ids() {
    let threads: Vec<_> = (0..8)
        .map(|_| std::thread::spawn(|| (0..1000).map(|_| ids::root()).collect::<Vec<_>>()))
        .collect();
    let mut seen = std::collections::HashSet::new();
    for thread in threads {
        for (trace_id, span_id) in thread.join().unwrap() {
            assert!(seen.insert(trace_id.get()));
            assert!(seen.insert(u128::from(span_id.get())));
        }
    }
}

#[test]
fn the_client_can_be_told() {
    let Extracted::Valid(context) = traceparent(&format!("00-{TRACE}-{SPAN}-03")) else {
        panic!("refused");
    };
    assert_eq!(context.traceresponse(), format!("00-{TRACE}-{SPAN}-03"));
    assert_eq!(context.server_timing(), format!("traceparent;desc=\"00-{TRACE}-{SPAN}-03\""));
}

proptest! {
    #[test]
    fn what_is_injected_is_extracted(
        trace_id in 1_u128..,
        span_id in 1_u64..,
        bits in 0_u8..4,
        state in proptest::option::of("[a-z][a-z0-9]{0,8}=[!-+:-<>-~]{1,40}"),
    ) {
        let context = TraceContext {
            trace_id: TraceId::new(trace_id).unwrap(),
            span_id: SpanId::new(span_id).unwrap(),
            flags: Flags::from_bits(bits),
            state: state.map(|state| HeaderValue::from_str(&state).unwrap()),
        };
        let mut headers = HeaderMap::new();
        context.inject(&mut headers);
        prop_assert_eq!(extract(&headers), Extracted::Valid(context));
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        parent in proptest::collection::vec(0x20_u8..0x7f, 0..80),
        list in proptest::collection::vec(0x20_u8..0x7f, 0..2000),
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_bytes(&parent).unwrap());
        let _ = extract(&headers);
        let valid = format!("00-{TRACE}-{SPAN}-01");
        headers.insert("traceparent", HeaderValue::from_str(&valid).unwrap());
        headers.insert("tracestate", HeaderValue::from_bytes(&list).unwrap());
        let Extracted::Valid(context) = extract(&headers) else {
            panic!("refused");
        };
        prop_assert!(context.state.is_none_or(|state| state.len() <= state::BYTES_MAX));
    }

    #[test]
    fn one_changed_byte_is_noticed(at in 0_usize..55, byte in 0x21_u8..0x7f) {
        let mut value = format!("00-{TRACE}-{SPAN}-00").into_bytes();
        let before = value[at];
        value[at] = byte;
        let valid = String::from_utf8(value).unwrap();
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_fine = is_hex(before) && is_hex(byte) || before == byte;
        prop_assert_eq!(matches!(traceparent(&valid), Extracted::Valid(_)), is_fine);
    }
}
