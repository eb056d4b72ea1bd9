use cutover_domain::{
    compare::{Action, Answer, Kinds, Normal, Rule, Tolerance},
    exchange::{Budget, Keep, TraceIds},
    parity::Shape,
};

use super::*;
use crate::redaction::{BodyOutline, Node, RequestOutline};

const NOW: u64 = 1_800_000_000;

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, text)| (http::HeaderName::from_static(name), text.parse().unwrap()))
        .collect()
}

fn raw(status: u16, body: &str) -> RawAnswer {
    RawAnswer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers(&[("content-type", "application/json"), ("x-at", "10")]),
        body: Bytes::copy_from_slice(body.as_bytes()),
        trailers: HeaderMap::new(),
    }
}

fn answer(raw: &RawAnswer) -> Answer {
    let RawAnswer { status, headers, body, trailers } = raw;
    let body = &Copied::Whole(body.clone());
    parse(Raw { status: *status, headers, body, trailers }, &Limits::default())
        .unwrap()
        .into_answer()
}

fn redactor() -> Redactor {
    Redactor::new(&[1; 32])
}

/// Samples of one route, made of the bodies of legacy, the candidate, and legacy again.
struct Bench {
    keep: Keep,
    samples: Vec<Sample>,
}

impl Bench {
    fn new(kept: &[&str]) -> Bench {
        let keep = Keep::new(kept.iter().map(|place| place.parse().unwrap()));
        Bench { keep, samples: Vec::new() }
    }

    fn with(mut self, legacy: &str, candidate: Option<&str>, reference: Option<&str>) -> Bench {
        let outline = |body: &str| redactor().outline(&answer(&raw(200, body)), &self.keep);
        let id = self.samples.len() as u64 + 1;
        self.samples.push(Sample {
            head: SampleHead {
                id: SampleId(id),
                at_ms: id,
                live_trace: TraceIds::default(),
                copy_trace: TraceIds::default(),
                shape: Shape::from_text("GET / 2xx"),
            },
            key_id: redactor().key_id(),
            request: RequestOutline {
                method: "GET".into(),
                template: "/".into(),
                path: vec![],
                query: vec![],
                headers: Node::Map(vec![]),
                body: BodyOutline::Empty,
                left_out: 0,
            },
            legacy: outline(legacy),
            candidate: candidate.map(outline),
            fault: candidate.is_none().then(|| "deadline".into()),
            reference: reference.map(outline),
        });
        self
    }

    /// All samples as those of one cluster.
    fn rejudged(&self, path: &str, kind: Kind, rules: &Rules) -> RejudgedCluster {
        let budget = Budget::new(1 << 20);
        let stored = |sample: &Sample| {
            let document: Arc<str> = sample.to_document().into();
            let _reserved = budget.reserve(document.len() as u64).unwrap();
            Arc::new(Stored { head: sample.head.clone(), document, _reserved })
        };
        let stored: Vec<Arc<Stored>> = self.samples.iter().map(stored).collect();
        let key = ClusterKey { path: path.parse().unwrap(), kind, values: "".into() };
        let rejudge =
            Rejudge { rules, limits: &Limits::default(), now: NOW, redactor: &redactor() };
        rejudge.clusters(vec![(key, 7, stored)]).clusters.remove(0)
    }

    fn outcome(&self, path: &str, kind: Kind, rules: &Rules) -> Outcome {
        self.rejudged(path, kind, rules).outcome
    }

    fn judged(&self, raw: &RawAnswer, rules: &Rules) -> JudgedAnswer {
        let rejudge =
            Rejudge { rules, limits: &Limits::default(), now: NOW, redactor: &redactor() };
        rejudge.answer(self.samples[0].clone(), raw).unwrap()
    }
}

fn rules(path: &str, action: Action) -> Rules {
    let expires = Some(NOW + 1);
    let rule = Rule { pattern: path.parse().unwrap(), action, reason: "a test".into(), expires };
    Rules::new(vec![rule]).unwrap()
}

fn redacted(keep: &[&str]) -> Outcome {
    let keep = keep.iter().map(|place| (*place).into()).collect();
    Outcome::Undecidable { why: Doubt::Redacted, keep }
}

#[test]
fn a_cluster_stays_as_long_as_one_of_its_samples_does() {
    let bench = Bench::new(&[]).with(r#"{"a":1}"#, Some(r#"{"a":2}"#), None).with(
        r#"{"a":1,"b":[1,2]}"#,
        Some(r#"{"a":1,"b":[2,1]}"#),
        None,
    );
    let none = Rules::default();
    assert_eq!(bench.outcome("body.a", Kind::Value, &none), Outcome::Stays);
    let ignored = rules("body.a", Action::Ignore(Kinds::of(&[Kind::Value])));
    assert_eq!(bench.outcome("body.a", Kind::Value, &ignored), Outcome::Gone);
    assert_eq!(bench.outcome("body.b", Kind::Order, &ignored), Outcome::Stays);
    let unordered = rules("body.b", Action::Unordered { key: "".into() });
    assert_eq!(bench.outcome("body.b", Kind::Order, &unordered), Outcome::Gone);
    // A rule that has ended settles nothing.
    let mut ended: Vec<Rule> = ignored.iter().cloned().collect();
    ended[0].expires = Some(NOW);
    let ended = Rules::new(ended).unwrap();
    assert_eq!(bench.outcome("body.a", Kind::Value, &ended), Outcome::Stays);

    let cluster = bench.rejudged("body.a", Kind::Value, &none);
    assert_eq!((cluster.count, cluster.samples.len()), (7, 2));
    assert_eq!(cluster.samples[1].outcome, Outcome::Gone);
    let found = &cluster.samples[1].differences[0];
    assert_eq!(
        (found.path.as_str(), found.kind, found.class),
        ("body.b", Kind::Order, Class::Suspect)
    );
}

#[test]
fn what_only_values_could_tell_is_not_guessed() {
    let (legacy, candidate) = (r#"{"n":10,"s":"Ada","u":"x"}"#, r#"{"n":11,"s":"ada","u":"y"}"#);
    let near = Action::Tolerate(Tolerance::Number("1".parse().unwrap()));
    let lower = Action::Normalise(vec![Normal::LowerCase]);
    let hidden = Bench::new(&[]).with(legacy, Some(candidate), None);
    let kept = Bench::new(&["body.*"]).with(legacy, Some(candidate), None);
    for (path, action) in [("body.n", near.clone()), ("body.s", lower)] {
        let rules = rules(path, action);
        assert_eq!(hidden.outcome(path, Kind::Value, &rules), redacted(&[path]), "{path}");
        assert_eq!(kept.outcome(path, Kind::Value, &rules), Outcome::Gone, "{path}");
        assert_eq!(hidden.outcome("body.u", Kind::Value, &rules), Outcome::Stays);
    }
    let nearer = rules("body.n", Action::Tolerate(Tolerance::Number("0.5".parse().unwrap())));
    assert_eq!(kept.outcome("body.n", Kind::Value, &nearer), Outcome::Stays);
    // What can never be kept is not asked for.
    let bench = Bench::new(&[]).with(r#"{"token":1}"#, Some(r#"{"token":2}"#), None);
    let outcome = bench.outcome("body.token", Kind::Value, &rules("body.token", near));
    assert_eq!(outcome, redacted(&[]));
}

#[test]
fn renamed_values_are_told_from_sample_to_sample() {
    let renamed = rules("body.id", Action::Renamed { space: "ids".into() });
    let bench = Bench::new(&[]).with(r#"{"id":"a"}"#, Some(r#"{"id":"x"}"#), None).with(
        r#"{"id":"a"}"#,
        Some(r#"{"id":"x"}"#),
        None,
    );
    assert_eq!(bench.outcome("body.id", Kind::Value, &renamed), Outcome::Gone);
    let bench = bench.with(r#"{"id":"a"}"#, Some(r#"{"id":"y"}"#), None);
    assert_eq!(bench.outcome("body.id", Kind::Value, &renamed), Outcome::Stays);
}

#[test]
fn what_legacy_does_too_is_gone() {
    let none = Rules::default();
    let bench = Bench::new(&[]).with(r#"{"a":1}"#, Some(r#"{"a":2}"#), Some(r#"{"a":3}"#));
    assert_eq!(bench.outcome("body.a", Kind::Value, &none), Outcome::Gone);
    let difference = &bench.rejudged("body.a", Kind::Value, &none).samples[0].differences[0];
    assert_eq!(difference.class, Class::Noise);
    let bench = Bench::new(&[]).with(r#"{"a":1}"#, Some(r#"{"a":2}"#), Some(r#"{"a":1}"#));
    assert_eq!(bench.outcome("body.a", Kind::Value, &none), Outcome::Stays);
}

#[test]
fn a_candidate_that_gave_no_answer_is_excused_by_no_rule() {
    let bench = Bench::new(&[]).with("{}", None, None);
    let ignored = rules("status", Action::Ignore(Kinds::of(&[Kind::Status])));
    assert_eq!(bench.outcome("status", Kind::Status, &ignored), Outcome::Stays);
    let difference = &bench.rejudged("status", Kind::Status, &ignored).samples[0].differences[0];
    assert_eq!(&*difference.values, "answer→deadline");
}

#[test]
fn what_was_cut_off_proves_nothing_gone() {
    let list = |last: &str| {
        let many = r#"{"id":123456,"name":"somebody"},"#.repeat(3_000);
        format!(r#"{{"all":[{many}{{"id":{last}}}],"x":1}}"#)
    };
    let (legacy, candidate) = (list("1"), list("2"));
    let bench = Bench::new(&[]).with(&legacy, Some(&candidate), None);
    assert!(bench.samples[0].legacy.left_out > 0);
    let cut = Outcome::Undecidable { why: Doubt::Cut, keep: vec![] };
    let none = Rules::default();
    assert_eq!(bench.outcome("body.all[].id", Kind::Value, &none), cut);
    assert_eq!(bench.outcome("status", Kind::Status, &none), Outcome::Gone);
    assert!(bench.judged(&raw(200, &legacy), &none).is_cut);
}

#[test]
fn clusters_without_samples_and_broken_documents_are_told_apart() {
    let rejudge = Rejudge {
        rules: &Rules::default(),
        limits: &Limits::default(),
        now: NOW,
        redactor: &redactor(),
    };
    let key = ClusterKey { path: Path::body(), kind: Kind::Value, values: "".into() };
    let bench = Bench::new(&[]).with("{}", Some("{}"), None);
    let broken = Arc::new(Stored {
        head: bench.samples[0].head.clone(),
        document: bench.samples[0].to_document().replace(r#""version":1"#, r#""version":2"#).into(),
        _reserved: Budget::new(1).reserve(0).unwrap(),
    });
    let clusters = vec![(key.clone(), 1, vec![]), (key, 1, vec![broken])];
    let outcomes: Vec<_> =
        rejudge.clusters(clusters).clusters.into_iter().map(|cluster| cluster.outcome).collect();
    let undecidable = |why| Outcome::Undecidable { why, keep: vec![] };
    assert_eq!(outcomes, [undecidable(Doubt::NoSample), undecidable(Doubt::Unreadable)]);
}

#[test]
fn an_answer_is_held_against_what_is_stored_of_legacys() {
    let bench = Bench::new(&["body.kept"]).with(
        r#"{"kept":10,"name":"Ada","on":true,"list":["a","b"]}"#,
        Some("{}"),
        None,
    );
    let none = Rules::default();
    let same =
        bench.judged(&raw(200, r#"{"on":true,"list":["a","b"],"name":"Ada","kept":10.0}"#), &none);
    assert_eq!(same.differences, []);
    assert!(same.is_match() && !same.is_cut);

    let other = raw(200, r#"{"kept":11,"name":"ada","on":false,"list":["b","a"]}"#);
    let found = |judged: &JudgedAnswer| -> Vec<String> {
        let shown = |found: &JudgedDifference| {
            let mark = if found.is_certain { "" } else { " ?" };
            format!("{} {} {}{mark}", found.path, found.kind, found.values)
        };
        judged.differences.iter().map(shown).collect()
    };
    let judged = bench.judged(&other, &none);
    assert!(judged.is_mismatch() && !judged.is_match());
    assert_eq!(
        found(&judged),
        [
            "body.kept value integer→integer",
            "body.list order list→reordered",
            "body.name value text→text",
            "body.on value bool→bool",
        ]
    );
    let lower = rules("body.**", Action::Normalise(vec![Normal::LowerCase]));
    let judged = bench.judged(&other, &lower);
    assert!(found(&judged).contains(&"body.name value text→text ?".to_owned()), "{judged:?}");
    let near = rules("body.kept", Action::Tolerate(Tolerance::Number("1".parse().unwrap())));
    assert_eq!(bench.judged(&other, &near).differences.len(), 3);
    assert_eq!(found(&bench.judged(&raw(404, "{}"), &none)), ["status status 200→404"]);
}

#[test]
fn samples_of_another_key_say_nothing_of_new_answers() {
    let bench = Bench::new(&[]).with(r#"{"a":true}"#, Some(r#"{"a":false}"#), None);
    let other = Redactor::new(&[2; 32]);
    let rules = Rules::default();
    let rejudge = Rejudge { rules: &rules, limits: &Limits::default(), now: NOW, redactor: &other };
    let judged = rejudge.answer(bench.samples[0].clone(), &raw(200, "{}"));
    assert!(matches!(judged, Err(JudgeAnswerError::OtherKey)));
    // Among themselves they do.
    let budget = Budget::new(1 << 20);
    let stored = Arc::new(Stored {
        head: bench.samples[0].head.clone(),
        document: bench.samples[0].to_document().into(),
        _reserved: budget.reserve(0).unwrap(),
    });
    let key = ClusterKey { path: "body.a".parse().unwrap(), kind: Kind::Value, values: "".into() };
    let rejudged = rejudge.clusters(vec![(key, 1, vec![stored])]);
    assert_eq!(rejudged.clusters[0].outcome, Outcome::Stays);
}

#[test]
fn a_sample_is_read_back_as_it_was_written() {
    let bench = Bench::new(&["body.a"])
        .with(r#"{"a":1,"b":"x"}"#, Some("[]"), Some("{}"))
        .with("1", None, None);
    for sample in &bench.samples {
        let document = sample.to_document();
        assert_eq!(&Sample::from_document(&document).unwrap(), sample);
        // A later release may say more.
        let more = document.replacen('{', r#"{"mood":"fine","#, 1);
        assert_eq!(&Sample::from_document(&more).unwrap(), sample);
    }
    assert!(matches!(Sample::from_document("{}"), Err(BadSample::Damaged(_))));
    assert!(matches!(Sample::from_document(r#"{"version":9}"#), Err(BadSample::Version(9))));
}
