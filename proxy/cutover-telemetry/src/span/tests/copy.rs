//! The trace of a copy, as a receiver decodes it.

use super::*;

fn copy(start: Instant) -> CopySpans {
    let after = |millis| start + Duration::from_millis(millis);
    let call = ClientSpan { side: "new", ..attempt(start, 200, 0) };
    CopySpans {
        start,
        end: after(9),
        live: Some(TraceContext::new_root(true)),
        method: Method::GET,
        route: RouteLabel::clone(&route()),
        target: "/v1/devices/7?page=2&pin".into(),
        phase: "canary",
        side: "new",
        generation: 42,
        end_state: CopyEnd::Judged { verdict: "mismatch", reason: None },
        call: Some(call),
        reference: Some(attempt(start, 200, 0)),
        comparison: Some(ComparisonSpan {
            start: after(6),
            end: after(8),
            differences: 2,
            fields: vec!["body.items[].name".into(), "status".into()],
            failure: None,
        }),
    }
}

fn decoded(context: &TraceContext, copy: CopySpans) -> Vec<Span> {
    let record = CopyRecord::new(context, Reason::Mismatch, copy);
    let mut wire = Wire::default();
    record.put(&mut wire, 2, Clock::read(), &Redaction::default());
    let spans = ScopeSpans::decode(&*wire.into_bytes()).unwrap().spans;
    assert_eq!(spans.len(), record.span_count());
    spans
}

#[test]
fn a_copy_is_a_root_with_a_link_and_three_children() {
    let (context, copy) = (TraceContext::new_root(false), copy(Instant::now()));
    let live = copy.live.clone().unwrap();
    let ids = [&copy.call, &copy.reference].map(|call| call.as_ref().unwrap().span_id.to_string());
    let spans = decoded(&context, copy);
    let [root, call, reference, comparison] = &spans[..] else { panic!("{spans:?}") };

    let names = [root, call, reference, comparison].map(|span| &*span.name);
    let called = "GET /v1/devices/{id}";
    let expected = ["shadow GET /v1/devices/{id}", called, called, "compare /v1/devices/{id}"];
    assert_eq!(names, expected);
    assert!(root.parent_span_id.is_empty());
    assert_eq!(hex(&root.span_id), context.span_id.to_string());
    for child in [call, reference, comparison] {
        assert_eq!(child.parent_span_id, root.span_id);
        assert_eq!(hex(&child.trace_id), context.trace_id.to_string());
        assert!(child.links.is_empty());
    }
    assert_eq!([hex(&call.span_id), hex(&reference.span_id)], ids);
    let kinds = [root, call, reference, comparison].map(|span| span.kind);
    let (internal, client) = (SpanKind::Internal as i32, SpanKind::Client as i32);
    assert_eq!(kinds, [internal, client, client, internal]);
    let lasted = |span: &Span| span.end_time_unix_nano - span.start_time_unix_nano;
    assert_eq!([root, call, comparison].map(lasted), [9_000_000, 5_000_000, 2_000_000]);

    let [link] = &root.links[..] else { panic!("{root:?}") };
    assert_eq!(hex(&link.trace_id), live.trace_id.to_string());
    assert_eq!(hex(&link.span_id), live.span_id.to_string());
    assert_eq!(attributes(&link.attributes), ["cutover.link.type=shadow_of"]);
    // sampled and random, "has is_remote", not remote
    assert_eq!(link.flags, 0x103);
    assert_eq!(
        attributes(&root.attributes),
        [
            "cutover.config.generation=42",
            &format!("cutover.live.trace_id={}", live.trace_id),
            "cutover.parity.verdict=mismatch",
            "cutover.phase=canary",
            "cutover.route.id=device-read",
            "cutover.sampling.reason=parity_mismatch",
            "cutover.shadow=true",
            "cutover.side=new",
            "http.request.method=GET",
            "http.route=/v1/devices/{id}",
        ]
    );
    assert_eq!(
        attributes(&comparison.attributes),
        [
            "cutover.parity.diff_count=2",
            "cutover.parity.fields=body.items[].name status",
            "cutover.parity.verdict=mismatch",
            "cutover.route.id=device-read",
            "cutover.shadow=true",
        ]
    );
    assert_eq!([root, call, comparison].map(code), [None; 3]);
}

#[test]
fn its_calls_are_like_any_attempt_but_marked_and_without_values_of_the_query() {
    let spans = decoded(&TraceContext::new_root(true), copy(Instant::now()));
    let expected = [
        "cutover.shadow=true",
        "cutover.side=new",
        "http.request.method=GET",
        "http.response.status_code=200",
        "network.peer.address=10.0.0.5",
        "network.peer.port=8080",
        "network.protocol.version=1.1",
        "server.address=10.0.0.5",
        "server.port=8080",
        "service.peer.name=legacy-monolith",
        "url.full=http://10.0.0.5:8080/v1/devices/7?page=REDACTED&REDACTED",
        "url.template=/v1/devices/{id}",
    ];
    assert_eq!(attributes(&spans[1].attributes), expected);
    assert!(
        has(&spans[2], "cutover.shadow.reference=true") && has(&spans[2], "cutover.side=legacy")
    );
}

#[test]
fn a_candidate_that_fails_is_an_error_of_the_call_and_the_comparison() {
    let mut copy = copy(Instant::now());
    let failure = Some("deadline");
    copy.call = copy.call.map(|call| ClientSpan { status: None, failure, ..call });
    copy.comparison = copy.comparison.map(|compared| ComparisonSpan { failure, ..compared });
    copy.reference = None;
    let spans = decoded(&TraceContext::new_root(false), copy);
    let [root, call, comparison] = &spans[..] else { panic!("{spans:?}") };
    for span in [call, comparison] {
        assert_eq!(code(span), Some(Code::Error));
        assert!(has(span, "error.type=deadline"));
    }
    // A mismatch is what the copy is there to find.
    assert_eq!(code(root), None);
}

#[test]
fn what_was_not_asked_is_a_root_alone_and_says_why() {
    for (end_state, expected) in [
        (CopyEnd::Dropped("rate"), ["cutover.shadow.dropped=rate"].as_slice()),
        (
            CopyEnd::Judged { verdict: "incomparable", reason: Some("live_failed") },
            &["cutover.parity.verdict=incomparable", "cutover.parity.reason=live_failed"],
        ),
    ] {
        let copy = copy(Instant::now());
        let copy = CopySpans { end_state, call: None, reference: None, comparison: None, ..copy };
        let spans = decoded(&TraceContext::new_root(true), copy);
        let [root] = &spans[..] else { panic!("{spans:?}") };
        assert!(expected.iter().all(|line| has(root, line)), "{root:?}");
    }
}

#[test]
fn clients_and_bodies_cannot_choose_how_much_is_told() {
    let mut copy = copy(Instant::now());
    copy.method = Method::from_bytes(b"BREW").unwrap();
    copy.route.template = None;
    copy.target = format!("/{}", "a".repeat(100_000)).into();
    let fields = copy.comparison.as_mut().unwrap();
    fields.fields = (0..20).map(|at| format!("body.{at}{}", "b".repeat(5_000)).into()).collect();
    let spans = decoded(&TraceContext::new_root(true), copy);
    assert_eq!(
        [&*spans[0].name, &*spans[1].name, &*spans[3].name],
        ["shadow HTTP", "HTTP", "compare"]
    );
    let bytes: usize = spans.iter().map(|span| span.encoded_len()).sum();
    assert!((9_000..16_000).contains(&bytes), "{bytes}");
    let fields = attributes(&spans[3].attributes);
    let fields = fields.iter().find(|line| line.starts_with("cutover.parity.fields=")).unwrap();
    assert_eq!(fields.split(' ').count(), 8);
}
