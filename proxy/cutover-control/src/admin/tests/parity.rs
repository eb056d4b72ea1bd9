//! How candidates answer, asked over real connections.

use cutover_domain::{
    compare::{Action, Difference, Format, Incomparable, Kind, Rule, Rules},
    exchange::{Dropped, TraceIds},
    parity::{Basis, Cause, Counters, Observation, Parity, Shape},
};

use super::*;
use crate::{
    Accounting, Answer, Cluster, Comparisons, Evidence, NotJudged, Rejudged, Sample, SampleName,
    Seen, Suggestion,
    api::{
        ClusterName, DiffsAnswer, NotReplayableRow, OutcomeName, ParityAnswer, RejudgeAnswer,
        RejudgedRow, ReplayAnswer, ReplayVerdict, RequestRow, SamplesAnswer, StandingName,
    },
};

/// Route `read` differs at `body.name` every tenth time; legacy differs from itself at `body.seen`
/// every fifth, and so does new, independently. Of `list` nothing was copied yet.
pub(super) struct Seeing;

const NAME: &str = "body.name";
const SEEN: &str = "body.seen";

fn parity() -> Parity {
    let mut parity = Parity::new(Basis { rules: "r1".into(), ..Basis::default() }, 100);
    let shape = Shape::new("GET", "/read/{id}", [], 200, None);
    let judge = |parity: &mut Parity, compared: Result<&[Difference], Incomparable>| {
        let (paired, now) = (true, 1_000);
        parity.judge(&Observation {
            compared,
            paired,
            shape: &shape,
            latency_micros: Some(2_500),
            now,
        });
    };
    for request in 0..400 {
        let mut differences = Vec::new();
        if request % 10 == 0 {
            differences.push(difference(NAME, true, false));
        }
        if request % 5 == 1 {
            differences.push(difference(SEEN, request % 2 == 0, request % 2 == 1));
        }
        judge(&mut parity, Ok(&differences));
    }
    judge(&mut parity, Err(Incomparable::Malformed));
    parity.drop_one(Dropped::Rate);
    parity.see(&Shape::new("GET", "/read/{id}", ["expand"], 200, None), 1_000);
    parity
}

fn difference(path: &str, candidate: bool, reference: bool) -> Difference {
    let (path, kind, shape) = (path.parse().unwrap(), Kind::Value, "text→text".into());
    Difference { path, kind, candidate, reference: Some(reference), shape }
}

impl Comparisons for Seeing {
    fn counters(&self, route: &str) -> Option<Counters> {
        (route == "read").then(|| parity().snapshot().counters.clone())
    }

    fn evidence(&self, route: &str, target: f64, now: u64) -> Option<Evidence> {
        (route == "read").then(|| Evidence { report: parity().report(target, now), build: None })
    }

    fn seen(&self, route: &str) -> Option<Seen> {
        let cluster = |path: &str, count| Cluster {
            path: path.parse().unwrap(),
            kind: Kind::Value,
            values: "text→text".into(),
            count,
            samples: vec![name()],
        };
        let rule = Rule {
            pattern: SEEN.parse().unwrap(),
            action: Action::Shape(Format::Rfc3339),
            reason: "legacy differs from itself".into(),
            expires: None,
        };
        (route == "read").then(|| Seen {
            accounting: Accounting {
                eligible: 403,
                matches: 320,
                mismatches: 40,
                noisy: 40,
                incomparable: 1,
                dropped: [(Dropped::Rate, 1), (Dropped::Budget, 0)].into(),
            },
            parity: parity(),
            clusters: vec![cluster(SEEN, 90), cluster(NAME, 40)],
            suggestions: vec![Suggestion { rule, why: "80 of 80 values have this form".into() }],
        })
    }

    fn samples(&self, route: &str, path: Option<&str>) -> Vec<SampleName> {
        let mut ids = match path {
            None => vec!["7", "8"],
            Some(SEEN) => vec!["8"],
            Some(_) => Vec::new(),
        };
        ids.retain(|_| route == "read");
        let sample = |id: &str| SampleName { id: id.into(), is_older: id == "8", ..name() };
        ids.into_iter().map(sample).collect()
    }

    fn sample(&self, route: &str, id: &str) -> Option<Sample> {
        let name = self.samples(route, None).into_iter().find(|name| name.id == id)?;
        let request = match id {
            "7" => Ok(RequestRow {
                method: "GET".into(),
                target: "/read/7".into(),
                headers: vec![("accept".into(), "*/*".into())],
                headers_left_out: vec!["authorization".into()],
                body: String::new(),
            }),
            _ => Err(NotReplayableRow { code: "query".into(), why: "it is redacted".into() }),
        };
        let document = json!({ "version": 1, "id": id });
        Some(Sample { name, clusters: Vec::new(), request, document })
    }

    fn rejudge(&self, route: &str, rules: &Rules, now: u64) -> Rejudged {
        let row = |path: &str| {
            let is_allowed = rules.iter().any(|rule| rule.pattern.as_str() == path);
            RejudgedRow {
                cluster: ClusterName {
                    path: path.into(),
                    kind: "value".into(),
                    values: "text→text".into(),
                },
                count: 40,
                outcome: if is_allowed { OutcomeName::Gone } else { OutcomeName::Stays },
                why: None,
                keep: Vec::new(),
                stays: u64::from(!is_allowed),
                gone: u64::from(is_allowed),
                undecidable: 0,
            }
        };
        assert!(now > 0);
        let clusters = if route == "read" { vec![row(NAME), row(SEEN)] } else { Vec::new() };
        Rejudged { clusters, appears: Vec::new() }
    }

    fn judge_answer(
        &self,
        route: &str,
        sample: &str,
        answer: &Answer,
        rules: &Rules,
        _: u64,
    ) -> Result<ReplayAnswer, NotJudged> {
        assert!(rules.iter().next().is_none(), "the rules in force");
        if sample == "8" {
            return Err(NotJudged::Unusable);
        }
        let sample = self.sample(route, sample).ok_or(NotJudged::NoSample)?.name.id;
        let is_same = answer.body == "{}" && answer.headers["x-a"] == "b" && answer.status == 200;
        let verdict = if is_same { ReplayVerdict::Match } else { ReplayVerdict::Mismatch };
        Ok(ReplayAnswer { sample, verdict, why: None, differences: Vec::new(), cut: false })
    }
}

fn name() -> SampleName {
    SampleName {
        id: "7".into(),
        at_ms: 5,
        live_trace: TraceIds { trace_id: 0xab, span_id: 1 },
        copy_trace: TraceIds { trace_id: 0xcd, span_id: 2 },
        shape: "GET /read/{id} 2xx".into(),
        is_older: false,
    }
}

const FILES: &str = "read shadow copied\n list shadow copied\n bare shadow\n first legacy copied\n \
                     write shadow copied post writes=unsafe";

#[tokio::test]
async fn the_parity_of_a_route_accounts_for_every_request() {
    let rig = Rig::new(FILES).await;
    let answer: ParityAnswer = answers::read(&rig.get("/api/v1/routes/read/parity").await);
    let accounting = answer.accounting.unwrap();
    assert_eq!((accounting.compared, accounting.open), (401, 1));
    assert_eq!(accounting.dropped, [("rate".to_owned(), 1)].into(), "zeros are left out");
    let dropped: u64 = accounting.dropped.values().sum();
    assert_eq!(accounting.eligible, accounting.compared + dropped + accounting.open);

    let parity = answer.parity.unwrap();
    assert!(parity.bound < parity.point.unwrap() && parity.bound > 0.8, "{parity:?}");
    assert_eq!(parity.counters.incomparable, [("malformed".to_owned(), 1)].into());
    assert_eq!(parity.pairs, 400);
    assert_eq!(parity.latency.unwrap().count, 401);
    let coverage = &parity.coverage;
    assert_eq!((coverage.compared, coverage.seen, coverage.share), (1, 2, Some(0.5)));
    assert_eq!(coverage.missing, ["GET /read/{id}?expand 2xx"]);
    let [regression] = &parity.regressions[..] else { panic!("{parity:?}") };
    assert_eq!(
        (regression.path.as_str(), regression.only_new, regression.only_legacy),
        (NAME, 40, 0)
    );
    assert!(regression.ln_evidence > parity.ln_threshold);
    let [noise] = &parity.noise[..] else { panic!("{parity:?}") };
    assert_eq!((noise.path.as_str(), noise.known.as_slice()), (SEEN, &["value".to_owned()][..]));
    assert_eq!(noise.suggestion.as_ref().unwrap().rule.shape.as_deref(), Some("rfc3339"));
    assert_eq!(parity.basis.rules.as_deref(), Some("r1"));
    let [epoch] = &parity.history[..] else { panic!("{parity:?}") };
    assert_eq!((epoch.cause.as_str(), epoch.since_ms), (Cause::Profile.as_str(), 100_000));
    let codes: Vec<_> = answer.blocks.iter().map(|block| block.code.as_str()).collect();
    assert_eq!(codes, ["regression", "bound", "comparisons", "coverage"]);
    assert!(answer.blocks[0].why.contains("40 of 400 pairs"), "{:?}", answer.blocks);
    rig.end().await;
}

#[tokio::test]
async fn another_target_makes_another_outlook() {
    let rig = Rig::new(FILES).await;
    let ask = async |target: &str| -> ParityAnswer {
        answers::read(&rig.get(&format!("/api/v1/routes/read/parity?target={target}")).await)
    };
    let outlook = |answer: ParityAnswer| answer.parity.unwrap().outlook;
    assert_eq!(outlook(ask("0.5").await).state, crate::api::OutlookName::Reached);
    assert_eq!(outlook(ask("0.999").await).state, crate::api::OutlookName::Below);
    for target in ["1", "0", "99.5", "much"] {
        let got = rig.get(&format!("/api/v1/routes/read/parity?target={target}")).await;
        assert_eq!(got.code(), "bad_request", "{target}");
    }
    rig.end().await;
}

#[tokio::test]
async fn differences_come_by_excess_over_noise() {
    let rig = Rig::new(FILES).await;
    let answer: DiffsAnswer = answers::read(&rig.get("/api/v1/routes/read/diffs").await);
    let [name, seen] = &answer.clusters[..] else { panic!("{answer:?}") };
    assert_eq!((name.path.as_str(), name.standing), (NAME, StandingName::Regression));
    assert_eq!((name.excess, name.count), (40, 40));
    let judged = answer.judged.unwrap();
    assert_eq!(judged, parity().snapshot().counters.judged());
    assert!((name.share - 40.0 / judged as f64).abs() < 1e-9, "{} {judged}", name.share);
    assert!(name.suggestion.is_none(), "a mistake of new is no noise");
    assert_eq!((seen.path.as_str(), seen.standing), (SEEN, StandingName::Noise));
    assert_eq!((seen.excess, seen.count), (0, 90), "as often as legacy itself");
    assert_eq!(seen.samples[0].trace_id, format!("{:032x}", 0xab));
    assert!(answer.copies.taken && answer.bound.is_some());
    let answer: DiffsAnswer = answers::read(&rig.get("/api/v1/routes/read/diffs?limit=1").await);
    assert_eq!((answer.clusters.len(), answer.clusters_total), (1, 2));
    let answer: DiffsAnswer =
        answers::read(&rig.get("/api/v1/routes/read/diffs?path=body.seen").await);
    assert_eq!((answer.clusters[0].path.as_str(), answer.clusters_total), (SEEN, 1));
    rig.end().await;
}

#[tokio::test]
async fn what_could_not_be_judged_is_told_by_reason() {
    let rig = Rig::new(FILES).await;
    let answer: DiffsAnswer = answers::read(&rig.get("/api/v1/routes/read/diffs").await);
    assert_eq!(answer.unjudged, [("malformed".to_owned(), 1)].into(), "not `rate`, which is ours");
    let answer: DiffsAnswer = answers::read(&rig.get("/api/v1/routes/list/diffs").await);
    assert!(answer.unjudged.is_empty());
    rig.end().await;
}

#[tokio::test]
async fn nothing_compared_says_why() {
    let rig = Rig::new(FILES).await;
    for (route, code) in [
        ("list", None),
        ("bare", Some("no_shadow")),
        ("first", Some("phase")),
        ("write", Some("writes")),
    ] {
        let answer: DiffsAnswer =
            answers::read(&rig.get(&format!("/api/v1/routes/{route}/diffs")).await);
        assert_eq!(answer.copies.code.as_deref(), code, "{route}");
        assert_eq!((answer.copies.taken, answer.accounting), (code.is_none(), None), "{route}");
        let answer: ParityAnswer =
            answers::read(&rig.get(&format!("/api/v1/routes/{route}/parity")).await);
        assert_eq!(answer.blocks[0].code, "no_copies", "{route}");
        assert!(answer.parity.is_none(), "{route}");
    }
    assert_eq!(rig.get("/api/v1/routes/nowhere/diffs").await.code(), "unknown_route");
    assert_eq!(rig.get("/api/v1/routes/nowhere/parity").await.code(), "unknown_route");
    rig.end().await;
}

#[tokio::test]
async fn status_shows_the_bound_and_not_the_point() {
    let rig = Rig::new(FILES).await;
    let status = rig.get("/api/v1/status").await.json();
    let bound = parity().snapshot().counters.bound();
    assert_eq!(status["routes"][0]["parity"].as_f64(), Some(bound));
    assert!(status["routes"][1]["parity"].is_null(), "nothing was judged");
    let route = rig.get("/api/v1/routes/read").await.json();
    assert_eq!(route["route"]["parity"].as_f64(), Some(bound));
    rig.end().await;
}

#[tokio::test]
async fn samples_whole_by_path_and_by_id() {
    let rig = Rig::new(FILES).await;
    let ask = async |query: &str| -> SamplesAnswer {
        answers::read(&rig.get(&format!("/api/v1/routes/read/samples{query}")).await)
    };
    let ids = |answer: &SamplesAnswer| {
        answer.samples.iter().map(|row| row.name.id.clone()).collect::<Vec<_>>()
    };
    let all = ask("").await;
    assert_eq!((ids(&all), all.samples_total), (vec!["7".into(), "8".into()], 2));
    assert_eq!(all.samples[0].request.as_ref().unwrap().target, "/read/7");
    assert!(!all.samples[0].name.older && all.samples[1].name.older);
    assert_eq!(all.samples[1].not_replayable.as_ref().unwrap().code, "query");
    assert_eq!(all.samples[1].document["id"], "8");
    let first = ask("?limit=1").await;
    assert_eq!((ids(&first), first.samples_total), (vec!["7".into()], 2));
    assert_eq!(ids(&ask("?path=body.seen").await), ["8"]);
    assert_eq!(ids(&ask("?id=8").await), ["8"]);
    assert_eq!(rig.get("/api/v1/routes/read/samples?id=9").await.code(), "unknown_sample");
    assert_eq!(rig.get("/api/v1/routes/nowhere/samples").await.code(), "unknown_route");
    let none: SamplesAnswer = answers::read(&rig.get("/api/v1/routes/list/samples").await);
    assert_eq!(none.samples_total, 0);
    rig.end().await;
}

#[tokio::test]
async fn kept_mismatches_are_judged_by_the_rules_of_files() {
    let rig = Rig::new(FILES).await;
    let files = |text: &str| json!({ "files": [{ "path": "cutover.toml", "text": text }] });
    let path = "/api/v1/routes/read/rejudge";
    let outcomes = |got: &Got| {
        let answer: RejudgeAnswer = answers::read(got);
        answer.clusters.iter().map(|row| row.outcome).collect::<Vec<_>>()
    };
    let same = rig.post(path, "viewer", files("read shadow copied")).await;
    assert_eq!(outcomes(&same), [OutcomeName::Stays, OutcomeName::Stays]);
    let other = rig.post(path, "viewer", files("read shadow copied ignore=body.seen")).await;
    assert_eq!(outcomes(&other), [OutcomeName::Stays, OutcomeName::Gone]);
    assert_eq!(rig.post(path, "viewer", files("broken")).await.code(), "invalid_config");
    assert_eq!(rig.post(path, "viewer", files("list shadow")).await.code(), "unknown_route");
    rig.end().await;
}

#[tokio::test]
async fn an_answer_is_judged_and_nothing_counted() {
    let rig = Rig::new(FILES).await;
    let path = "/api/v1/routes/read/replay";
    let ask = async |sample: &str, answer: Value| {
        rig.post(path, "operator", json!({ "sample": sample, "answer": answer })).await
    };
    // `{}` in base 64.
    let same = json!({ "status": 200, "headers": [["x-a", "b"]], "body_base64": "e30=" });
    let judged: ReplayAnswer = answers::read(&ask("7", same.clone()).await);
    assert_eq!((judged.sample.as_str(), judged.verdict), ("7", ReplayVerdict::Match));
    let other = json!({ "status": 404, "headers": [["x-a", "b"]] });
    let judged: ReplayAnswer = answers::read(&ask("7", other).await);
    assert_eq!(judged.verdict, ReplayVerdict::Mismatch);
    assert_eq!(ask("9", same.clone()).await.code(), "unknown_sample");
    assert_eq!(ask("8", same.clone()).await.code(), "sample_unusable");
    for bad in [
        json!({ "status": 99 }),
        json!({ "status": 600 }),
        json!({ "status": 200, "headers": [["a b", "c"]] }),
        json!({ "status": 200, "trailers": [["a", "b\nc"]] }),
        json!({ "status": 200, "body_base64": "!" }),
    ] {
        assert_eq!(ask("7", bad.clone()).await.code(), "bad_request", "{bad}");
    }
    let guess = json!({ "sample": "7", "answer": same });
    assert_eq!(rig.post(path, "viewer", guess).await.code(), "role_too_low", "it helps to guess");
    rig.end().await;
}

#[tokio::test]
async fn a_process_that_compares_nothing_says_so() {
    let rig = Rig::blind(FILES).await;
    let answer: DiffsAnswer = answers::read(&rig.get("/api/v1/routes/read/diffs").await);
    assert_eq!(answer.copies.code.as_deref(), Some("off"));
    let files = json!({ "files": [{ "path": "cutover.toml", "text": FILES }] });
    assert_eq!(
        rig.post("/api/v1/routes/read/rejudge", "viewer", files).await.code(),
        "not_compared"
    );
    let none: SamplesAnswer = answers::read(&rig.get("/api/v1/routes/read/samples").await);
    assert_eq!(none.samples_total, 0);
    rig.end().await;
}
