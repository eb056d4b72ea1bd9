//! What is kept of mismatches, by whom it can be read again, and what is in it.

use bytes::Bytes;
use cutover_domain::{
    compare::{Action, Kind, Kinds, Rule, Rules},
    exchange::Keep,
};
use cutover_shadow::{
    Config, Doubt, JudgeAnswerError, Mark, NotReplayable, Outcome, RawAnswer, SampleId,
    StoredCluster,
};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;

use crate::rig::{JSON, Parts, Rig, answer, headers, live, parts, refuses, sum};

fn json(body: &str) -> Response<Full<Bytes>> {
    let response = Response::builder().header("content-type", JSON).header("x-served", "Grace");
    response.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

fn raw(body: &str) -> RawAnswer {
    RawAnswer {
        status: StatusCode::OK,
        headers: headers(&[("content-type", JSON)]),
        body: Bytes::copy_from_slice(body.as_bytes()),
        trailers: HeaderMap::new(),
    }
}

fn keeping(kept: &[&str]) -> Parts {
    let mut parts = parts().patient();
    parts.spec.keep = Keep::new(kept.iter().map(|place| place.parse().unwrap()));
    parts
}

/// The ids of a cluster's samples.
fn ids(rig: &Rig, path: &str) -> Vec<SampleId> {
    let clusters = rig.handle.clusters("read").unwrap().clusters;
    let cluster = clusters.into_iter().find(|cluster| cluster.key.path.as_str() == path).unwrap();
    cluster.samples.iter().map(|listed| listed.head.id).collect()
}

/// All that a store is told from the beginning, as it gives it back.
fn stored(rig: &Rig) -> Vec<StoredCluster> {
    let changes = rig.handle.sample_changes("read", Mark::default()).unwrap();
    assert!(changes.whole);
    let clusters = changes.clusters.into_iter();
    clusters
        .map(|change| StoredCluster {
            key: change.key,
            count: change.count,
            first_ms: change.first_ms,
            last_ms: change.last_ms,
            samples: change.samples,
        })
        .collect()
}

const LEGACY: &str = r#"{"name":"Ada","n":1,"state":"on"}"#;
const NEW: &str = r#"{"name":"Grace","n":1,"state":"off"}"#;

#[tokio::test]
async fn a_mismatch_is_told_redacted_and_can_be_sent_again() {
    let (legacy, new) = (refuses().await, answer(|_| json(NEW)).await);
    let kept = ["body.state", "query.limit", "request.header.accept"];
    let mut rig = keeping(&kept).start(&legacy, &new);
    let mut exchange = rig.exchange("/api/4711?limit=10", Some(live(JSON, LEGACY)));
    exchange.request.headers.insert("accept", JSON.parse().unwrap());
    exchange.request.headers.insert("authorization", "Basic QWRh".parse().unwrap());
    let record = rig.compared(exchange).await;
    rig.settled(1).await;

    let id = SampleId(record.copy_trace.span_id);
    // One sample for all that differs in it.
    for path in ["body.name", "body.state", "header.x-served"] {
        assert_eq!(ids(&rig, path), [id], "{path}");
    }
    let sample = rig.handle.sample("read", id).unwrap().unwrap();
    assert_eq!(sample.head.copy_trace, record.copy_trace);
    assert_eq!(sample.head.shape.as_str(), "GET /api/{rest...}?limit 2xx");
    let document = sample.to_document();
    assert!(document.contains(r#""state":"= \"on\""#), "{document}");
    assert!(document.contains(r#""state":"= \"off\""#), "{document}");
    for hidden in ["Ada", "Grace", "QWRh", "monolith.example"] {
        assert!(!document.contains(hidden), "{hidden} in {document}");
    }
    let replay = sample.request.replay().unwrap();
    assert_eq!(replay.target, "/api/4711?limit=10");
    assert_eq!(replay.headers, [("accept".to_owned(), JSON.to_owned())]);
    assert_eq!(replay.headers_left_out, ["authorization"]);

    let none = Rules::default();
    let judge = |body: &str| rig.handle.judge_answer("read", id, &raw(body), &none, 1).unwrap();
    assert!(judge(LEGACY).is_match());
    let found: Vec<String> =
        judge(NEW).differences.iter().map(|found| found.path.to_string()).collect();
    assert_eq!(found, ["body.name", "body.state"]);
    let unknown = rig.handle.judge_answer("read", SampleId(1), &raw(NEW), &none, 1);
    assert!(matches!(unknown, Err(JudgeAnswerError::Sample(SampleId(1)))));
}

#[tokio::test]
async fn rules_are_tried_on_what_is_kept() {
    let (legacy, new) = (refuses().await, answer(|_| json(NEW)).await);
    let mut rig = keeping(&[]).start(&legacy, &new);
    for _ in 0..3 {
        rig.compared(rig.exchange("/api/1", Some(live(JSON, LEGACY)))).await;
    }
    rig.settled(3).await;
    let rule = |path: &str, action| {
        let pattern = path.parse().unwrap();
        Rule { pattern, action, reason: "a test".into(), expires: None }
    };
    let lower = Action::Normalise(vec!["lower-case".parse().unwrap()]);
    let rules = vec![
        rule("body.state", Action::Ignore(Kinds::of(&[Kind::Value]))),
        rule("body.name", lower),
    ];
    let rejudged = rig.handle.rejudge("read", &Rules::new(rules).unwrap(), 1).unwrap();
    let outcome = |path: &str| {
        let of_path =
            |cluster: &&cutover_shadow::RejudgedCluster| cluster.key.path.as_str() == path;
        let cluster = rejudged.clusters.iter().find(of_path).unwrap();
        assert_eq!((cluster.count, cluster.samples.len()), (3, 3));
        cluster.outcome.clone()
    };
    assert_eq!(outcome("body.state"), Outcome::Gone);
    assert_eq!(outcome("header.x-served"), Outcome::Stays);
    let keep = vec!["body.name".into()];
    assert_eq!(outcome("body.name"), Outcome::Undecidable { why: Doubt::Redacted, keep });
}

#[tokio::test]
async fn another_process_goes_on_with_what_a_store_gives_back() {
    let (legacy, new) = (refuses().await, answer(|_| json(NEW)).await);
    let key = Config::default().redaction_key;
    let with_key = |key| {
        let mut parts = keeping(&[]);
        parts.config.redaction_key = key;
        parts
    };
    let mut before = with_key(key).start(&legacy, &new);
    for _ in 0..25 {
        before.compared(before.exchange("/api/1", Some(live(JSON, LEGACY)))).await;
    }
    before.settled(25).await;
    let mark = before.handle.sample_changes("read", Mark::default()).unwrap().mark;
    assert!(before.handle.sample_changes("read", mark).unwrap().clusters.is_empty());
    let mut kept = stored(&before);
    let id = ids(&before, "body.name")[0];

    let after = with_key(key).start(&legacy, &new);
    let restored = after.handle.restore_samples("read", kept.clone(), 3);
    assert_eq!((restored.samples, restored.left_out), (60, 0));
    // Parity is not given back here and begins anew, in the same second or a later one: so whether
    // samples are of before is left out.
    let told = |rig: &Rig| {
        let mut told = rig.handle.clusters("read").unwrap();
        let samples = told.clusters.iter_mut().flat_map(|cluster| &mut cluster.samples);
        samples.for_each(|sample| sample.is_older = false);
        (told.clusters, told.other)
    };
    assert_eq!(told(&after), (told(&before).0, 3));
    // A request that is the sample of several clusters is kept once.
    assert_eq!(after.handle.sample_bytes(), before.handle.sample_bytes());
    assert!(after.handle.sample_changes("read", restored.mark).unwrap().clusters.is_empty());
    let judged = after.handle.judge_answer("read", id, &raw(LEGACY), &Rules::default(), 1);
    assert!(judged.unwrap().is_match());

    // The key is lost, and one document with it.
    kept[0].samples[0].document = "{}".into();
    kept.iter_mut().for_each(|cluster| cluster.count = 0);
    let other = with_key([0; 32]).start(&legacy, &new);
    let restored = other.handle.restore_samples("read", kept, 0);
    assert_eq!((restored.samples, restored.left_out), (59, 1));
    let told = other.handle.clusters("read").unwrap();
    assert!(told.clusters.iter().all(|cluster| cluster.count == 0) && told.other == 0);
    let judged = other.handle.judge_answer("read", id, &raw(LEGACY), &Rules::default(), 1);
    assert!(matches!(judged, Err(JudgeAnswerError::OtherKey)), "{judged:?}");
    let rejudged = other.handle.rejudge("read", &Rules::default(), 1).unwrap();
    assert!(rejudged.clusters.iter().all(|cluster| cluster.outcome == Outcome::Stays));

    // After a week nothing is left of it, here and in the store.
    let mark = other.handle.sample_changes("read", Mark::default()).unwrap().mark;
    other.handle.prune_samples(u64::MAX);
    let changes = other.handle.sample_changes("read", mark).unwrap();
    assert_eq!((changes.clusters_gone.len(), changes.clusters.len()), (3, 0));
    assert_eq!(other.handle.sample_bytes(), 0);
}

#[tokio::test]
async fn nothing_that_anybody_said_is_in_what_a_store_is_told() {
    const SECRETS: [&str; 8] = [
        "Lovelace",
        "ada@example.org",
        "hunter2",
        "QWRhOmh1bnRlcjI",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "sess-9f8e7d6c",
        "+4915123456789",
        "DE89370400440532013000",
    ];
    let of = |at: usize| SECRETS[at];
    let body = |more: &str| {
        format!(
            r#"{{"user":{{"name":"{}","mail":"{}","{}":1}},"iban":"{}","tags":["{}"],"n":{more}}}"#,
            of(0),
            of(1),
            of(1),
            of(7),
            of(6)
        )
    };
    let candidate = body("2");
    let (legacy, new) = (
        refuses().await,
        answer(move |_| {
            let mut response = json(&candidate);
            let cookie = format!("session={}; Path=/u/{}", of(5), of(0));
            response.headers_mut().insert("set-cookie", cookie.parse().unwrap());
            response.headers_mut().insert("x-user", of(0).parse().unwrap());
            response
        })
        .await,
    );
    // What is kept of other places opens none of these.
    for kept in [vec![], vec!["query.page"]] {
        let mut rig = keeping(&kept).start(&legacy, &new);
        let target = format!("/api/users/{}/x?q={}&token={}&{}", of(0), of(1), of(4), of(6));
        for answer in [live(JSON, body("1")), live("text/plain", format!("{} {}", of(0), of(2)))] {
            let mut exchange = rig.exchange(&target, Some(answer));
            let fields = &mut exchange.request.headers;
            fields.insert("authorization", format!("Bearer {}", of(4)).parse().unwrap());
            fields.insert("cookie", format!("session={}", of(5)).parse().unwrap());
            fields.insert("x-user", of(0).parse().unwrap());
            fields.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
            exchange.request.body = format!("password={}&basic={}", of(2), of(3)).into();
            rig.compared(exchange).await;
        }
        rig.settled(2).await;
        let told = stored(&rig);
        assert!(told.iter().any(|cluster| !cluster.samples.is_empty()));
        let report = rig.report();
        let told = format!("{told:?} {report:?} {}", rig.scrape());
        for secret in SECRETS {
            assert!(!told.contains(secret), "{secret} in {told}");
        }
        let id = ids(&rig, "body.n")[0];
        let sample = rig.handle.sample("read", id).unwrap().unwrap();
        assert_eq!(sample.request.replay(), Err(NotReplayable::Path));
    }
}

#[tokio::test]
async fn samples_are_of_what_the_candidate_answers_for() {
    let (legacy, new) = (refuses().await, answer(|_| json("{}")).await);
    let mut rig = keeping(&[]).start(&legacy, &new);
    let mut answer = live(JSON, "{}");
    answer.headers.insert("x-served", "Grace".parse().unwrap());
    rig.compared(rig.exchange("/api/1", Some(answer))).await;
    rig.settled(1).await;
    assert_eq!(rig.report().mismatches.clusters, []);
    assert_eq!(rig.handle.sample_bytes(), 0);
    assert_eq!(sum(&rig.scrape(), "cutover_shadow_samples_dropped_total"), 0);
    assert!(rig.handle.clusters("none").is_none());
    assert!(rig.handle.sample_changes("none", Mark::default()).is_none());
}
