//! The second legacy call.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use cutover_domain::{Percent, WriteClass, parity::Verdict};
use cutover_shadow::{Evidence, Suggestion};
use http::{Request, Response};
use http_body_util::Full;

use crate::rig::{JSON, Server, answer, live, parts, refuses};

fn json(body: String) -> Response<Full<Bytes>> {
    Response::builder().header("content-type", JSON).body(Full::from(body)).unwrap()
}

/// Counts up in each answer.
fn counting(
    wrong: &'static str,
) -> impl Fn(&Request<Bytes>) -> Response<Full<Bytes>> + Send + Sync {
    let count = Arc::new(AtomicU64::new(1));
    move |_| {
        let count = count.fetch_add(1, Ordering::Relaxed);
        json(format!(r#"{{"at": {count}, "name": "{wrong}"}}"#))
    }
}

#[tokio::test]
async fn what_legacy_differs_in_from_itself_is_noise() {
    let (legacy, new) = (answer(counting("a")).await, answer(counting("a")).await);
    let mut started = parts().patient();
    started.writes = Some(WriteClass::Safe);
    let mut rig = started.start(&legacy, &new);
    for at in 0..20 {
        let record =
            rig.compared(rig.exchange("/api/x", Some(live(JSON, r#"{"at":0,"name":"a"}"#)))).await;
        assert!(record.is_paired);
        assert_eq!(record.verdict, Verdict::Noisy, "copy {at}");
    }
    assert_eq!(rig.settled(20).await.noisy, 20);
    assert_eq!(legacy.count(), 20);
    let suggestions = rig.handle.suggestions("read");
    assert_eq!(suggestions.len(), 1, "{suggestions:?}");
    let Suggestion { rule, why, evidence } = &suggestions[0];
    assert_eq!(
        (rule.pattern.as_str(), rule.action.to_string()),
        ("body.at", "shape integer".into())
    );
    assert_eq!(why, "legacy's own answers differed here 20 times in 20 pairs (integer→integer)");
    assert_eq!(*evidence, Evidence::Legacy);
}

#[tokio::test]
async fn a_difference_that_legacy_has_not_is_found_beside_noise() {
    let (legacy, new) = (answer(counting("a")).await, answer(counting("b")).await);
    let mut started = parts().patient();
    started.writes = Some(WriteClass::Safe);
    let mut rig = started.start(&legacy, &new);
    let mut regressed = Vec::new();
    for _ in 0..20 {
        let exchange = rig.exchange("/api/x", Some(live(JSON, r#"{"at":0,"name":"a"}"#)));
        let record = rig.compared(exchange).await;
        assert_eq!(record.verdict, Verdict::Mismatch);
        regressed.extend(record.regressed);
    }
    let regressed: Vec<_> = regressed.iter().map(|place| place.as_str()).collect();
    assert_eq!(regressed, ["body.name"]);
    let clusters = rig.report().mismatches.clusters;
    assert_eq!(
        clusters.iter().map(|cluster| cluster.key.path.as_str()).collect::<Vec<_>>(),
        ["body.name"]
    );
    // Noise became known on the way, and counters began anew, those of the clusters with them.
    let counted = rig.report().parity.counters.mismatches;
    assert!(counted < 20, "{counted}");
    assert_eq!((clusters[0].count, clusters[0].samples.len()), (counted, 20));
    // A regression suggests no rule.
    let suggested = rig.handle.suggestions("read");
    assert!(suggested.iter().all(|found| found.rule.pattern.as_str() == "body.at"));
    rig.settled(20).await;
}

#[tokio::test]
async fn what_only_the_candidate_differs_in_suggests_no_rule() {
    const LEGACY: &str = r#"{"devices":[{"id":1},{"id":2}],"owner":"00000000-0000-4000-8000-000000000001","updated_at":"2026-01-01T10:00:00Z"}"#;
    const NEW: &str = r#"{"devices":[{"id":2},{"id":1}],"owner":"00000000-0000-4000-8000-000000000002","updated_at":"2026-01-01T11:00:00Z"}"#;
    let compared = async |writes, legacy: Server| {
        let new = answer(|_| json(NEW.into())).await;
        let mut started = parts().patient();
        started.writes = Some(writes);
        let mut rig = started.start(&legacy, &new);
        for _ in 0..25 {
            rig.compared(rig.exchange("/api/x", Some(live(JSON, LEGACY)))).await;
        }
        rig.settled(25).await;
        rig
    };
    let steady = answer(|_| json(LEGACY.into())).await;
    let rig = compared(WriteClass::Safe, steady).await;
    assert_eq!(rig.report().parity.regressions.len(), 3);
    assert_eq!(rig.handle.suggestions("read"), []);
    // That no second call came through yet says nothing either.
    let rig = compared(WriteClass::Safe, refuses().await).await;
    assert_eq!(rig.handle.suggestions("read"), []);
    // Where none is ever made, a person has to know.
    let rig = compared(WriteClass::Idempotent, refuses().await).await;
    let suggested = rig.handle.suggestions("read");
    let suggested: Vec<_> = suggested
        .iter()
        .map(|found| format!("{} {}", found.rule.pattern, found.rule.action))
        .collect();
    assert_eq!(
        suggested,
        [
            "body.devices unordered by id",
            "body.owner renamed in owner",
            "body.updated_at shape rfc3339"
        ]
    );
}

#[tokio::test]
async fn after_enough_pairs_only_a_sample_is_asked_twice() {
    let (legacy, new) = (answer(|_| json("{}".into())).await, answer(|_| json("{}".into())).await);
    let mut started = parts().patient();
    started.writes = Some(WriteClass::Safe);
    started.spec.noise = Percent::from_basis_points(1_000).unwrap();
    let mut rig = started.start(&legacy, &new);
    for _ in 0..500 {
        assert!(rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await.is_paired);
    }
    let mut paired = 0;
    for _ in 0..500 {
        paired +=
            u32::from(rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await.is_paired);
    }
    assert!((25..=85).contains(&paired), "{paired} of 500");
    assert_eq!(new.count(), 1_000);
    assert_eq!(legacy.count(), 500 + paired as usize);
    rig.settled(1_000).await;
}

#[tokio::test]
async fn what_may_change_something_is_never_asked_of_legacy() {
    for writes in [WriteClass::Idempotent, WriteClass::DryRun, WriteClass::Sandbox] {
        let (legacy, new) =
            (answer(|_| json("{}".into())).await, answer(|_| json("{}".into())).await);
        let mut started = parts().patient();
        started.writes = Some(writes);
        let mut rig = started.start(&legacy, &new);
        for _ in 0..10 {
            assert!(!rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await.is_paired);
        }
        assert_eq!((legacy.count(), new.count()), (0, 10), "{writes}");
        rig.settled(10).await;
    }
}

#[tokio::test]
async fn a_reference_that_fails_leaves_the_comparison_without_one() {
    let new = answer(|_| json("{}".into())).await;
    let mut started = parts().patient();
    started.writes = Some(WriteClass::Safe);
    let mut rig = started.start(&refuses().await, &new);
    for _ in 0..15 {
        let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
        assert_eq!((record.verdict, record.is_paired), (Verdict::Match, false));
    }
    rig.settled(15).await;
}
