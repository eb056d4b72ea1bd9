//! Real comparisons, real files, and everything that can be in the way.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use cutover_domain::{
    exchange::Dropped,
    parity::{Cause, Snapshot},
};
use cutover_shadow::kept;
use cutover_store::{KeptRoute, ParityStore, Store, testing::WriteLock};

use self::rig::{Place, eligible, terms, until};
use super::*;

mod hand_over;
mod rig;
mod trouble;

#[tokio::test]
async fn a_restart_changes_nothing() {
    let place = Place::new().await;
    let node = place.start().await;
    node.compare(40).await;
    node.differ(25).await;
    let (before, mismatches) = (node.parity(), node.report().mismatches);
    let samples = node.samples();
    assert_eq!((mismatches.clusters.len(), samples.len()), (1, 20));
    node.end().await;

    let again = place.start().await;
    assert_eq!(again.parity(), before);
    assert_eq!(again.samples(), samples);
    let (counters, report) = (&before.counters, again.report());
    assert_eq!(report.mismatches, mismatches);
    assert_eq!((counters.matches, counters.mismatches, counters.incomparable.len()), (40, 25, 0));
    assert_eq!((&report.parity.counters, report.parity.pairs), (counters, before.pairs));
    assert_eq!(report.parity.regressions.len(), 1);
    // And it goes on from there.
    again.compare(10).await;
    again.differ(5).await;
    assert_eq!(again.parity().counters.matches, 50);
    assert_eq!(again.parity().since, before.since);
    assert_eq!(again.report().mismatches.clusters[0].count, 30);
    let (parity, mismatches) = (again.parity(), again.report().mismatches);
    again.end().await;
    let third = place.start().await;
    assert_eq!((third.parity(), third.report().mismatches), (parity, mismatches));
}

#[tokio::test]
async fn the_store_has_the_samples_that_memory_has() {
    let place = Place::new().await;
    let node = place.start().await;
    // Enough for samples to make room for others, over many writes.
    for _ in 0..20 {
        node.differ(20).await;
        place.has(&node.parity()).await;
    }
    let mut ids: Vec<_> = node.samples().into_iter().map(|(id, _)| id).collect();
    ids.sort_unstable();
    let kept = place.parity_store().await.route("read").await.unwrap();
    assert_eq!((kept.clusters.len(), kept.clusters[0].row.count), (1, 400));
    let mut stored: Vec<_> =
        kept.clusters[0].samples.iter().map(|sample| sample.id.clone()).collect();
    stored.sort_unstable();
    assert_eq!(stored, ids);
}

#[tokio::test]
async fn samples_are_forgotten_after_seven_days() {
    let place = Place::new().await;
    let node = place.start_with(Terms { forget_every: Duration::ZERO, ..terms() }).await;
    node.differ(3).await;
    place.has(&node.parity()).await;
    assert_eq!(node.samples().len(), 3);
    place.now_ms.fetch_add(SAMPLES_MILLIS + 60_000, Ordering::Relaxed);
    until(async || node.samples().is_empty()).await;
    let parity = place.parity_store().await;
    until(async || parity.route("read").await.unwrap().clusters.is_empty()).await;
    // Counters are no samples.
    assert_eq!(place.kept("read").await, Some(node.parity()));
    assert_eq!(node.parity().counters.mismatches, 3);
}

#[tokio::test]
async fn samples_that_cannot_be_used_are_told_and_replaced() {
    let place = Place::new().await;
    let node = place.start().await;
    node.differ(4).await;
    place.has(&node.parity()).await;
    let parity = node.parity();
    node.end().await;
    let store = place.parity_store().await;
    let mut cluster = store.route("read").await.unwrap().clusters.remove(0);
    cluster.samples.truncate(2);
    cluster.samples[0].document = "{}".into();
    cluster.samples[1].id = "no id".into();
    let change = cutover_store::ClusterChange {
        row: cluster.row,
        samples: cluster.samples,
        ..Default::default()
    };
    place.write_clusters("read", vec![change]).await;

    let again = place.start().await;
    assert_eq!(again.dropped("unreadable"), 2);
    assert_eq!(again.parity(), parity);
    assert_eq!(again.samples().len(), 3);
    until(async || {
        let kept = store.route("read").await.unwrap();
        kept.clusters[0].samples.len() == 3
    })
    .await;
}

#[tokio::test]
async fn what_is_counted_is_on_disk_within_a_moment() {
    let place = Place::new().await;
    let node = place.start().await;
    node.compare(3).await;
    place.has(&node.parity()).await;
    node.differ(2).await;
    node.drop_one();
    place.has(&node.parity()).await;
    // As after `kill -9`: nobody said good-bye.
    let again = place.start().await;
    assert_eq!(again.parity(), node.parity());
    assert_eq!(again.parity().counters.eligible(), 6);
}

#[tokio::test]
async fn what_does_not_change_is_not_written_again() {
    let place = Place::new().await;
    let node = place.start().await;
    node.compare(3).await;
    place.has(&node.parity()).await;
    let parity = place.parity_store().await;
    let written_ms = parity.route("read").await.unwrap().updated_ms;
    place.now_ms.fetch_add(1_000, Ordering::Relaxed);
    // Another route's change shows that there was a turn.
    node.compare_other().await;
    until(async || parity.route("other").await.unwrap().document.is_some()).await;
    assert_eq!(parity.route("read").await.unwrap().updated_ms, written_ms);
    let again = place.start().await;
    assert_eq!(again.parity(), node.parity());
}

#[tokio::test]
async fn other_rules_after_a_restart_begin_anew() {
    let place = Place::new().await;
    let node = place.start_with_rules(1).await;
    node.compare(5).await;
    let before = node.parity();
    node.end().await;

    let same = place.start_with_rules(1).await;
    same.compare(1).await;
    assert_eq!((same.parity().counters.matches, same.parity().history.len()), (6, 0));
    same.end().await;
    // No rules at all are other rules, too.
    let other = place.start().await;
    other.compare(1).await;
    let parity = other.parity();
    assert_eq!((parity.counters.matches, parity.history[0].counters.matches), (1, 6));
    assert_eq!((parity.history[0].cause, &parity.history[0].basis), (Cause::Rules, &before.basis));
}

#[tokio::test]
async fn a_document_that_cannot_be_used_is_told_and_replaced() {
    for text in ["", "{", r#"{"version":99}"#, r#"{"version":1}"#] {
        let place = Place::new().await;
        place.write("read", text).await;
        let node = place.start().await;
        assert_eq!(node.dropped("unreadable"), 1, "{text}");
        assert_eq!(node.parity_if_any(), None, "{text}");
        node.compare(2).await;
        place.has(&node.parity()).await;
    }
}

#[tokio::test]
async fn routes_that_are_gone_are_kept_for_seven_days_and_those_here_for_good() {
    let place = Place::new().await;
    let node = place.start().await;
    node.compare(1).await;
    place.has(&node.parity()).await;
    place.write("gone", &kept::to_text(&Snapshot::default()).unwrap()).await;
    let parity = place.parity_store().await;
    const DAY_MS: u64 = 24 * 3_600_000;
    node.end().await;

    place.now_ms.fetch_add(7 * DAY_MS, Ordering::Relaxed);
    place.start().await.end().await;
    assert!(parity.route("gone").await.unwrap().document.is_some());
    place.now_ms.fetch_add(1, Ordering::Relaxed);
    place.start().await.end().await;
    assert_eq!(parity.route("gone").await.unwrap().document, None);
    assert!(parity.route("read").await.unwrap().document.is_some());
}

#[tokio::test]
async fn a_route_that_was_gone_loses_no_count() {
    let place = Place::new().await;
    let node = place.start().await;
    node.compare(4).await;
    place.has(&node.parity()).await;
    node.declare(&[]);
    node.shadow.retain_routes(|id| id != "read");
    node.compare_other().await;
    until(async || place.kept("other").await.is_some()).await;
    assert_eq!(place.kept("read").await.unwrap().counters.matches, 4, "the store forgets nothing");

    node.declare(&["read"]);
    node.take_again();
    node.compare(3).await;
    // Either as one, or as history, if comparisons were quicker than the store.
    until(async || eligible(&node.parity()) == 7).await;
    place.has(&node.parity()).await;
}

#[tokio::test]
async fn a_route_that_came_again_is_not_taken_for_the_one_that_was_written() {
    let place = Place::new().await;
    let node = place.start().await;
    node.compare(4).await;
    let (shadow, read) = (&node.shadow, Arc::<str>::from("read"));
    let metrics = RecorderMetrics::register(&mut Default::default());
    let mut known = Known::default();
    known.restore(shadow, &read, KeptRoute::default(), &metrics);
    assert_eq!(known.changed(shadow), [Arc::clone(&read)]);
    assert!(known.change(shadow, &read, 0).is_some());
    assert!(!known.unrestored(shadow, &[]).contains(&read));

    shadow.retain_routes(|id| id != "read");
    node.take_again();
    assert!(known.change(shadow, &read, 0).is_none(), "it has nothing of what is kept");
    assert!(known.unrestored(shadow, &[]).contains(&read));
}
