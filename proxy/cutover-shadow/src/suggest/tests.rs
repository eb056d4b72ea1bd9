use std::sync::Arc;

use cutover_domain::{
    compare::{Answer, Body, Map, Value},
    exchange::{Budget, Keep, TraceIds},
    parity::Shape,
};

use super::*;
use crate::{
    redaction::{BodyOutline, Node, Redactor, RequestOutline},
    samples::{Sample, SampleHead, SampleId, Stored},
};

const NOW: u64 = 1_800_000_000;

fn key(path: &str, kind: Kind, values: &str) -> ClusterKey {
    ClusterKey { path: path.parse().unwrap(), kind, values: values.into() }
}

/// What is suggested for noise of legacy's, each seen so often; one line each.
fn for_legacy(seen: &[(&str, Kind, &str, usize)]) -> Vec<String> {
    let mut samples = Samples::default();
    for (path, kind, values, count) in seen {
        (0..*count).for_each(|_| samples.see_noise(key(path, *kind, values)));
    }
    shown(&samples)
}

fn shown(samples: &Samples) -> Vec<String> {
    shown_of(samples, &pairs(0))
}

/// As many pairs, and no regression.
fn pairs(pairs: u64) -> Known {
    Known { pairs, ..Known::default() }
}

/// A regression of the candidate's at this place.
fn regressed(place: Place) -> Known {
    let at = PathEvidence { only_candidate: 13, regressed_after: Some(13), ..Default::default() };
    Known { pairs: 50, has_references: true, paths: [(place, at)].into() }
}

fn shown_of(samples: &Samples, known: &Known) -> Vec<String> {
    let line = |suggestion: &Suggestion| {
        let Rule { pattern, action, expires, .. } = &suggestion.rule;
        let until = if expires.is_some() { " for 30 days" } else { "" };
        format!("{pattern}: {action}{until}")
    };
    let suggestions = suggestions(samples, known, NOW);
    for suggestion in &suggestions {
        let expires = suggestion.rule.expires;
        assert!(expires.is_none_or(|expires| expires == NOW + GUARDED_SECONDS_DEFAULT));
        // Each is one that may be written as it is.
        Rules::new(vec![suggestion.rule.clone()]).unwrap();
    }
    suggestions.iter().map(line).collect()
}

#[test]
fn noise_with_a_format_has_a_shape() {
    let found = for_legacy(&[
        ("body.date", Kind::Value, "date→date", 3),
        ("body.id", Kind::Value, "uuid→uuid", 3),
        ("body.mixed", Kind::Value, "integer→integer", 2),
        ("body.mixed", Kind::Value, "integer→decimal", 2),
        ("body.n", Kind::Value, "integer→integer", 9),
        ("body.when", Kind::Value, "rfc3339→rfc3339", 3),
        ("header.x-when", Kind::Header, "http-date→http-date", 3),
    ]);
    let expected = [
        "body.date: shape date",
        "body.id: shape uuid",
        "body.mixed: shape number",
        "body.n: shape integer",
        "body.when: shape rfc3339",
        "header.x-when: shape http-date",
    ];
    assert_eq!(found, expected);
}

#[test]
fn other_noise_is_ignored_by_kind_and_what_breaks_clients_for_a_time() {
    let found = for_legacy(&[
        ("body.extra", Kind::Extra, "absent→text", 3),
        ("body.gone", Kind::Missing, "text→absent", 3),
        ("body.list", Kind::Length, "list→longer", 3),
        ("body.name", Kind::Value, "text→text", 2),
        ("body.name", Kind::Value, "text→uuid", 1),
        ("body.order", Kind::Order, "list→reordered", 3),
        ("body.two", Kind::Type, "text→null", 2),
        ("body.two", Kind::Value, "text→text", 2),
        ("header.x-a", Kind::Header, "text→text", 3),
    ]);
    let expected = [
        "body.extra: tolerate extra",
        "body.gone: ignore missing for 30 days",
        "body.list: ignore length",
        "body.name: ignore value",
        "body.order: tolerate order",
        "body.two: ignore type, value for 30 days",
        "header.x-a: ignore header",
    ];
    assert_eq!(found, expected);
}

#[test]
fn too_little_evidence_and_broken_statuses_suggest_nothing() {
    assert_eq!(for_legacy(&[("body.id", Kind::Value, "uuid→uuid", 2)]), [""; 0]);
    assert_eq!(for_legacy(&[("status", Kind::Status, "200→500", 30)]), [""; 0]);
}

#[test]
fn why_is_told() {
    let mut samples = Samples::default();
    (0..4).for_each(|_| samples.see_noise(key("body.id", Kind::Value, "uuid→uuid")));
    let suggestion = suggestions(&samples, &pairs(50), NOW).remove(0);
    assert_eq!(suggestion.evidence, Evidence::Legacy);
    assert_eq!(
        suggestion.why,
        "legacy's own answers differed here 4 times in 50 pairs (uuid→uuid)"
    );
    assert_eq!(&*suggestion.rule.reason, "legacy's own answers differ here (uuid→uuid)");
}

#[test]
fn a_candidate_is_excused_only_for_what_any_two_servers_make_differently() {
    let mut samples = Samples::default();
    for (path, kind, values) in [
        ("body.at", Kind::Value, "rfc3339→rfc3339"),
        ("body.devices[].id", Kind::Value, "uuid→uuid"),
        ("body.name", Kind::Value, "text→text"),
        ("body.n", Kind::Value, "integer→integer"),
        ("body.gone", Kind::Missing, "text→absent"),
        ("body.mixed", Kind::Value, "uuid→text"),
        ("body.type", Kind::Type, "uuid→integer"),
    ] {
        samples.take(key(path, kind, values), 1, 0, || None);
    }
    assert_eq!(shown(&samples), ["body.at: shape rfc3339", "body.devices[].id: renamed in id"]);
    let all = suggestions(&samples, &pairs(0), NOW);
    assert!(all.iter().all(|suggestion| suggestion.evidence == Evidence::Candidate));
    // Where legacy differs too, that is the evidence.
    (0..3).for_each(|_| samples.see_noise(key("body.at", Kind::Value, "rfc3339→rfc3339")));
    let all = suggestions(&samples, &pairs(9), NOW);
    assert_eq!(all[0].evidence, Evidence::Legacy);
    // By other rules and builds nothing is known yet.
    samples.begin_anew();
    samples.forget_noise();
    assert_eq!(shown(&samples), [""; 0]);
}

#[test]
fn where_legacy_agrees_with_itself_no_candidate_is_excused() {
    let mut samples = Samples::default();
    for (path, kind, values) in [
        ("body.at", Kind::Value, "rfc3339→rfc3339"),
        ("body.devices", Kind::Order, "list→reordered"),
        ("body.owner", Kind::Value, "uuid→uuid"),
    ] {
        samples.take(key(path, kind, values), 1, 0, || None);
    }
    assert_eq!(shown_of(&samples, &pairs(0)).len(), 3);
    assert_eq!(shown_of(&samples, &pairs(1)), [""; 0]);
    let not_yet = Known { has_references: true, ..pairs(0) };
    assert_eq!(shown_of(&samples, &not_yet), [""; 0], "the first pair may come any time");
    // What legacy itself is not steady in is excused as before, and nothing beside it.
    (0..3).for_each(|_| samples.see_noise(key("body.at", Kind::Value, "rfc3339→rfc3339")));
    assert_eq!(shown_of(&samples, &pairs(9)), ["body.at: shape rfc3339"]);
}

#[test]
fn a_regression_is_not_excused_by_noise() {
    let mut samples = Samples::default();
    (0..3).for_each(|_| samples.see_noise(key("body.at", Kind::Value, "rfc3339→rfc3339")));
    let at = |path: &str| Place::At(path.parse().unwrap());
    assert_eq!(shown_of(&samples, &regressed(at("body.at"))), [""; 0]);
    assert_eq!(shown_of(&samples, &regressed(at("body.name"))), ["body.at: shape rfc3339"]);
    assert_eq!(shown_of(&samples, &regressed(Place::Other)), [""; 0], "it may be among these");
}

/// A cluster of lists in another order, with a sample of this list.
fn reordered(list: Vec<Value>) -> Samples {
    let map = Map::new(vec![("all".into(), Value::List(list))]).unwrap();
    let body = Body::Value(Value::Map(map));
    let answer = Answer { status: 200, headers: vec![], trailers: vec![], body };
    let legacy = Redactor::new(&[1; 32]).outline(&answer, &Keep::default());
    let head = SampleHead {
        id: SampleId(1),
        at_ms: 1,
        live_trace: TraceIds::default(),
        copy_trace: TraceIds::default(),
        shape: Shape::from_text("GET / 2xx"),
    };
    let request = RequestOutline {
        method: "GET".into(),
        template: "/".into(),
        path: vec![],
        query: vec![],
        headers: Node::Map(vec![]),
        body: BodyOutline::Empty,
        left_out: 0,
    };
    let (fault, reference, key_id) = (None, None, 0);
    let candidate = Some(legacy.clone());
    let sample =
        Sample { head: head.clone(), key_id, request, legacy, candidate, fault, reference };
    let document = sample.to_document().into();
    let _reserved = Budget::new(1).reserve(0).unwrap();
    let mut samples = Samples::default();
    let stored = || Some(Arc::new(Stored { head, document, _reserved }));
    samples.take(key("body.all", Kind::Order, "list→reordered"), 1, 0, stored);
    samples
}

fn thing(fields: &[(&str, &str)]) -> Value {
    let fields = fields.iter().map(|(name, text)| ((*name).into(), Value::text(text)));
    Value::Map(Map::new(fields.collect()).unwrap())
}

#[test]
fn elements_of_an_unordered_list_are_told_apart_by_a_field_that_does() {
    let by_id = reordered(vec![
        thing(&[("id", "1"), ("kind", "a"), ("at", "x")]),
        thing(&[("id", "2"), ("kind", "a"), ("at", "y")]),
    ]);
    assert_eq!(shown(&by_id), ["body.all: unordered by id"]);
    let by_another = reordered(vec![
        thing(&[("id", "1"), ("serial", "a")]),
        thing(&[("id", "1"), ("serial", "b")]),
    ]);
    assert_eq!(shown(&by_another), ["body.all: unordered by serial"]);
    let by_none = reordered(vec![thing(&[("id", "1")]), thing(&[("other", "2")])]);
    assert_eq!(shown(&by_none), ["body.all: tolerate order"]);
    let texts = reordered(vec![Value::text("a"), Value::text("b")]);
    assert_eq!(shown(&texts), ["body.all: tolerate order"]);
}
