//! Going on from what an earlier process kept.

use cutover_domain::{exchange::Dropped, parity::Snapshot};

use crate::rig::{JSON, answer, live, parts, refuses};

/// Matches and rules of an earlier process.
fn kept(matches: u64, rules: &str) -> Snapshot {
    let mut kept = Snapshot { since: 7, ..Snapshot::default() };
    kept.counters.matches = matches;
    kept.basis.rules = rules.into();
    kept
}

fn json(_: &http::Request<bytes::Bytes>) -> http::Response<http_body_util::Full<bytes::Bytes>> {
    http::Response::builder().header("content-type", JSON).body("{}".into()).unwrap()
}

#[tokio::test]
async fn parity_goes_on_and_accounting_begins_anew() {
    let (legacy, new) = (refuses().await, answer(json).await);
    let mut rig = parts().patient().start(&legacy, &new);
    assert!(rig.handle.resume("read", kept(100, "")));
    rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
    let parity = rig.handle.snapshot("read").unwrap();
    assert_eq!((parity.counters.matches, parity.since), (101, 7));
    assert_eq!(rig.accounting().eligible, 1);
    assert_eq!(rig.handle.routes().iter().map(|id| &**id).collect::<Vec<_>>(), ["read"]);

    // A second past comes too late to be counted together with what was compared.
    assert!(!rig.handle.resume("read", kept(50, "")));
    let parity = rig.handle.snapshot("read").unwrap();
    assert_eq!((parity.counters.matches, parity.history[0].counters.matches), (101, 50));
    rig.shutdown(crate::rig::PATIENCE).await;
}

#[tokio::test]
async fn a_past_by_other_rules_becomes_history_with_the_first_comparison() {
    let (legacy, new) = (refuses().await, answer(json).await);
    let mut rig = parts().patient().start(&legacy, &new);
    assert!(rig.handle.resume("read", kept(100, "rules that are gone")));
    assert_eq!(rig.handle.snapshot("read").unwrap().counters.matches, 100);
    rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
    let parity = rig.handle.snapshot("read").unwrap();
    assert_eq!((parity.counters.matches, parity.history[0].counters.matches), (1, 100));
    rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
    assert_eq!(rig.handle.snapshot("read").unwrap().history.len(), 1, "once");
    rig.shutdown(crate::rig::PATIENCE).await;
}

#[tokio::test]
async fn copies_that_are_held_back_are_accounted_for() {
    let (legacy, new) = (refuses().await, answer(json).await);
    let mut rig = parts().patient().start(&legacy, &new);
    rig.handle.hold();
    for _ in 0..5 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    let accounting = rig.settled(5).await;
    assert_eq!((accounting.dropped(Dropped::Shutdown), new.count()), (5, 0));
    assert!(rig.handle.resume("read", kept(100, "")));
    rig.handle.release();
    rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
    let counters = rig.handle.snapshot("read").unwrap().counters;
    assert_eq!((counters.matches, counters.dropped[&Dropped::Shutdown]), (101, 5));
    rig.shutdown(crate::rig::PATIENCE).await;
}
