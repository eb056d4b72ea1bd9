//! What is copied for the side that does not serve, and that copies are nobody's burden.

use cutover_domain::{
    Exchange, Phase, RouteSpec, ShadowSpec, Side, Target, WriteClass,
    exchange::{
        BUDGET_BYTES, Budget, Copied, Copies, Dropped, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX,
    },
};
use cutover_telemetry::{Trust, export::Exporter};
use xxhash_rust::xxh3::xxh3_64;

use crate::rig::{self, Behaviour, Rig, answer, route};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kind: a\r\n\r\nhello";
const ASK: &str = "GET /d/7?q=1 HTTP/1.1\r\nHost: home.example\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n";

fn copied(method: &str, class: WriteClass) -> RouteSpec {
    let shadow = Some(ShadowSpec::default());
    RouteSpec { shadow, ..route("r", method, "/d/{id}", class) }
}

fn rig(spec: RouteSpec, phase: Phase, upstreams: [Behaviour; 2]) -> Rig {
    let rig = Rig::start(&[spec], upstreams);
    rig.put("r", Target::phase(phase));
    rig
}

/// Something of the route's legacy side was kept already: two spans.
fn traced(trust: Trust) -> (Rig, Exporter) {
    let spec = copied("GET", WriteClass::Safe);
    let (rig, exporter) = Rig::traced(&[spec], [answer(HELLO), answer("unasked")], trust);
    rig.client().ask(ASK);
    rig.until(|| exporter.spans().length() == 2);
    rig.put("r", Target::phase(Phase::Shadow));
    (rig, exporter)
}

fn ask_with(field: &str) -> String {
    format!("GET /d/7 HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n")
}

/// The one copy there is, or why there is none.
fn only(rig: &Rig) -> Result<Exchange, Dropped> {
    rig.until(|| rig.copies.count() > 0);
    let mut all = rig.copies.take();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_request_and_its_answer_are_copied_as_they_passed() {
    let rig =
        rig(copied("GET", WriteClass::Safe), Phase::Shadow, [answer(HELLO), answer("unasked")]);
    let reply = rig.client().ask(ASK);
    assert!(reply.ends_with("hello"));
    let copy = only(&rig).unwrap();
    assert_eq!((copy.served, copy.candidate), (Side::Legacy, Side::New));
    assert_eq!((copy.request.method.as_str(), &*copy.request.target), ("GET", "/d/7?q=1"));
    let headers = &copy.request.headers;
    assert_eq!(
        (&headers["host"], &headers["x-end"]),
        (&"home.example".parse().unwrap(), &"2".parse().unwrap())
    );
    assert!(!headers.contains_key("x-hop") && !headers.contains_key("connection"));
    assert!(copy.request.body.is_empty());
    let response = copy.response.as_ref().unwrap();
    assert_eq!(
        (response.status.as_u16(), &response.headers["x-kind"]),
        (200, &"a".parse().unwrap())
    );
    assert_eq!(response.body, Copied::Whole("hello".into()));
    assert_eq!(copy.subject, cutover_domain::exchange::subject_hash("7"));
    assert_ne!((copy.trace.trace_id, copy.trace.span_id), (0, 0));
    assert_eq!(rig.copies.held(), 5);
    drop(copy);
    assert_eq!(rig.copies.held(), 0);
    assert_eq!(rig.new.requests(), 0, "copies are sent by others");
}

#[test]
fn request_bodies_are_copied_up_to_the_cap() {
    let upstreams = [answer(HELLO), answer("unasked")];
    let rig = rig(copied("POST", WriteClass::Idempotent), Phase::Shadow, upstreams);
    for (length, is_copied) in
        [(0, true), (1, true), (REQUEST_BYTES_MAX, true), (REQUEST_BYTES_MAX + 1, false)]
    {
        let body = "y".repeat(length);
        let ask =
            format!("POST /d/7 HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}");
        assert!(rig.client().ask(&ask).ends_with("hello"));
        match only(&rig) {
            Ok(copy) => assert!(is_copied && copy.request.body == body, "{length}"),
            Err(reason) => {
                assert!(!is_copied && reason == Dropped::OverCap, "{length}: {reason:?}")
            }
        }
    }
    assert_eq!(rig.copies.held(), 0);
}

#[test]
fn of_long_answers_length_and_hash_are_kept() {
    let length = RESPONSE_BYTES_MAX + 1;
    let upstreams = [rig::endless(length as u64 + 16 * 1024), answer("unasked")];
    let rig = rig(copied("GET", WriteClass::Safe), Phase::Shadow, upstreams);
    let mut client = rig.client();
    client.send(ASK);
    client.read_until("\r\n\r\n");
    let all = client.skip(length as u64 + 16 * 1024);
    let body = only(&rig).unwrap().response.unwrap().body;
    let hash = xxh3_64(&vec![b'x'; all as usize]);
    assert_eq!(body, Copied::Digest { length: all, hash });
    assert_eq!(rig.copies.held(), 0);
}

#[test]
fn an_answer_that_did_not_end_is_not_compared() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf";
    let upstreams = [rig::cut(cut), answer("unasked")];
    let rig = rig(copied("GET", WriteClass::Safe), Phase::Shadow, upstreams);
    let mut client = rig.client();
    client.send(ASK);
    client.read_to_end();
    assert!(only(&rig).unwrap().response.is_none());
}

#[test]
fn a_client_that_leaves_leaves_no_answer_to_compare() {
    let upstreams = [rig::endless(1 << 30), answer("unasked")];
    let rig = rig(copied("GET", WriteClass::Safe), Phase::Shadow, upstreams);
    let mut client = rig.client();
    client.send(ASK);
    client.read_until("\r\n\r\n");
    client.reset();
    assert!(only(&rig).unwrap().response.is_none());
    assert_eq!(rig.copies.held(), 0);
}

#[test]
fn where_the_budget_is_spent_the_copy_is_given_up_and_nothing_else() {
    let rig =
        rig(copied("GET", WriteClass::Safe), Phase::Shadow, [answer(HELLO), answer("unasked")]);
    let budget: &Budget = rig.copies.budget();
    let mut others = budget.reserve(BUDGET_BYTES - 4).unwrap();
    assert!(rig.client().ask(ASK).ends_with("hello"));
    assert_eq!(only(&rig).unwrap_err(), Dropped::Budget);
    others.shrink(1);
    assert!(rig.client().ask(ASK).ends_with("hello"));
    assert!(only(&rig).is_ok());
}

#[test]
fn the_other_side_gets_the_copy_wherever_a_request_was_served() {
    let rig = rig(copied("GET", WriteClass::Safe), Phase::Live, [answer(HELLO), answer(HELLO)]);
    rig.client().ask(ASK);
    let copy = only(&rig).unwrap();
    assert_eq!((copy.served, copy.candidate), (Side::New, Side::Legacy));
}

#[test]
fn what_legacy_answered_for_new_is_new_to_answer() {
    let rig = rig(copied("GET", WriteClass::Safe), Phase::Live, [answer(HELLO), rig::refuses()]);
    assert!(rig.client().ask(ASK).ends_with("hello"));
    let copy = only(&rig).unwrap();
    assert_eq!((copy.served, copy.candidate), (Side::Legacy, Side::New));
    assert_eq!(copy.response.unwrap().body, Copied::Whole("hello".into()));
}

#[test]
fn nobody_copies_what_may_not_be_copied() {
    let spec = |method, class, shadow| RouteSpec { shadow, ..copied(method, class) };
    let asked = || Some(ShadowSpec::default());
    let none = ShadowSpec { percent: cutover_domain::Percent::ZERO, ..ShadowSpec::default() };
    let cases = [
        (spec("GET", WriteClass::Safe, asked()), Phase::Legacy, ASK),
        (spec("GET", WriteClass::Safe, asked()), Phase::Retired, ASK),
        (spec("GET", WriteClass::Safe, None), Phase::Shadow, ASK),
        (spec("GET", WriteClass::Safe, Some(none)), Phase::Shadow, ASK),
        (spec("GET", WriteClass::Unsafe, asked()), Phase::Shadow, ASK),
        (spec("GET", WriteClass::Idempotent, asked()), Phase::Live, ASK),
        (
            spec("GET", WriteClass::Safe, asked()),
            Phase::Shadow,
            "GET /d/7 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        ),
        (
            spec("GET", WriteClass::Safe, asked()),
            Phase::Shadow,
            "GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ];
    for (spec, phase, ask) in cases {
        let case = format!("{spec:?} in {phase}");
        let rig = rig(spec, phase, [answer(HELLO), answer(HELLO)]);
        assert!(rig.client().ask(ask).ends_with("hello"), "{case}");
        rig.until(|| {
            rig.handle
                .counts()
                .iter()
                .any(|route| route.sides.iter().any(|side| side.outcomes[0] == 1))
        });
        assert_eq!(rig.copies.count(), 0, "{case}");
    }
}

#[test]
fn spans_that_are_not_kept_go_along_with_the_copy_and_can_be() {
    let (rig, exporter) = traced(Trust::Always);
    rig.client().ask(ASK);
    let mut copy = only(&rig).unwrap();
    assert_eq!(exporter.spans().length(), 2);
    // They are paid for: the answer's 5 bytes, the record of both spans, and texts.
    assert!((300..3_000).contains(&rig.copies.held()), "{}", rig.copies.held());
    assert_eq!(copy.trace_flags & 1, 0);
    let random = |id: u128| id & ((1 << 56) - 1);
    assert_eq!(random(copy.copy_trace_id), random(copy.trace.trace_id));
    assert_ne!(copy.copy_trace_id >> 64, copy.trace.trace_id >> 64);
    copy.held.take().expect("spans are held").keep();
    assert_eq!(exporter.spans().length(), 4);
    drop(copy);

    // Nobody speaks for the next ones.
    rig.client().ask(ASK);
    drop(only(&rig));
    assert_eq!((exporter.spans().length(), rig.copies.held()), (4, 0));
}

#[test]
fn spans_are_held_only_if_they_are_not_kept_and_can_be_paid_for() {
    let (rig, exporter) = traced(Trust::Always);
    let parent = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    rig.client().ask(&ask_with(parent));
    let copy = only(&rig).unwrap();
    assert!(copy.held.is_none());
    assert_eq!((exporter.spans().length(), copy.trace_flags), (4, 1));
    assert_eq!(copy.trace.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);

    let _others = rig.copies.budget().reserve(BUDGET_BYTES - 100).unwrap();
    rig.client().ask(ASK);
    let copy = only(&rig).expect("a copy without its spans is better than none");
    assert!(copy.held.is_none());
    assert_eq!(exporter.spans().length(), 4);
}

#[test]
fn a_strangers_baggage_goes_no_further_in_copies_either() {
    for (trust, expected) in [(Trust::Always, Some("tenant=a")), (Trust::Never, None)] {
        let (rig, _exporter) = traced(trust);
        rig.client().ask(&ask_with("baggage: tenant=a"));
        let copy = only(&rig).unwrap();
        let baggage = copy.request.headers.get("baggage").map(|value| value.to_str().unwrap());
        assert_eq!(baggage, expected);
    }
}

#[test]
fn every_request_of_a_busy_route_ends_in_one_copy() {
    let rig =
        rig(copied("GET", WriteClass::Safe), Phase::Shadow, [answer(HELLO), answer("unasked")]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = rig.client();
                for _ in 0..100 {
                    assert!(client.ask(ASK).ends_with("hello"));
                }
            });
        }
    });
    rig.until(|| rig.copies.count() == 800);
    assert_eq!(rig.copies.held(), 800 * 5);
    assert!(rig.copies.take().iter().all(Result::is_ok));
    assert_eq!(rig.copies.held(), 0);
}
